package main

import (
	"fmt"
	"time"
)

// What is promised about a frozen member: how long a GET may wait at most, how soon the
// member is used again, and how long a POST may still be caught by it.
const (
	worstWait   = 2 * time.Second
	readmit     = 2 * time.Second
	unnoticed   = 2 * time.Second
	shortFreeze = 2500 * time.Millisecond // a pause of the garbage collector, which ejects nobody
	evenShare   = 0.6                     // of the new sessions, for one of three members
	evenSample  = 60                      // new sessions below which nothing is said about shares
)

// account is all that is judged.
type account struct {
	alone   bool // the members form no cluster
	events  []event
	results []result
	outages []outage
	losses  []loss
	twice   []string // sentences about the ledgers
}

// judge lists the promises that were broken.
func (a *account) judge() (broken []string) {
	complain := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	fine := 0
	for i := range a.results {
		r := &a.results[i]
		switch {
		case r.fault == "":
			fine++
		case !a.excused(r):
			complain("%s: %s %s", a.when(r.start), r.kind, r.evidence())
		}
		if took := r.end.Sub(r.start); r.fault == "" && took > worstWait && a.prompt(r) {
			complain("%s: %s took %v: %s", a.when(r.start), r.kind, ms(took), r.evidence())
		}
	}
	if fine == 0 {
		complain("not a single request was answered")
	}
	broken = append(broken, a.twice...)
	for _, l := range a.losses {
		if !a.bereaved(&l) {
			complain("%s: %s", a.when(l.at), l.text)
		}
	}
	for i := range a.outages {
		o := &a.outages[i]
		first := a.firstUse(o)
		switch {
		case first == 0:
			complain("round %d: %s was not used again within %v", o.round, o.member, backPatience)
		case o.frozen() && first > readmit:
			complain("round %d: %s was used %v after SIGCONT", o.round, o.member, ms(first))
		}
		if e := a.ejected(o); e != nil {
			complain("round %d: %s was frozen for %v and is down at %s: %s", o.round, o.member, ms(o.back.Sub(o.gone)), e.at.Format(clock), e.reason)
		}
	}
	if share, n := a.returned(); n >= evenSample && share > evenShare {
		complain("%.0f %% of %d new sessions went to the member that had just come back", 100*share, n)
	}
	return broken
}

// excused tells whether a request may have failed. A stop excuses nothing. A kill excuses
// what cannot be helped: a POST under way, and an answer that had begun. A freeze excuses
// a POST sent before it could be noticed.
func (a *account) excused(r *result) bool {
	for i := range a.outages {
		o := &a.outages[i]
		switch {
		case o.what == "kill" && r.overlaps(o.from, o.gone):
			if r.kind == post || r.begun && r.status < 400 {
				return true
			}
		case o.frozen() && r.kind == post && r.overlaps(o.from, o.from.Add(unnoticed)):
			return true
		}
	}
	return false
}

// prompt tells whether a request must not take longer than worstWait: a GET under way
// while a member is frozen for longer than a pause of its garbage collector, which those in
// flight on it simply share. In a cluster that is promised only to those without a session:
// Tomcats that are well wait for a frozen neighbour with every change of a session (the
// replication is synchronous), and no front can help that.
func (a *account) prompt(r *result) bool {
	if r.kind == post || !a.alone && r.kind != bare {
		return false
	}
	for i := range a.outages {
		if o := &a.outages[i]; o.frozen() && !o.short() && r.overlaps(o.from, o.back) {
			return true
		}
	}
	return false
}

// bereaved tells whether nobody can be blamed for a loss: sessions of members without a
// cluster die with them, a node that is killed takes along what had not reached its
// backup, and one that was frozen spreads its old counts when it wakes up.
func (a *account) bereaved(l *loss) bool {
	o := a.last(l.at)
	return o != nil && (a.alone || o.what == "kill" || o.frozen() && l.back)
}

// short tells whether a freeze may have been a pause of the garbage collector.
func (o *outage) short() bool { return o.back.Sub(o.gone) <= shortFreeze }

// ejected finds the event by which a member that was frozen no longer than shortFreeze
// was taken out, nil for none.
func (a *account) ejected(o *outage) *event {
	if !o.frozen() || !o.short() {
		return nil
	}
	for i := range a.events {
		if e := &a.events[i]; e.member == o.member && e.what == "member down" && !e.at.Before(o.from) && e.at.Before(o.back.Add(readmit)) {
			return e
		}
	}
	return nil
}

// last is the newest outage that had begun at t, nil for none.
func (a *account) last(t time.Time) *outage {
	for i := len(a.outages) - 1; i >= 0; i-- {
		if !t.Before(a.outages[i].from) {
			return &a.outages[i]
		}
	}
	return nil
}

// overlaps tells whether the request was under way at some moment between from and to.
func (r *result) overlaps(from, to time.Time) bool { return !r.end.Before(from) && !r.start.After(to) }

// evidence is the request in one line.
func (r *result) evidence() string {
	text := fmt.Sprintf("%q after %v", r.fault, ms(r.wait()))
	if r.fault == "" {
		text = "answered"
	}
	if r.begun && r.fault != "" && r.status == 0 {
		text += ", its answer had begun"
	}
	if r.reason != "" {
		text += fmt.Sprintf(", reason %q", r.reason)
	}
	if r.node != "" {
		text += " by " + r.node
	}
	return text + ", id " + r.id
}

// when places a moment in the schedule: after the last thing that happened before it.
func (a *account) when(t time.Time) string {
	o := a.last(t)
	if o == nil {
		return "before the first round"
	}
	at, mark := o.from, o.what
	if !t.Before(o.gone) {
		at, mark = o.gone, "end"
	}
	if !o.back.IsZero() && !t.Before(o.back) {
		at, mark = o.back, "return"
	}
	return fmt.Sprintf("round %d, %v after the %s of %s", o.round, ms(t.Sub(at)), mark, o.member)
}

// firstUse is the time from the return of a member to the end of the first request that
// was sent after it and answered there; 0 when there was none.
func (a *account) firstUse(o *outage) (first time.Duration) {
	for i := range a.results {
		r := &a.results[i]
		if r.fault != "" || r.node != o.member || r.start.Before(o.back) {
			continue
		}
		if after := r.end.Sub(o.back); first == 0 || after < first {
			first = after
		}
	}
	return first
}

// returned is the share of new sessions that went to the member that had just come back,
// over all outages, and of how many.
func (a *account) returned() (share float64, n int) {
	there := 0
	for i := range a.outages {
		o := &a.outages[i]
		counts := a.newSessions(o)
		there += counts[o.member]
		for _, c := range counts {
			n += c
		}
	}
	return float64(there) / float64(max(n, 1)), n
}

// newSessions counts, by member, the sessions begun between the first use of the member
// that came back and the next outage.
func (a *account) newSessions(o *outage) map[string]int {
	counts := make(map[string]int)
	if o.used.IsZero() {
		return counts
	}
	for i := range a.results {
		r := &a.results[i]
		if r.kind == newcomer && r.fault == "" && !r.start.Before(o.used) && r.start.Before(o.next) {
			counts[r.node]++
		}
	}
	return counts
}
