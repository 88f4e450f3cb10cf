package tribes

import (
	"slices"
	"time"
)

// Tick lets time pass: nodes fall silent and are forgotten.
func (v *View) Tick(now time.Time) []Event {
	v.advance(now)
	var due []*node
	for _, n := range v.nodes {
		if v.silentAt(n).Compare(v.now) <= 0 || n.State != Alive && v.forgetAt(n).Compare(v.now) <= 0 {
			due = append(due, n)
		}
	}
	// Sorted, so that the same datagrams give the same events.
	slices.SortFunc(due, func(a, b *node) int { return a.Receiver.Compare(b.Receiver) })
	if v.nobodyHeard(due) {
		v.status.DeafSince = v.now
		v.sayGroup(Deaf, "none of %d members is heard any more, the last one %s ago: multicast no longer reaches this host (switch, IGMP snooping, firewall), or all of them are gone",
			v.count(Alive), span(v.now.Sub(v.heardAt)))
	}
	for _, n := range due {
		if n.State == Alive {
			v.silence(n)
			continue
		}
		v.remove(n)
		v.say(n, Gone, "%s is forgotten, last heard %s ago", n.Receiver, span(v.now.Sub(n.LastHeard)))
	}
	v.fresh = slices.DeleteFunc(v.fresh, func(n *node) bool { return n.dead || n.Confirmed })
	v.plan()
	return v.take()
}

// silence makes a node silent. When nobody is heard the group has said so
// already, and the node does not say it again.
func (v *View) silence(n *node) {
	v.enter(n, Silent)
	if !v.status.DeafSince.IsZero() {
		return
	}
	habit := ""
	if n.Interval > 0 {
		habit = ", its habit is every " + span(n.Interval)
	}
	v.say(n, WentSilent, "%s is not heard for %s%s", n.Receiver, span(v.now.Sub(n.quiet)), habit)
}

// silentAt returns when a node counts as silent, a time far away for one that
// does already.
func (v *View) silentAt(n *node) time.Time {
	if n.State != Alive {
		return v.now.Add(forgetAfter)
	}
	after := v.set.DropAfter
	if !v.status.LostAt.IsZero() && v.now.Sub(v.status.LostAt) < v.set.DropAfter {
		after *= floodMemory
	}
	return n.quiet.Add(after)
}

// forgetAt returns when a node that is not heard is forgotten. One that was
// heard once is worth less.
func (v *View) forgetAt(n *node) time.Time {
	if !n.Confirmed {
		return n.LastHeard.Add(forgetStray)
	}
	return n.LastHeard.Add(forgetAfter)
}

// nobodyHeard reports whether the nodes that are due fall silent because
// nothing at all is heard: two or more were alive, and none has been heard for
// much longer than its habit.
func (v *View) nobodyHeard(due []*node) bool {
	if !v.status.DeafSince.IsZero() || !slices.ContainsFunc(due, func(n *node) bool { return n.State == Alive && n.Confirmed }) {
		return false
	}
	alive := 0
	for _, n := range v.nodes {
		if n.State != Alive || !n.Confirmed {
			continue
		}
		alive++
		if v.now.Sub(n.quiet) < max(v.set.DropAfter/2, n.Interval*3/2) {
			return false
		}
	}
	return alive > 1
}

func (v *View) count(s State) int {
	c := 0
	for _, n := range v.nodes {
		if n.State == s && n.Confirmed {
			c++
		}
	}
	return c
}

// plan says when to look next.
func (v *View) plan() {
	v.next = time.Time{}
	if v.limit.skipped > 0 {
		v.wake(v.limit.since.Add(time.Second))
	}
	if len(v.nodes) == 0 {
		return
	}
	v.wake(v.now.Add(lookEvery))
	for _, n := range v.nodes {
		v.wake(v.silentAt(n))
	}
}

// wake brings the next look forward.
func (v *View) wake(at time.Time) {
	if v.next.IsZero() || at.Before(v.next) {
		v.next = at
	}
}

// advance takes the time. Silence is evidence only while somebody listens, so
// time in which nobody looked is given to every node: after a suspended
// machine wakes up its members are not silent, they were not heard yet. When
// the clock goes back everything is moved with it, and ages stay what they
// were.
func (v *View) advance(now time.Time) {
	d := now.Sub(v.now)
	switch {
	case v.now.IsZero():
	case d < -jitter:
		for _, n := range v.nodes {
			n.shift(d)
		}
		v.shift(d)
		v.sayMoved(now, "the clock went back by %s: ages of members are kept", -d)
	case d < 0:
		return // two clocks read in another order than used
	case d > standstill && len(v.nodes) > 0:
		for _, n := range v.nodes {
			n.quiet = n.quiet.Add(d)
		}
		v.heardAt = v.heardAt.Add(d)
		v.sayMoved(now, "nobody listened for %s (this process or machine stood still, or the clock was set): silence in that time is not counted", d)
	}
	v.now = now
	if v.limit.skipped > 0 || len(v.nodes) > 0 {
		v.wake(now.Add(lookEvery))
	}
}

func (v *View) sayMoved(now time.Time, format string, d time.Duration) {
	v.events = append(v.events, Event{At: now, Kind: ClockMoved, Text: sprintSpan(format, d)})
}

// shift moves the times of the group after the clock was set back.
func (v *View) shift(d time.Duration) {
	for _, t := range []*time.Time{&v.heardAt, &v.status.LastHeard, &v.status.DeafSince, &v.status.FullAt, &v.status.LostAt, &v.limit.since, &v.noneSilent, &v.next} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
}

// shift moves the times of a node after the clock was set back.
func (n *node) shift(d time.Duration) {
	for _, t := range []*time.Time{&n.quiet, &n.LastHeard, &n.FirstHeard, &n.Since, &n.Started, &n.ConflictAt, &n.ForeignAt, &n.SuspectAt, &n.BackwardAt, &n.lookAt} {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
	for i := range n.said {
		if !n.said[i].IsZero() {
			n.said[i] = n.said[i].Add(d)
		}
	}
}
