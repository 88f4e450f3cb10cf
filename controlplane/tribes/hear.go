package tribes

import (
	"net/netip"
	"time"
)

// Hear takes one datagram of the group and returns what happened. A repeated
// heartbeat of a known node allocates nothing. Nothing of b is kept.
func (v *View) Hear(now time.Time, src netip.AddrPort, b []byte) []Event {
	v.advance(now)
	src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
	kind, err := ParseDatagram(b, &v.member)
	m := &v.member
	switch {
	case kind == Frame:
		v.status.Frames++
	case err != nil, m.Port < 1 || m.Port > 65535, len(m.Domain) > maxDomain, m.Host.IsMulticast():
		v.status.Junk++
	case kind == Shutdown:
		v.status.Shutdowns++
		v.stop(src, m)
	default:
		v.status.Heartbeats++
		v.heartbeat(src, m)
	}
	v.member = Member{}
	return v.take()
}

// receiver returns where the member is reached, and whether that is not what
// it says. An address that means "this host" in the mouth of another host is
// replaced by the source of the datagram.
func (v *View) receiver(src netip.AddrPort, m *Member) (addr netip.AddrPort, rewritten, loopback bool) {
	host := m.Host.Unmap()
	loopback = host.IsLoopback() || host.IsUnspecified()
	switch {
	case host.IsUnspecified(), host.IsLoopback() && !v.isLocal(src.Addr()):
		host, rewritten = src.Addr(), true
	case host.IsLinkLocalUnicast() && host.Is6():
		host = host.WithZone(src.Addr().Zone())
	}
	return netip.AddrPortFrom(host, uint16(m.Port)), rewritten, loopback
}

func (v *View) isLocal(a netip.Addr) bool { return a.IsLoopback() || v.local[a.WithZone("")] }

// heartbeat: refresh a known node, or find out what else it is.
func (v *View) heartbeat(src netip.AddrPort, m *Member) {
	receiver, rewritten, loopback := v.receiver(src, m)
	n := v.nodes[receiver]
	if n != nil && n.ID == m.ID {
		if !v.owns(n, src) {
			v.foreign(n, src)
			return
		}
		v.refresh(n, src, m)
		return
	}
	if first := v.byID[m.ID]; first != nil && first.Source.Addr() != src.Addr() && first.State == Alive {
		v.foreign(first, src)
		return
	}
	if n != nil {
		v.rival(n, src, m)
		return
	}
	v.appear(receiver, rewritten, loopback, src, m)
}

// owns reports whether a heartbeat of the node may come from src. Another
// address is believed when the node has been silent, or when the node says
// itself that this is its address: then the first one was the forger.
func (v *View) owns(n *node, src netip.AddrPort) bool {
	if src.Addr() == n.Source.Addr() {
		return true
	}
	return n.State != Alive || n.speaksItself(src) && !n.speaksItself(n.Source)
}

// speaksItself reports whether a datagram from src comes from the address of
// the node's own receiver.
func (n *node) speaksItself(src netip.AddrPort) bool { return src.Addr() == n.Receiver.Addr() }

// foreign notes that somebody else uses the id of the node.
func (v *View) foreign(n *node, src netip.AddrPort) {
	v.status.Foreign++
	n.ForeignAt, n.ForeignFrom = v.now, src
	if v.said(n, Foreign) {
		return // before the words are allocated
	}
	v.say(n, Foreign, "the id of %s, whose heartbeats come from %s, was heard from %s: forged, or one Tomcat with two ways into the group; nothing is changed",
		n.Receiver, n.Source.Addr(), src)
}

