package guard

import (
	"fmt"
	"net/netip"
	"time"
)

// The room for rules.
const (
	maxPrefixes = 65536  // of each list
	maxServed   = 131072 // ports times prefixes
	maxGroups   = 16
)

// Rules is what the guard judges by. The zero value lets everything pass.
type Rules struct {
	// Serve is what is guarded; nothing else is looked at. TCP.
	Serve []Endpoint
	// Deny holds the sources whose packets are dropped, Allow those that
	// always pass, whatever else says no: rates and groups too.
	Deny, Allow []netip.Prefix
	// Connections limits new connections of each source.
	Connections Rate
	// SourceBits4 and SourceBits6 say how much of an address is a source for
	// rates. 0: 32 and 64.
	SourceBits4, SourceBits6 int
	// Groups are the multicast groups that Catherd listens to. UDP.
	Groups []Group
	// DryRun counts what would be dropped and drops nothing.
	DryRun bool
}

// Endpoint is a range of ports on the addresses of a prefix. The prefix that is
// not valid (the zero value) stands for every address.
type Endpoint struct {
	Addr        netip.Prefix
	First, Last uint16 // both included; Last 0: First alone
}

// Rate is a token bucket. PerSecond 0: no limit. Burst 0: as many as in one second.
type Rate struct {
	PerSecond, Burst int
}

// Shape is what a datagram of a group has to look like.
type Shape uint32

// The shapes.
const (
	ShapeAny    Shape = iota
	ShapeMember       // McastService: MemberImpl or XByteBuffer frames
	ShapeBeacon       // HeartbeatListener: "v=1&ready=..."
)

// Group is a multicast group and what may come to it.
type Group struct {
	At    netip.AddrPort
	Shape Shape
	// Source limits the datagrams of each source, All those of all together.
	Source, All Rate
}

// gap and burst are the rate as the program counts it: the time between two at
// even pace, and how far ahead of that pace a source may be, ns.
func (r Rate) gap() uint64 {
	if r.PerSecond <= 0 {
		return 0
	}
	return uint64(time.Second) / uint64(r.PerSecond)
}

func (r Rate) burst() uint64 {
	n := r.Burst
	if n <= 0 {
		n = r.PerSecond
	}
	return uint64(max(n-1, 0)) * r.gap()
}

func (r Rate) check(what string) error {
	if r.PerSecond < 0 || r.PerSecond > int(time.Second) || r.Burst < 0 || r.Burst > 1<<20 {
		return fmt.Errorf("rate of %s: %d per second with a burst of %d is out of range", what, r.PerSecond, r.Burst)
	}
	return nil
}

// Check says what about the rules cannot be.
func (r Rules) Check() error {
	served := 0
	for _, e := range r.Serve {
		if e.First == 0 || e.Last != 0 && e.Last < e.First {
			return fmt.Errorf("served ports %d-%d: not a range", e.First, e.Last)
		}
		served += e.ports()
	}
	for _, list := range []struct {
		name     string
		prefixes []netip.Prefix
	}{{"deny", r.Deny}, {"allow", r.Allow}} {
		for _, p := range list.prefixes {
			if !p.IsValid() {
				return fmt.Errorf("%s list: %q is not a prefix", list.name, p)
			}
		}
	}
	for _, g := range r.Groups {
		if !g.At.Addr().IsMulticast() || g.At.Port() == 0 || g.Shape > ShapeBeacon {
			return fmt.Errorf("group %q: not a multicast address and port of a known shape", g.At)
		}
		for _, err := range []error{g.Source.check("group " + g.At.String()), g.All.check("group " + g.At.String())} {
			if err != nil {
				return err
			}
		}
	}
	if r.SourceBits4 < 0 || r.SourceBits4 > 32 || r.SourceBits6 < 0 || r.SourceBits6 > 128 {
		return fmt.Errorf("source prefixes of %d and %d bits: out of range", r.SourceBits4, r.SourceBits6)
	}
	// Each prefix has one more entry, for fragments.
	if len(r.Deny) > maxPrefixes || len(r.Allow) > maxPrefixes || len(r.Groups) > maxGroups || served+len(r.Serve) > maxServed {
		return fmt.Errorf("more rules than there is room for: %d denied, %d allowed, %d groups, %d served ports",
			len(r.Deny), len(r.Allow), len(r.Groups), served)
	}
	return r.Connections.check("new connections")
}

func (e Endpoint) ports() int { return int(max(e.First, e.Last)-e.First) + 1 }
