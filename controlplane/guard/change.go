package guard

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Verb is what an operator asks for.
type Verb string

// What an operator can ask for.
const (
	AddDeny  Verb = "deny"
	AddAllow Verb = "allow"
	Remove   Verb = "remove"
	Confirm  Verb = "confirm"
)

// ConfirmTime is how long a dangerous change waits for its confirmation when nothing
// else is said; MaxConfirmTime is the longest that may be said.
const (
	ConfirmTime    = 30 * time.Second
	MaxConfirmTime = time.Hour
)

// Change asks for another set of rules.
type Change struct {
	Verb   Verb
	Prefix netip.Prefix // not with Confirm
	Owner  string       // who asks
	Reason string
	For    time.Duration // 0: until it is removed
	// ConfirmWithin has the change taken back when it is not confirmed in that time.
	// 0: only when it is dangerous, and then ConfirmTime.
	ConfirmWithin time.Duration
	From          netip.Addr // where the operator is connected from; the zero value when that is this host
}

// Result tells what came of a Change.
type Result struct {
	Done string `json:"done"` // in words
	// ConfirmBy is when the change is taken back unless it is confirmed, and Danger why.
	ConfirmBy time.Time `json:"confirm_by,omitzero"`
	Danger    string    `json:"danger,omitempty"`
	Warning   string    `json:"warning,omitempty"`
}

// Refusal is why a Change was not carried out. Missing says that there is nothing of
// the kind.
type Refusal struct {
	What, Cure string
	Missing    bool
}

// Error implements error.
func (r *Refusal) Error() string { return r.What + ": " + r.Cure }

// Change carries out what an operator asks for. When it returns, the kernel judges by
// it. After an error everything is as it was; it is a *Refusal when the wish was wrong.
func (k *Keeper) Change(c Change) (Result, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.o.Now()
	if k.closed {
		return Result{}, &Refusal{What: "the process is ending", Cure: "ask the one that runs next"}
	}
	k.expire(now)
	if c.Owner == "" {
		c.Owner = "unknown"
	}
	if c.Verb == Confirm {
		return k.confirm(c.Owner)
	}
	list, done, err := k.changed(c, now)
	if err != nil {
		return Result{}, err
	}
	if k.wish.Off != "" {
		return Result{}, &Refusal{What: "the guard is off: " + k.wish.Off, Cure: "write kernel.guard: auto"}
	}
	before, after := k.wish.rules(k.list), k.wish.rules(list)
	r := Result{Done: done}
	if !before.DryRun {
		r.Danger = danger(&before, &after, operators(c.From))
	}
	old := k.list
	k.list = list
	if err := k.apply(); err != nil && k.missing(&after) {
		k.list = old
		_ = k.apply() // as before
		return Result{}, fmt.Errorf("change the guard: %v: %s", err, cureOf(err))
	}
	k.wait(c, &r, old, now)
	k.tell(slog.LevelInfo, c.Owner, done)
	r.Warning = k.warning(c)
	if err := k.save(); err != nil {
		k.tell(slog.LevelError, "", err.Error())
		r.Warning = strings.TrimPrefix(r.Warning+"; it will not outlive the process: "+err.Error(), "; ")
	}
	return r, nil
}

// missing reports whether the kernel does not judge by the rules: an interface that
// cannot be guarded does not count, another may be.
func (k *Keeper) missing(rules interface{ Check() error }) bool {
	return rules.Check() != nil || k.program == nil || k.why != ""
}

// operators are the addresses that must not be shut out unawares.
func operators(from netip.Addr) []netip.Addr {
	if !from.IsValid() {
		return nil
	}
	return []netip.Addr{from}
}

// changed is the list after a change, and the change in words.
func (k *Keeper) changed(c Change, now time.Time) (list []Rule, done string, err error) {
	if !c.Prefix.IsValid() {
		return nil, "", &Refusal{What: "there is no address or network", Cure: "name the one it is about"}
	}
	c.Prefix = c.Prefix.Masked()
	was := find(k.list, c.Prefix)
	if c.Verb == Remove {
		if was == nil {
			return nil, "", k.unknown(c.Prefix)
		}
		return without(k.list, c.Prefix), "removed " + was.String(), nil
	}
	r := Rule{Kind: Kind(c.Verb), Prefix: c.Prefix, Owner: c.Owner, Reason: c.Reason, Since: now.Truncate(time.Second)}
	if c.For > 0 {
		r.Until = now.Add(c.For).Truncate(time.Second)
	}
	if err := r.check(); err != nil {
		return nil, "", &Refusal{What: err.Error(), Cure: "deny or allow an address or a network"}
	}
	if was == nil && len(k.list) >= maxRules {
		return nil, "", &Refusal{What: fmt.Sprintf("there are %d rules of operators", maxRules), Cure: "write them into the file, where there is more room"}
	}
	return put(k.list, r), r.String(), nil
}

