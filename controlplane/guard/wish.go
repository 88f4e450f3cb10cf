package guard

import (
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/bpf/guard"
)

// Wish is what a configuration asks for.
type Wish struct {
	// Off says why the kernel shall judge nothing, "" when it shall.
	Off string
	// Require makes it an error when the kernel does not.
	Require bool

	// Serve is what clients and operators connect to.
	Serve []Door
	Deny  []netip.Prefix
	// Allow is the file's list; Always are the peers of the admin side. Both
	// always pass.
	Allow, Always  []netip.Prefix
	NewConnections guard.Rate
	Bits4, Bits6   int // of an address that are one source; 0: 32 and 64
	Interfaces     []string
	Auto           bool // Interfaces are those that carry the doors, and no name counts
	DryRun         bool

	Groups []Group
}

// Door is a port that Catherd listens on. The address that is not valid (the zero
// value) stands for all addresses of this host.
type Door struct {
	Addr netip.Addr
	Port uint16
}

// Group is a multicast group that Catherd listens to, and the interface as the file
// names it: by name, by an address, or "" for the one that the routes choose.
type Group struct {
	At        netip.AddrPort
	Interface string
	Beacon    bool          // HeartbeatListener, not McastService
	Every     time.Duration // how often each node is heard; 0: a second
}

// The most that a cluster sends. Many nodes may share an address. What goes over is
// no cluster's, and still it is more than costs anything.
const (
	nodesOfSource = 64
	nodesOfGroup  = 256
	slack         = 4 // times as often as the file says: frequency in server.xml may differ
)

// rules are the group's as the kernel judges them.
func (g *Group) rules() guard.Group {
	every := g.Every
	if every <= 0 {
		every = time.Second
	}
	rate := func(nodes int) guard.Rate {
		n := max(int(time.Duration(nodes*slack)*time.Second/every), nodes*slack)
		return guard.Rate{PerSecond: n, Burst: min(2*n, 1<<20)}
	}
	r := guard.Group{At: g.At, Shape: guard.ShapeMember, Source: rate(nodesOfSource), All: rate(nodesOfGroup)}
	if g.Beacon {
		r.Shape = guard.ShapeBeacon
	}
	return r
}

// rules are those of the file and those of the operators together. What an operator
// says of a prefix counts more than what the file says of the same one.
func (w *Wish) rules(list []Rule) guard.Rules {
	r := guard.Rules{
		Deny: slices.Clone(w.Deny), Allow: slices.Concat(w.Allow, w.Always),
		Connections: w.NewConnections, SourceBits4: w.Bits4, SourceBits6: w.Bits6, DryRun: w.DryRun,
	}
	for _, x := range list {
		if x.Kind == Allow {
			r.Allow = append(r.Allow, x.Prefix)
			continue
		}
		if !slices.Contains(r.Deny, x.Prefix) {
			r.Deny = append(r.Deny, x.Prefix)
		}
	}
	for i := range w.Groups {
		r.Groups = append(r.Groups, w.Groups[i].rules())
	}
	// Two groups of the file may be one on two interfaces.
	r.Groups = slices.CompactFunc(slices.SortedFunc(slices.Values(r.Groups), func(a, b guard.Group) int { return a.At.Compare(b.At) }),
		func(a, b guard.Group) bool { return a.At == b.At })
	if !edge(&r) {
		return r
	}
	for _, d := range w.Serve {
		e := guard.Endpoint{First: d.Port}
		if d.Addr.IsValid() {
			e.Addr = netip.PrefixFrom(d.Addr, d.Addr.BitLen())
		}
		r.Serve = append(r.Serve, e)
	}
	return r
}

// edge reports whether there is a rule for connections.
func edge(r *guard.Rules) bool { return len(r.Deny) > 0 || r.Connections.PerSecond > 0 }
