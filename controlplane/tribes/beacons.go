package tribes

import (
	"net/netip"
	"slices"
	"time"
)

// BeaconNode is one connector that announces itself.
type BeaconNode struct {
	Addr      netip.AddrPort // source address and the connector's port
	Ready     int            // free threads, or Unknown
	Busy      int            // threads at work, or Unknown
	FirstSeen time.Time
	LastSeen  time.Time
	Beacons   uint64
}

// How beacons are kept. Tomcat sends one with every background run of its
// engine, ten seconds apart by default (backgroundProcessorDelay).
const (
	maxBeacons   = 1024
	forgetBeacon = 10 * time.Minute
	FreshBeacon  = 35 * time.Second // three beacons may be lost before the numbers are stale
)

// Fresh reports whether the numbers may still be true.
func (n BeaconNode) Fresh(now time.Time) bool { return now.Sub(n.LastSeen) < FreshBeacon }

// Beacons is the view of all connectors that announce themselves. It has no
// clock and no socket, and it belongs to one goroutine.
type Beacons struct {
	nodes   map[netip.AddrPort]*BeaconNode
	full    time.Time // until then there is nobody to drop
	junk    uint64
	refused uint64
}

// Hear takes one beacon and reports whether its connector is new. An error
// says why it is none.
func (s *Beacons) Hear(now time.Time, host netip.Addr, b []byte) (fresh bool, err error) {
	beacon, err := ParseBeacon(b)
	if err != nil {
		s.junk++
		return false, err
	}
	return s.Take(now, host, beacon), nil
}

// Take is Hear for a beacon that was parsed already. When the table is full a
// new connector is not taken until an old one is forgotten.
func (s *Beacons) Take(now time.Time, host netip.Addr, b Beacon) (fresh bool) {
	addr := netip.AddrPortFrom(host.Unmap(), uint16(b.Port))
	n := s.nodes[addr]
	if n == nil {
		if len(s.nodes) >= maxBeacons && !s.drop(now) {
			s.refused++
			return false
		}
		if s.nodes == nil {
			s.nodes = map[netip.AddrPort]*BeaconNode{}
		}
		n = &BeaconNode{Addr: addr, FirstSeen: now}
		s.nodes[addr] = n
		fresh = true
	}
	n.Ready, n.Busy, n.LastSeen = b.Ready, b.Busy, now
	n.Beacons++
	return fresh
}

// drop makes room: what is stale goes, else one that came once, whichever. In
// a flood the first of those is found at once; when there is none, nobody looks
// again before a second is over.
func (s *Beacons) drop(now time.Time) bool {
	if now.Before(s.full) {
		return false
	}
	for addr, n := range s.nodes {
		if n.Beacons == 1 || !n.Fresh(now) {
			delete(s.nodes, addr)
			return true
		}
	}
	s.full = now.Add(time.Second)
	return false
}

// Tick forgets what has not been heard for ten minutes and reports whether
// anything was.
func (s *Beacons) Tick(now time.Time) bool {
	before := len(s.nodes)
	for addr, n := range s.nodes {
		if now.Sub(n.LastSeen) >= forgetBeacon {
			delete(s.nodes, addr)
		}
	}
	return len(s.nodes) < before
}

// Nodes returns the connectors, by address.
func (s *Beacons) Nodes() []BeaconNode {
	out := make([]BeaconNode, 0, len(s.nodes))
	for _, n := range s.nodes {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b BeaconNode) int { return a.Addr.Compare(b.Addr) })
	return out
}

// node returns one connector, with zero times when it is not known.
func (s *Beacons) node(host netip.Addr, port int) BeaconNode {
	if n := s.nodes[netip.AddrPortFrom(host.Unmap(), uint16(port))]; n != nil {
		return *n
	}
	return BeaconNode{}
}

// Junk returns how many datagrams were no beacons, and how many beacons had no
// place.
func (s *Beacons) Junk() (junk, refused uint64) { return s.junk, s.refused }
