package controlplane

import (
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/discover"
)

// How often the processes of this host are looked for. It means reading all of
// /proc.
const (
	lookGap = 500 * time.Millisecond // between two looks, at least
	lookMax = 8 * time.Second        // between two for the same members that do not answer, at most
)

// looking is when this host's processes are looked for.
type looking struct {
	newest time.Time
	pause  time.Duration               // to the next look for members that do not answer
	lost   map[netip.AddrPort]bool     // their nodes at the newest look
	born   map[netip.AddrPort][16]byte // the JVMs behind members at the newest look
}

// lookAround has the processes of this host looked for while the connector of a
// node is not known, and when that of a member may have changed: it does not
// answer, or another JVM is heard. It returns when to come back; zero: when
// something is heard.
func (c *Controller) lookAround(in *discover.Inputs, now time.Time) time.Time {
	l := &c.hear.look
	born, lost, anew := c.ofThisHost(in)
	if len(lost) == 0 {
		l.pause = 0
	}
	for receiver := range lost {
		anew = anew || !l.lost[receiver]
	}
	waiting := len(c.hear.result.Waiting) > 0 || len(c.hear.result.Nobody) > 0
	var due time.Time
	switch {
	case waiting || anew:
		due = l.newest.Add(lookGap)
	case len(lost) > 0:
		due = l.newest.Add(l.pause)
	default:
		l.lost, l.born = nil, born
		return time.Time{}
	}
	if now.Before(due) {
		if !anew && len(lost) == 0 {
			return time.Time{} // who waits is asked, and an answer is heard
		}
		return due
	}
	if anew {
		l.pause = 0
	}
	l.newest, l.lost, l.born = now, lost, born
	receivers := make([]netip.AddrPort, 0, len(in.Heard))
	for i := range in.Heard {
		receivers = append(receivers, in.Heard[i].Receiver)
	}
	c.ears.Look(receivers)
	if len(lost) == 0 {
		return time.Time{}
	}
	l.pause = min(max(2*l.pause, lookGap), lookMax)
	return now.Add(l.pause)
}

// ofThisHost lists the nodes of this host behind members that were found: their
// JVMs, those that are heard and whose member does not answer, and whether a JVM is
// another one than at the newest look.
func (c *Controller) ofThisHost(in *discover.Inputs) (born map[netip.AddrPort][16]byte, lost map[netip.AddrPort]bool, anew bool) {
	member := map[netip.AddrPort]bool{} // whether all of a node's members answer, or may
	for _, f := range c.hear.result.Found {
		if a := f.Receiver.Addr(); f.Receiver.IsValid() && (a.IsLoopback() || slices.Contains(in.Local, a)) {
			serving, known := in.Serving[discover.Key{Pool: f.Pool, Member: f.Name}]
			before, twice := member[f.Receiver]
			member[f.Receiver] = (serving || !known) && (before || !twice)
		}
	}
	if len(member) == 0 {
		return nil, nil, false
	}
	born, lost = map[netip.AddrPort][16]byte{}, map[netip.AddrPort]bool{}
	for i := range in.Heard {
		h := &in.Heard[i]
		answers, ours := member[h.Receiver]
		was, known := c.hear.look.born[h.Receiver]
		switch {
		case !ours:
			continue
		case h.State != discover.Alive: // nobody moves meanwhile
			if known {
				born[h.Receiver] = was
			}
			continue
		}
		anew = anew || known && was != h.ID
		born[h.Receiver] = h.ID
		if !answers {
			lost[h.Receiver] = true
		}
	}
	return born, lost, anew
}