// refresh takes a heartbeat of the incarnation at hand.
func (v *View) refresh(n *node, src netip.AddrPort, m *Member) {
	if n.State == Leaving && m.Age() <= n.stopAge && v.now.Sub(n.Since) < lateBeat {
		return // overtaken by the stop on its way here
	}
	silence := v.now.Sub(n.LastHeard)
	n.beat(v.now, v.set.DropAfter)
	if src != n.Source && (n.State != Alive || src.Addr() != n.Source.Addr()) {
		v.moveSource(n, src)
	}
	back := m.Age() < n.Age-lateBeat
	n.Age = m.Age()
	v.copyRest(n, m)
	v.heard()
	n.Confirmed = true
	if back {
		n.BackwardAt, n.Started = v.now, v.now.Add(-n.Age)
		v.say(n, Backwards, "the age of %s went back to %s without a new id: its cluster was restarted inside the JVM, or an old datagram is being replayed", n.Receiver, span(n.Age))
	}
	switch was := n.State; was {
	case Silent:
		v.enter(n, Alive)
		if n.twin {
			v.claimID(n)
		}
		v.say(n, Returned, "%s is heard again after %s", n.Receiver, span(silence))
	case Leaving:
		v.enter(n, Alive)
		if n.twin {
			v.claimID(n)
		}
		v.say(n, Returned, "%s goes on sending heartbeats %s after it said that it stops: the stop was forged, or its cluster was started again", n.Receiver, span(silence))
	}
}

// copyRest takes over what a member may change while it runs.
func (v *View) copyRest(n *node, m *Member) {
	if string(m.Domain) != n.rawDomain {
		n.rawDomain = string(m.Domain)
		n.Domain = latin(n.rawDomain)
		n.Filtered = v.foreignDomain(n)
	}
	payload := m.Payload[:min(len(m.Payload), maxPayload)]
	if string(payload) != n.Payload {
		n.Payload = string(payload)
	}
	n.SecurePort, n.UDPPort = m.SecurePort, m.UDPPort
}

// heard notes that the group can be heard at all.
func (v *View) heard() {
	v.status.LastHeard, v.heardAt = v.now, v.now
	if !v.status.DeafSince.IsZero() {
		v.sayGroup(Hearing, "members are heard again after %s", span(v.now.Sub(v.status.DeafSince)))
		v.status.DeafSince = time.Time{}
	}
}

// rival handles another id at the receiver of a node. When the node is silent
// or has left, the newcomer is its next incarnation; when its heartbeat is only
// late, it is if it speaks from the same address. While the node is heard, a
// newcomer has to wait: replacing a living node at once would let one forged
// datagram reset it. A newcomer at the receiver's own address wins over one
// that spoke for it from elsewhere.
func (v *View) rival(n *node, src netip.AddrPort, m *Member) {
	overdue := max(2*v.set.Heartbeat, 2*n.Interval) + v.set.Heartbeat/2
	late := v.now.Sub(n.quiet) > min(overdue, v.set.DropAfter) && src.Addr() == n.Source.Addr()
	if n.State != Alive || late || n.speaksItself(src) && !n.speaksItself(n.Source) {
		v.rebirth(n, src, m)
		return
	}
	if n.rival != m.ID {
		n.rival, n.rivalBeats = m.ID, 0
	}
	n.rivalBeats++
	n.rivalFrom = src
	if n.rivalBeats > 3 {
		n.ConflictAt, n.ConflictID = v.now, m.ID
		v.say(n, Conflicting, "two members say that they are %s: id %s from %s and id %s from %s; the first one counts. Give each Tomcat of a host its own Receiver port",
			n.Receiver, n.ID, n.Source, m.ID, src)
	}
}

// rebirth replaces the incarnation of a node.
func (v *View) rebirth(n *node, src netip.AddrPort, m *Member) {
	old, gap, left := n.ID, v.now.Sub(n.LastHeard), n.State == Leaving
	v.forgetID(n)
	if src.Addr() != n.Source.Addr() {
		v.moveSource(n, src)
	}
	n.Source = src
	n.Previous, n.ID = old, m.ID
	n.Incarnations++
	n.Beats, n.Interval, n.Jitter = 0, 0, 0
	n.rival, n.rivalBeats = ID{}, 0
	n.ForeignAt, n.BackwardAt = time.Time{}, time.Time{}
	v.adopt(n, m)
	v.enter(n, Alive)
	how := "after " + span(gap) + " of silence"
	if left {
		how = span(gap) + " after its planned stop"
	}
	v.say(n, Reborn, "%s has restarted: id %s follows %s %s", n.Receiver, n.ID, old, how)
}

