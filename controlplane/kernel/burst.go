package kernel

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/catherd/catherd/bpf/events"
)

// Cause is what a sign is about.
type Cause uint8

// The causes.
const (
	Ends       Cause = iota // the member ended or reset connections, many at a time
	Refusal                 // a connect was refused
	Unanswered              // its host does not answer, or the network says that there is none
)

// Sign is something that happened to connections to one address and that has the
// members there asked at once.
type Sign struct {
	Address netip.AddrPort
	Cause   Cause
	At      time.Duration // of the newest event, by the kernel's clock
	First   time.Duration // of the first one it is made of
	Count   int
	Text    string // "3 resets in 5 ms"
	// Avoid says that the member had better get nothing before it has answered: all
	// its connections have ended together, or a connect was refused after some had.
	Avoid bool
}

// What makes a sign. Resets are rare with members that are well. Ends in good order
// are not: Tomcat closes each HTTP connection after a hundred requests, and those
// that were idle for too long in one round; so they count when they are half of all
// and come faster than any load brings them.
const (
	together   = 50 * time.Millisecond // in which ends belong together
	resets     = 3
	closeFast  = 5 * time.Millisecond // in which closes make a sign
	closes     = 3
	after      = time.Second // in which a refused connect follows from ends
	timeouts   = 3           // in a row, of one connection
	gapLeast   = 100 * time.Millisecond
	gapMost    = 10 * time.Second
	gapForget  = time.Minute
	avoidGap   = time.Second
	vainGap    = time.Second
	refusalGap = 10 * time.Millisecond
	keepEnds   = 256 // newest ends that are remembered of one member
)

// end is a connection that the member ended.
type end struct {
	at    time.Duration
	reset bool
}

// trace is what is remembered of one address.
type trace struct {
	ends    []end
	ended   time.Duration // newest sign of Ends
	avoided time.Duration // newest sign with Avoid
	refused time.Duration // newest sign of Refusal
	vain    time.Duration // newest sign of Unanswered
	gap     time.Duration // least time from ended to the next one
	any     bool          // ended means something
}

// Bursts finds signs in events. It knows no clock but that of the events. Not to be
// used by two goroutines at a time.
type Bursts struct {
	of map[netip.AddrPort]*trace
}

// Keep forgets all addresses but these.
func (b *Bursts) Keep(addresses []netip.AddrPort) {
	for a := range b.of {
		if !slices.Contains(addresses, a) {
			delete(b.of, a)
		}
	}
}

// Take reads a batch of events, oldest first, and returns the signs in it. open
// tells how many connections to an address there are, dead ones that nobody has
// noticed yet included.
func (b *Bursts) Take(batch []events.Event, open func(netip.AddrPort) int) (signs []Sign) {
	for i := range batch {
		e := &batch[i]
		t := b.of[e.Member]
		if t == nil {
			if b.of == nil {
				b.of = map[netip.AddrPort]*trace{}
			}
			t = &trace{}
			b.of[e.Member] = t
		}
		if s, ok := t.take(e, open); ok {
			s.Address, s.At = e.Member, e.At
			// Of one batch the last word counts: it knows of all that came before.
			if n := len(signs); n > 0 && signs[n-1].Address == s.Address && signs[n-1].Cause == s.Cause {
				s.Avoid = s.Avoid || signs[n-1].Avoid
				signs = signs[:n-1]
			}
			signs = append(signs, s)
		}
	}
	return signs
}

func (t *trace) take(e *events.Event, open func(netip.AddrPort) int) (Sign, bool) {
	switch e.Kind {
	case events.Reset, events.Closed:
		return t.end(end{e.At, e.Kind == events.Reset}, open(e.Member))
	case events.Refused:
		// Nobody listens: what is still open there is open to nobody.
		s := Sign{Cause: Refusal, First: e.At, Count: 1, Text: "connect refused"}
		if n := t.since(e.At - after); n > 0 && rare(&t.avoided, e.At, avoidGap) {
			s.Avoid = true
			s.First, s.Text = t.ends[len(t.ends)-n].at, t.words(n, e.At)+", then a connect refused"
			s.Count += n
		}
		return s, rare(&t.refused, e.At, refusalGap) || s.Avoid
	case events.SYNAgain:
		return t.unanswered(e, "a connect is not answered")
	case events.TimedOut:
		if e.Times >= timeouts {
			return t.unanswered(e, fmt.Sprintf("data is not acknowledged, sent %d times", e.Times+1))
		}
	case events.Lost, events.Unreachable:
		text := "a connection was lost"
		if e.Kind == events.Unreachable {
			text = "a connect came to nothing"
		}
		if e.Error != 0 {
			text += ": " + e.Error.Error()
		}
		return t.unanswered(e, text)
	}
	return Sign{}, false
}

// end takes in one connection more that the member has ended.
func (t *trace) end(e end, open int) (Sign, bool) {
	if len(t.ends) == keepEnds {
		t.ends = t.ends[:copy(t.ends, t.ends[keepEnds/2:])]
	}
	t.ends = append(t.ends, e)
	n, hard := t.since(e.at-together), 0
	for _, x := range t.ends[len(t.ends)-n:] {
		if x.reset {
			hard++
		}
	}
	fast := t.since(e.at - closeFast)
	s := Sign{Cause: Ends, Count: n, First: t.ends[len(t.ends)-n].at}
	s.Avoid = n >= max(closes, open) && rare(&t.avoided, e.at, avoidGap)
	enough := hard >= resets || fast >= max(closes, (open+1)/2)
	switch {
	case s.Avoid:
	case !enough || t.any && e.at-t.ended < t.gap:
		return Sign{}, false
	}
	t.pause(e.at)
	s.Text = t.words(n, e.at)
	return s, true
}

// pause makes signs of ends rarer as long as they go on: they were no news.
func (t *trace) pause(at time.Duration) {
	switch {
	case !t.any || at-t.ended > gapForget:
		t.gap = gapLeast
	default:
		t.gap = min(2*t.gap, gapMost)
	}
	t.any, t.ended = true, at
}

// rare reports whether something may be said again, and notes that it is.
func rare(last *time.Duration, at, gap time.Duration) bool {
	if *last != 0 && at-*last < gap {
		return false
	}
	*last = at
	return true
}

func (t *trace) unanswered(e *events.Event, text string) (Sign, bool) {
	if !rare(&t.vain, e.At, vainGap) {
		return Sign{}, false
	}
	return Sign{Cause: Unanswered, First: e.At, Count: 1, Text: text}, true
}

// since counts the ends that came later than at.
func (t *trace) since(at time.Duration) int {
	n := 0
	for n < len(t.ends) && t.ends[len(t.ends)-1-n].at > at {
		n++
	}
	return n
}

// words is the newest n ends: "3 resets in 5 ms".
func (t *trace) words(n int, now time.Duration) string {
	list := t.ends[len(t.ends)-n:]
	hard := 0
	for _, x := range list {
		if x.reset {
			hard++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{hard, "reset"}, {n - hard, "end"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.what)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.what))
		}
	}
	took := (now - list[0].at + time.Millisecond - 1).Milliseconds()
	return fmt.Sprintf("%s in %d ms", strings.Join(parts, " and "), max(took, 1))
}
