package discover

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

const (
	keepLeaver  = time.Hour // a node that has left keeps its member, and with it the statistics
	beaconFresh = time.Minute
	maxFound    = 1024 // members that are found, over all pools
	maxAsked    = 1024 // candidates of one result
)

// Resolve works out which members there are and which node is which. It does
// not change cfg; Result.Config is a copy.
func Resolve(cfg *config.Config, in Inputs) Result {
	r := &resolver{cfg: cfg, in: in, asked: map[netip.AddrPort]int{}, names: map[Key]bool{}}
	r.list()
	r.hear()
	for i := range r.pools {
		r.match(&r.pools[i])
	}
	for i := range r.pools {
		r.derive(&r.pools[i])
		r.resolveNames(&r.pools[i])
	}
	r.strangers()
	r.keep()
	r.loads()
	return r.finish()
}

// resolver is the work of one Resolve.
type resolver struct {
	cfg   *config.Config
	in    Inputs
	pools []pool
	nodes []*node
	extra []config.Extra // members of watched files
	out   Result
	found []Found
	names map[Key]bool // names of members that are taken
	asked map[netip.AddrPort]int
}

// pool is one pool at work.
type pool struct {
	*config.Pool
	members []config.Member        // of the file and of its watched file
	at      map[netip.AddrPort]int // members by where they listen, the first of each
}

// node is one receiver that is heard, in one or more groups.
type node struct {
	Heard
	groups  []string
	owned   bool // its process is known
	listens []netip.AddrPort
	matched map[string]bool // pools in which it has its member
	waits   map[string]string
	fixed   bool   // its connector is known for sure, in whatever pool
	why     string // why it belongs to no pool
}

func (n *node) host() netip.Addr { return n.Receiver.Addr() }

// list gathers the members that files name.
func (r *resolver) list() {
	for i := range r.cfg.Pools {
		p := pool{Pool: &r.cfg.Pools[i]}
		for _, m := range p.Members {
			r.names[Key{p.Name, m.Name}] = true
			p.members = append(p.members, m)
		}
		for _, l := range r.in.Files {
			if l.Pool != p.Name || !p.Discover.On {
				continue
			}
			for _, m := range l.Members {
				if r.names[Key{p.Name, m.Name}] {
					r.finding(p.Name+"/"+m.Name, "member "+m.Name+" of "+l.File+" is in the configuration already, the one of the configuration is used", "give it another name in one of the two files")
					continue
				}
				if other := r.sameRoute(p.members, m); other != "" {
					r.finding(p.Name+"/"+m.Name, "member "+m.Name+" of "+l.File+" has the route "+m.Route+" of member "+other+", it is left out", "every Tomcat needs a jvmRoute of its own in server.xml")
					continue
				}
				r.names[Key{p.Name, m.Name}] = true
				p.members = append(p.members, m)
				r.extra = append(r.extra, config.Extra{Pool: p.Name, Member: m, Origin: "listed in " + l.File})
			}
		}
		p.at = make(map[netip.AddrPort]int, len(p.members))
		for k := range p.members {
			if u, ok := urlOf(p.members[k].URL); ok {
				if _, twice := p.at[u]; !twice {
					p.at[u] = k
				}
			}
		}
		r.pools = append(r.pools, p)
	}
}

// sameRoute finds a member with the route that another one brings.
func (r *resolver) sameRoute(members []config.Member, m config.Member) string {
	for i := range members {
		if m.Route != "" && members[i].Route == m.Route {
			return members[i].Name
		}
	}
	return ""
}