// adopt takes the first heartbeat of an incarnation.
func (v *View) adopt(n *node, m *Member) {
	n.Age = m.Age()
	n.Started = v.now.Add(-n.Age)
	n.beat(v.now, v.set.DropAfter)
	v.copyRest(n, m)
	v.heard()
	v.claimID(n)
}

// appear adds a receiver that was not known.
func (v *View) appear(receiver netip.AddrPort, rewritten, loopback bool, src netip.AddrPort, m *Member) {
	known := v.remembered(receiver, m.ID)
	if !v.makeRoom(receiver, src, m.ID) {
		return
	}
	n := &node{Node: Node{
		Receiver: receiver, Advertised: netip.AddrPortFrom(m.Host.Unmap(), uint16(m.Port)), Source: src, ID: m.ID,
		Rewritten: rewritten, Loopback: loopback, FirstHeard: v.now, Since: v.now, Incarnations: 1, Confirmed: known,
		Filtered: v.set.Domain != "", // until a domain is copied that says otherwise
	}}
	v.nodes[receiver] = n
	v.bySrc[src.Addr()]++
	if !known {
		v.fresh = append(v.fresh, n)
	}
	v.adopt(n, m)
	v.wake(v.now.Add(min(v.set.DropAfter, lookEvery)))
	if n.Filtered {
		v.say(n, OtherDomain, "%s is of domain %q, not %q: not used", receiver, n.Domain, v.set.Domain)
		return
	}
	v.say(n, Appeared, "%s is heard for the first time, %s old%s", receiver, span(n.Age), v.origin(n))
}

// origin explains where the address of a node comes from, when that is not
// plain.
func (v *View) origin(n *node) string {
	switch {
	case n.Advertised.Addr().IsUnspecified():
		return ", advertised as " + n.Advertised.Addr().String() + ", which is no address: its source address is used"
	case n.Rewritten:
		return ", advertised as " + n.Advertised.Addr().String() + ", which means another host here: its source address is used"
	case n.Source.Addr() != n.Receiver.Addr():
		return ", from " + n.Source.Addr().String()
	default:
		return ""
	}
}

// stop handles a stop command. It is believed only from where the heartbeats
// of the node come, port included: Tomcat sends both through one socket
// (McastServiceImpl), and no other process of its host does. Somebody who took
// over for a node that was silent is not believed.
func (v *View) stop(src netip.AddrPort, m *Member) {
	receiver, _, _ := v.receiver(src, m)
	n := v.nodes[receiver]
	if n == nil || n.ID != m.ID {
		n = v.byID[m.ID]
	}
	switch {
	case n == nil:
		v.status.Unheeded++
	case n.State == Leaving:
	case n.Receiver != receiver || n.Source != src || n.replaced:
		v.status.Foreign++
		n.SuspectAt, n.SuspectFrom = v.now, src
		if v.said(n, Suspected) {
			v.again(n, Suspected)
			return
		}
		n.lookAt = v.now
		v.say(n, Suspected, "a stop of %s came from %s, %s: forged? Nothing is changed, the member is asked", n.Receiver, src, n.mistrust())
	default:
		n.stopAge = m.Age()
		n.LastHeard = v.now
		v.enter(n, Leaving)
		v.say(n, Left, "%s says that it stops", n.Receiver)
	}
}

// mistrust says why a stop from SuspectFrom is not believed.
func (n Node) mistrust() string {
	if n.SuspectFrom == n.Source {
		return "which speaks for it only since it fell silent"
	}
	return "its heartbeats come from " + n.Source.String()
}

// enter changes the state of a node.
func (v *View) enter(n *node, s State) {
	n.State, n.Since = s, v.now
	v.wake(v.now.Add(min(v.set.DropAfter, lookEvery)))
}
