package tribes

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"time"
)

// makeRoom reports whether one more node may be kept, throwing out another one
// if need be: the oldest of those heard once, then the one silent for longest.
// Nodes that are heard or vouched for are never thrown out.
func (v *View) makeRoom(receiver, src netip.AddrPort, id ID) bool {
	crowded := v.bySrc[src.Addr()] >= v.set.PerSource
	if len(v.nodes) < v.set.Max && !crowded {
		return true
	}
	if v.status.FullAt.IsZero() || v.now.Sub(v.status.FullAt) > complainFull {
		what := "the table of nodes is full"
		if crowded {
			what = src.Addr().String() + " brings too many members"
		}
		v.sayGroup(TableFull, "%s: a flood of forged members? Those heard once are thrown out first", what)
	}
	v.status.FullAt = v.now
	var only netip.Addr // throw out a node of this source
	if crowded {
		only = src.Addr()
	}
	n := v.onceHeard(only)
	if n == nil {
		n = v.longSilent(only)
	}
	if n == nil {
		v.remember(receiver, id)
		v.status.Refused++
		return false
	}
	v.remember(n.Receiver, n.ID)
	v.remove(n)
	v.status.Evicted++
	return true
}

// onceHeard takes the oldest unconfirmed node out of the queue, of one source
// if that is valid. A flood of one source finds its own at the front.
func (v *View) onceHeard(only netip.Addr) *node {
	for i, n := range v.fresh {
		if n.dead || n.Confirmed || only.IsValid() && n.Source.Addr() != only {
			continue
		}
		if i == 0 {
			v.fresh = v.fresh[1:]
		} else {
			v.fresh = slices.Delete(v.fresh, i, i+1)
		}
		return n
	}
	return nil
}

// longSilent returns the node that was last heard before all others, among
// those that are not heard and that nobody vouches for. When there is none it
// does not look again before a second is over.
func (v *View) longSilent(only netip.Addr) *node {
	if v.now.Before(v.noneSilent) {
		return nil
	}
	var oldest *node
	for _, n := range v.nodes {
		if n.State == Alive || n.kept || only.IsValid() && n.Source.Addr() != only {
			continue
		}
		if oldest == nil || n.LastHeard.Before(oldest.LastHeard) {
			oldest = n
		}
	}
	if oldest == nil {
		v.noneSilent = v.now.Add(time.Second)
	}
	return oldest
}

// remove takes a node out of the table.
func (v *View) remove(n *node) {
	n.dead = true
	delete(v.nodes, n.Receiver)
	v.forgetID(n)
	v.leaveSource(n.Source.Addr())
}

// claimID makes the node the one its id stands for, unless a node that is
// heard has it already.
func (v *View) claimID(n *node) {
	first := v.byID[n.ID]
	if first == nil || first == n {
		v.byID[n.ID] = n
		return
	}
	first.twin, n.twin = true, true
	if first.State != Alive {
		v.byID[n.ID] = n
		return
	}
	first.SharedID, n.SharedID = true, true
	v.say(n, SharedID, "%s and %s have the same unique id %s: a copied uniqueId in server.xml, or a forged member", first.Receiver, n.Receiver, n.ID)
}

// forgetID gives the id of a node back, to another node that has it if there
// is one.
func (v *View) forgetID(n *node) {
	if v.byID[n.ID] == n {
		delete(v.byID, n.ID)
	}
	if !n.twin {
		return
	}
	n.twin, n.SharedID = false, false
	var heir *node
	others := 0
	for _, o := range v.nodes {
		if o == n || o.ID != n.ID {
			continue
		}
		others++
		if heir == nil || o.State < heir.State || o.State == heir.State && o.Receiver.Compare(heir.Receiver) < 0 {
			heir = o // one that is heard before one that is not
		}
	}
	if heir != nil && v.byID[n.ID] == nil {
		v.byID[n.ID] = heir
	}
	if others == 1 {
		heir.twin, heir.SharedID = false, false
	}
}

// moveSource notes another address as the source of a node.
func (v *View) moveSource(n *node, src netip.AddrPort) {
	if src.Addr() != n.Source.Addr() {
		v.leaveSource(n.Source.Addr())
		v.bySrc[src.Addr()]++
		n.replaced = !n.speaksItself(src) && (n.replaced || n.speaksItself(n.Source))
	}
	n.Source = src
}

func (v *View) leaveSource(a netip.Addr) {
	if v.bySrc[a]--; v.bySrc[a] <= 0 {
		delete(v.bySrc, a)
	}
}

// A sketch remembers which nodes were thrown out or turned away. In a flood of
// members that are heard once each, whoever comes a second time is real. It
// forgets by overwriting, so that a flood cannot make it grow.
type sketch struct {
	seed  maphash.Seed
	marks [1 << 14]uint32
}

type sketchKey struct {
	receiver netip.AddrPort
	id       ID
}

func (s *sketch) place(receiver netip.AddrPort, id ID) (*uint32, uint32) {
	h := maphash.Comparable(s.seed, sketchKey{receiver, id})
	return &s.marks[h%uint64(len(s.marks))], uint32(h>>32) | 1
}

func (v *View) remember(receiver netip.AddrPort, id ID) {
	if v.seen == nil {
		v.seen = &sketch{seed: maphash.MakeSeed()}
	}
	at, mark := v.seen.place(receiver, id)
	*at = mark
}

func (v *View) remembered(receiver netip.AddrPort, id ID) bool {
	if v.seen == nil {
		return false
	}
	at, mark := v.seen.place(receiver, id)
	return *at == mark
}