// hear puts the nodes in order, each receiver once.
func (r *resolver) hear() {
	heard := slices.Clone(r.in.Heard)
	slices.SortStableFunc(heard, func(a, b Heard) int {
		return cmp.Or(a.Receiver.Compare(b.Receiver), strings.Compare(a.Group, b.Group))
	})
	for _, h := range heard {
		if !h.Receiver.IsValid() {
			continue
		}
		if k := len(r.nodes); k > 0 && r.nodes[k-1].Receiver == h.Receiver {
			n := r.nodes[k-1]
			if !slices.Contains(n.groups, h.Group) {
				n.groups = append(n.groups, h.Group)
			}
			n.Stray = n.Stray && h.Stray
			switch h.LastHeard.Compare(n.LastHeard) { // the newest word counts
			case 0:
				n.State = min(n.State, h.State)
			case 1:
				n.State, n.LastHeard = h.State, h.LastHeard
			}
			continue
		}
		if !h.Advertised.IsValid() {
			h.Advertised = h.Receiver
		}
		listens, owned := r.in.Owners[h.Receiver]
		r.nodes = append(r.nodes, &node{Heard: h, groups: []string{h.Group}, listens: listens, owned: owned, matched: map[string]bool{}, waits: map[string]string{}})
	}
}

// local reports whether an address means this host.
func (r *resolver) local(a netip.Addr) bool {
	return a.IsLoopback() || slices.Contains(r.in.Local, a)
}

func (r *resolver) finding(subject, what, cure string) {
	r.out.Findings = append(r.out.Findings, Finding{subject, what, cure})
}

// tie notes that a node is behind a member.
func (r *resolver) tie(n *node, p *pool, member string, by Rule, sure bool) {
	n.matched[p.Name] = true
	for _, g := range n.groups {
		r.out.Matches = append(r.out.Matches, Match{n.Receiver, g, p.Name, member, by, sure})
	}
}

// ask puts a connector among the candidates.
func (r *resolver) ask(addr netip.AddrPort, want Answer, pool string) {
	if i, known := r.asked[addr]; known {
		if c := &r.out.Candidates[i]; c.Want != want {
			c.Want = Unknown
		}
		return
	}
	if len(r.out.Candidates) < maxAsked {
		r.asked[addr] = len(r.out.Candidates)
		r.out.Candidates = append(r.out.Candidates, Candidate{addr, want, pool})
	}
}

// urlOf is where a member listens when its host is an IP address.
func urlOf(a config.Address) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(a.Host)
	if err != nil || a.Port < 1 || a.Port > 0xffff {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(a.Port)), true
}

// address makes a URL of a connector.
func address(scheme string, at netip.AddrPort) config.Address {
	return config.Address{Scheme: scheme, Host: at.Addr().String(), Port: int(at.Port())}
}

// memberAt finds a member of a file by where it listens.
func (p *pool) memberAt(at netip.AddrPort) *config.Member {
	if i, ok := p.at[at]; ok {
		return &p.members[i]
	}
	return nil
}

// means reports whether an address is a connector, said from another host or
// from this one.
func (r *resolver) means(a config.Address, at netip.AddrPort) bool {
	u, ok := urlOf(a)
	return ok && u.Port() == at.Port() && (u.Addr() == at.Addr() || r.local(u.Addr()) && r.local(at.Addr()))
}

// finish sorts what has no order of its own and makes the configuration.
func (r *resolver) finish() Result {
	out := &r.out
	out.Found = r.found
	slices.SortStableFunc(out.Matches, func(a, b Match) int {
		return cmp.Or(a.Receiver.Compare(b.Receiver), strings.Compare(a.Group, b.Group), strings.Compare(a.Pool, b.Pool), strings.Compare(a.Member, b.Member))
	})
	slices.SortStableFunc(out.Candidates, func(a, b Candidate) int { return a.Addr.Compare(b.Addr) })
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.What, b.What))
	})
	out.Findings = slices.Compact(out.Findings)
	for _, f := range out.Found {
		p := r.cfg.Pool(f.Pool)
		m := config.NewMember(f.Name)
		m.URL, m.HTTP, m.Weight = f.URL, f.HTTP, p.Discover.Weight
		if f.Receiver.IsValid() {
			m.Receiver = f.Receiver.String()
		}
		r.extra = append(r.extra, config.Extra{Pool: f.Pool, Member: m, Origin: f.Origin})
	}
	out.Config = r.cfg.With(r.extra)
	return *out
}
