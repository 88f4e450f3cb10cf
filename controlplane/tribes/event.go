package tribes

import (
	"fmt"
	"time"
)

// EventKind says what happened in the group.
type EventKind uint8

// The kinds of events. Node is set for those about a node.
const (
	Appeared    EventKind = iota // a receiver that was not known
	Returned                     // heard again after silence, or after a stop that was none
	WentSilent                   // silent for longer than DropAfter
	Left                         // a planned stop, from the node's own address
	Suspected                    // a stop that may be forged: nothing changed, ask the node
	Reborn                       // a new incarnation at a known receiver; the old one is gone
	Gone                         // forgotten, an hour after the last heartbeat
	Foreign                      // a known id from a foreign address: nothing changed
	Conflicting                  // two ids speak for one receiver: nothing changed
	SharedID                     // one id speaks for two receivers
	Backwards                    // the age of a node went backwards without a new id
	OtherDomain                  // a node of another domain was heard for the first time
	Deaf                         // nobody was heard any more, all at once
	Hearing                      // the end of that
	ClockMoved                   // the clock, or this process, stood still or jumped
	TableFull                    // nodes are thrown out or turned away
	Overrun                      // more datagrams than are looked at
	More                         // some events were left out; see the list of nodes
	kinds
)

var kindWords = [kinds]string{"appeared", "returned", "silent", "left", "suspect", "reborn", "gone", "foreign", "conflict",
	"shared-id", "backwards", "other-domain", "deaf", "hearing", "clock", "table-full", "overrun", "more"}

func (k EventKind) String() string {
	if k >= kinds {
		return "unknown"
	}
	return kindWords[k]
}

// Event is one thing that happened, in words for an operator. Events of nodes
// that were heard once may be left out when there are many: a program acts on
// View.Nodes, and takes any event as a reason to look.
type Event struct {
	At    time.Time
	Kind  EventKind
	Node  Node // as it was right after the event; zero for events about the group
	Text  string
	Again bool // said lately: a reason to look, and nothing to tell anybody
}

// How many events strangers can cause. Whoever sends datagrams decides how
// many nodes appear; without a limit he would write our log.
const (
	eventsPerSecond = 20
	repeatAfter     = time.Minute // one and the same complaint about one node
	lookAgain       = time.Second // the same where each time is a reason to look
)

// limiter lets events pass at a rate and counts the others.
type limiter struct {
	tokens  int
	since   time.Time // of the second at hand
	skipped int
}

func (l *limiter) allow(now time.Time) bool {
	if d := now.Sub(l.since); d >= time.Second || d < 0 {
		l.since, l.tokens = now, eventsPerSecond
	}
	if l.tokens == 0 {
		l.skipped++
		return false
	}
	l.tokens--
	return true
}

// due returns the event that stands for those left out, once their second is
// over.
func (l *limiter) due(now time.Time) (Event, bool) {
	if l.skipped == 0 || now.Sub(l.since) < time.Second {
		return Event{}, false
	}
	n := l.skipped
	l.skipped = 0
	return Event{At: now, Kind: More, Text: fmt.Sprintf("%d more events about strangers were left out", n)}, true
}

// say adds an event about the node. Complaints that a stranger can cause are
// limited; each about the same node comes at most once a minute.
func (v *View) say(n *node, kind EventKind, format string, args ...any) {
	switch kind {
	case Suspected, Foreign, Conflicting, SharedID, Backwards:
		if v.said(n, kind) {
			return
		}
		n.said[kind] = v.now
		if !n.trusted() && !v.limit.allow(v.now) {
			return
		}
	case Appeared, OtherDomain:
		if !v.limit.allow(v.now) {
			return
		}
	case Gone, WentSilent, Left, Reborn, Returned:
		if !n.trusted() && !v.limit.allow(v.now) {
			return
		}
	}
	v.events = append(v.events, Event{At: v.now, Kind: kind, Node: n.Node, Text: fmt.Sprintf(format, args...)})
}

// said reports whether this complaint about the node was made lately.
func (v *View) said(n *node, kind EventKind) bool {
	last := n.said[kind]
	return !last.IsZero() && v.now.Sub(last) < repeatAfter
}

// again adds a complaint that was said lately, for those who look and not for
// those who read. A stranger's node is looked at by and by.
func (v *View) again(n *node, kind EventKind) {
	if n.trusted() && v.now.Sub(n.lookAt) >= lookAgain {
		n.lookAt = v.now
		v.events = append(v.events, Event{At: v.now, Kind: kind, Node: n.Node, Again: true})
	}
}

// sayGroup adds an event about the group as a whole.
func (v *View) sayGroup(kind EventKind, format string, args ...any) {
	v.events = append(v.events, Event{At: v.now, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// trusted reports whether events about the node are worth more than a
// stranger's: it has been heard for a while, or somebody vouches for it.
func (n *node) trusted() bool { return n.kept || n.Beats > 10 || n.Incarnations > 1 }

// take hands the collected events over.
func (v *View) take() []Event {
	if e, ok := v.limit.due(v.now); ok {
		v.events = append(v.events, e)
	}
	if len(v.events) == 0 {
		return nil
	}
	out := v.events
	v.events = nil
	return out
}

func sprintSpan(format string, d time.Duration) string { return fmt.Sprintf(format, span(d)) }

// span writes a duration for a sentence: tenths below ten seconds, whole
// seconds above.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