// unknown says that there is no rule of an operator about a prefix.
func (k *Keeper) unknown(p netip.Prefix) *Refusal {
	for _, l := range []struct {
		name string
		list []netip.Prefix
		cure string
	}{
		{"guard.deny", k.wish.Deny, "catherd guard allow " + p.String() + " lets it pass until the file is changed"},
		{"guard.allow", k.wish.Allow, "change the file and reload"},
		{"admin.allow", k.wish.Always, "change the file and reload"},
	} {
		for _, x := range l.list {
			if x == p {
				return &Refusal{What: fmt.Sprintf("%s is in %s of the file", p, l.name), Cure: l.cure, Missing: true}
			}
		}
	}
	return &Refusal{What: fmt.Sprintf("no operator made a rule for %s", p), Cure: "catherd guard shows the rules", Missing: true}
}

// warning says when a rule does nothing.
func (k *Keeper) warning(c Change) string {
	if c.Verb != AddDeny {
		return ""
	}
	for _, x := range k.rules.Allow {
		if x.Bits() <= c.Prefix.Bits() && x.Contains(c.Prefix.Addr()) {
			return fmt.Sprintf("nothing of it is dropped: %s is allowed", x)
		}
	}
	if k.rules.DryRun {
		return "guard.dry_run: it is counted and not dropped"
	}
	if len(k.names) == 0 {
		return "no interface is guarded"
	}
	return ""
}

// wait begins to wait for a confirmation, where there is reason to. What is waited for
// already waits on, and this change with it.
func (k *Keeper) wait(c Change, r *Result, old []Rule, now time.Time) {
	within := c.ConfirmWithin
	if within == 0 && r.Danger != "" {
		within = ConfirmTime
	}
	switch {
	case within == 0 && k.pending == nil:
		return
	case k.pending == nil:
		k.pending = &pending{before: old, owner: c.Owner, why: r.Danger}
	case k.pending.why == "":
		k.pending.why = r.Danger
	}
	if until := now.Add(within); until.After(k.pending.until) {
		k.pending.until = until
	}
	r.ConfirmBy = k.pending.until
}

func (k *Keeper) confirm(owner string) (Result, error) {
	if k.pending == nil {
		return Result{}, &Refusal{What: "no change waits to be confirmed", Cure: "catherd guard shows the rules", Missing: true}
	}
	k.pending = nil
	k.tell(slog.LevelInfo, owner, "confirmed")
	r := Result{Done: "confirmed"}
	if err := k.save(); err != nil {
		k.tell(slog.LevelError, "", err.Error())
		r.Warning = "it will not outlive the process: " + err.Error()
	}
	return r, nil
}

// expire takes back what was not confirmed and ends rules whose time is up.
func (k *Keeper) expire(now time.Time) {
	changed := false
	if p := k.pending; p != nil && !now.Before(p.until) {
		k.list, k.pending, changed = p.before, nil, true
		text := "taken back, because nobody confirmed it"
		if p.why != "" {
			text += ": " + p.why
		}
		k.tell(slog.LevelWarn, p.owner, text)
	}
	kept, gone := expire(k.list, now)
	for _, r := range gone {
		k.tell(slog.LevelInfo, r.Owner, "over: "+r.String())
	}
	if !changed && len(gone) == 0 {
		return
	}
	k.list = kept
	_ = k.apply() // told, and the rules before hold until the next change
	if err := k.save(); err != nil {
		k.tell(slog.LevelError, "", err.Error())
	}
}

// save keeps what is confirmed for the next process.
func (k *Keeper) save() error {
	if k.o.Path == "" {
		return nil
	}
	return Save(k.o.Path, k.kept())
}

// Kept are the rules of operators that the next process shall have.
func (k *Keeper) Kept() []Rule {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept()
}

// kept are the rules that nobody has to confirm.
func (k *Keeper) kept() []Rule {
	if k.pending != nil {
		return k.pending.before
	}
	return k.list
}
