package guard

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/catherd/catherd/bpf/guard"
)

// State is how the guard stands.
type State string

// The states.
const (
	AtWork  State = "at work"
	Soon    State = "starting"
	Unused  State = "nothing to do" // no rule asks for it
	Off     State = "off"           // it is not wanted
	Missing State = "missing"       // it is wanted, and the kernel or the permissions do not allow it
)

// Status is the guard as operators see it.
type Status struct {
	State State `json:"state"`
	// Why says why it is off or missing, or why the newest rules are not at work,
	// and Cure what to do about it.
	Why        string          `json:"why,omitempty"`
	Cure       string          `json:"cure,omitempty"`
	Since      time.Time       `json:"since,omitzero"` // of AtWork
	DryRun     bool            `json:"dry_run"`
	Interfaces []GuardedStatus `json:"interfaces"`
	Rules      []RuleStatus    `json:"rules"`
	// Drops are the packets that each rule dropped, none in a dry run. Rules of the
	// deny lists beyond the first hundred are one.
	Drops   map[string]uint64 `json:"drops"`
	Confirm *ConfirmStatus    `json:"confirm,omitempty"` // what waits for it
}

// GuardedStatus is one interface.
type GuardedStatus struct {
	Name    string `json:"name"`
	Mode    string `json:"mode,omitempty"`    // xdp, tcx or xdp-generic
	Problem string `json:"problem,omitempty"` // why it is not guarded
}

// RuleStatus is one rule and what it met.
type RuleStatus struct {
	Rule string `json:"rule"` // deny, allow, or what the guard knows by itself: "connections too fast", ...
	// Prefix is of deny and allow.
	Prefix netip.Prefix `json:"prefix,omitzero"`
	// From is "file", "admin.allow", "operator" or "program".
	From    string    `json:"from"`
	Owner   string    `json:"owner,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Drops   bool      `json:"drops"`
	Packets uint64    `json:"packets"`
	Bytes   uint64    `json:"bytes"`
}

// ConfirmStatus is what is taken back unless it is confirmed.
type ConfirmStatus struct {
	By     time.Time `json:"by"`
	Owner  string    `json:"owner"`
	Danger string    `json:"danger,omitempty"`
}

// Status returns how the guard stands. It reads the kernel's counters, and waits while
// rules are being changed.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status()
}

// Glance is Status for those who must not wait: while rules are being changed it is what
// was before.
func (k *Keeper) Glance() Status {
	if k.mu.TryLock() {
		defer k.mu.Unlock()
		return k.status()
	}
	if s := k.last.Load(); s != nil {
		return *s
	}
	return Status{State: Soon, Interfaces: []GuardedStatus{}, Rules: []RuleStatus{}, Drops: map[string]uint64{}}
}

func (k *Keeper) status() Status {
	s := Status{State: Unused, Why: k.why, Cure: k.cure, Since: k.since, DryRun: k.wish.DryRun,
		Interfaces: []GuardedStatus{}, Rules: []RuleStatus{}, Drops: map[string]uint64{}}
	switch {
	case k.program != nil:
		s.State = AtWork
	case k.dirty:
		s.State = Soon
	case k.wish.Off != "":
		s.State = Off
	case k.why != "":
		s.State = Missing
	}
	var counts guard.Counts
	if k.program != nil {
		counts = k.program.Counts()
	}
	k.interfaces(&s)
	k.ruleStatus(&s, counts.Rules)
	drops(s.Drops, &counts)
	if p := k.pending; p != nil {
		s.Confirm = &ConfirmStatus{By: p.until, Owner: p.owner, Danger: p.why}
	}
	k.last.Store(&s)
	return s
}

func (k *Keeper) interfaces(s *Status) {
	if k.program == nil {
		return
	}
	for index, mode := range k.program.Attached() {
		s.Interfaces = append(s.Interfaces, GuardedStatus{Name: k.names[index], Mode: mode.String()})
	}
	for name, err := range k.refused {
		s.Interfaces = append(s.Interfaces, GuardedStatus{Name: name, Problem: err.Error()})
	}
	if all, err := k.o.Interfaces(); err == nil && edge(&k.rules) {
		_, missing := k.wish.edges(all)
		for _, name := range missing {
			s.Interfaces = append(s.Interfaces, GuardedStatus{Name: name, Problem: "there is no such interface"})
		}
	}
	slices.SortFunc(s.Interfaces, func(a, b GuardedStatus) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// ruleStatus lists the allow lists, the deny lists and what the guard knows by itself.
func (k *Keeper) ruleStatus(s *Status, met []guard.Count) {
	counts := map[string]RuleStatus{}
	var known []RuleStatus
	for _, c := range met {
		r := RuleStatus{Rule: c.Name, From: "program", Drops: c.Drops, Packets: c.Packets, Bytes: c.Bytes}
		counts[c.Name] = r
		if !strings.HasPrefix(c.Name, "deny ") {
			known = append(known, r)
		}
	}
	add := func(kind Kind, p netip.Prefix, from string, o *Rule) {
		r := RuleStatus{Rule: string(kind), Prefix: p, From: from, Drops: kind == Deny}
		if o != nil {
			r.Owner, r.Reason, r.Since, r.Until = o.Owner, o.Reason, o.Since, o.Until
		}
		if kind == Deny {
			c := counts["deny "+p.String()]
			r.Packets, r.Bytes = c.Packets, c.Bytes
		}
		s.Rules = append(s.Rules, r)
	}
	for _, p := range k.wish.Allow {
		add(Allow, p, "file", nil)
	}
	for _, p := range k.wish.Always {
		add(Allow, p, "admin.allow", nil)
	}
	for i := range k.list {
		add(k.list[i].Kind, k.list[i].Prefix, "operator", &k.list[i])
	}
	for _, p := range k.wish.Deny {
		if o := find(k.list, p); o == nil || o.Kind != Deny {
			add(Deny, p, "file", nil)
		}
	}
	s.Rules = append(s.Rules, known...)
}

// drops sums up what was dropped.
func drops(out map[string]uint64, c *guard.Counts) {
	const most = 100
	for _, r := range c.Rules {
		switch {
		case c.DryRun || !r.Drops:
		case len(out) < most:
			out[r.Name] += r.Packets
		default:
			out["deny, others"] += r.Packets
		}
	}
}
