package discover

import (
	"net/netip"
	"slices"

	"github.com/catherd/catherd/controlplane/config"
)

// match ties nodes to the members that files name, in one pool.
func (r *resolver) match(p *pool) {
	claims := map[string][]*node{} // member to the nodes that name its receiver best
	best := map[string]int{}
	for _, n := range r.nodes {
		m, score := r.byReceiver(p, n)
		if m == "" {
			continue
		}
		switch {
		case score > best[m]:
			best[m], claims[m] = score, []*node{n}
		case score == best[m]:
			claims[m] = append(claims[m], n)
		}
	}
	for i := range p.members {
		name := p.members[i].Name
		nodes := claims[name]
		for _, n := range nodes {
			r.tie(n, p, name, ByReceiver, len(nodes) == 1)
			n.fixed = n.fixed || len(nodes) == 1
		}
		if len(nodes) > 1 {
			r.finding(p.Name+"/"+name, "several nodes name the receiver "+p.members[i].Receiver+" of member "+name+": "+receivers(nodes),
				"give the Receiver of each Tomcat in server.xml the address of its host, and write it under receiver")
		}
	}
	r.byProcess(p)
}

// byReceiver finds the member whose receiver a node is. The score tells how
// well: a receiver on loopback may be said by every host.
func (r *resolver) byReceiver(p *pool, n *node) (member string, score int) {
	twice := false
	for i := range p.members {
		m := &p.members[i]
		want, err := netip.ParseAddrPort(m.Receiver)
		if err != nil {
			continue
		}
		want = netip.AddrPortFrom(want.Addr().Unmap(), want.Port())
		url, known := urlOf(m.URL)
		at := 0
		switch {
		case want == n.Receiver:
			at = 3
		case want == n.Advertised && known && url.Addr() == n.host():
			at = 2
		case want == n.Advertised:
			at = 1
		}
		if at > 0 && at == score {
			twice = true
		}
		if at > score {
			member, score, twice = m.Name, at, false
		}
	}
	if twice {
		r.finding(p.Name, "several members of pool "+p.Name+" have the receiver "+n.Advertised.String()+", so nobody knows whose heartbeats these are",
			"give the Receiver of each Tomcat in server.xml the address of its host")
		n.no("several members have its receiver")
		return "", 0
	}
	return member, score
}

// byProcess ties nodes of this host to members whose address their process
// listens on.
func (r *resolver) byProcess(p *pool) {
	for _, n := range r.nodes {
		if n.matched[p.Name] || !n.owned {
			continue
		}
		for i := range p.members {
			m := &p.members[i]
			if at, ok := urlOf(m.URL); ok && m.Receiver == "" && r.local(at.Addr()) && covers(n.listens, at) {
				r.tie(n, p, m.Name, ByProcess, true)
				n.fixed = true
				break
			}
		}
	}
}

// byHost ties the only node of a host to the only member of it. It is a guess.
func (r *resolver) byHost(p *pool, n *node) bool {
	if n.owned {
		return false // its process is known, and listens on none of the members
	}
	for _, other := range r.nodes {
		if other != n && other.host() == n.host() {
			return false
		}
	}
	var only *config.Member
	for i := range p.members {
		if at, ok := urlOf(p.members[i].URL); ok && at.Addr() == n.host() {
			if only != nil {
				return false
			}
			only = &p.members[i]
		}
	}
	if only == nil || only.Receiver != "" {
		return false
	}
	r.tie(n, p, only.Name, ByHost, false)
	return true
}

// covers reports whether one of the listening addresses takes connections to
// at. The unspecified IPv6 address takes IPv4 as well, which is what Java does
// unless it is told otherwise.
func covers(listens []netip.AddrPort, at netip.AddrPort) bool {
	return slices.ContainsFunc(listens, func(l netip.AddrPort) bool {
		a := l.Addr()
		return l.Port() == at.Port() && (a == at.Addr() || a.IsUnspecified() && (a.Is6() || at.Addr().Is4()))
	})
}

// receivers lists nodes in words.
func receivers(nodes []*node) string {
	text := ""
	for i, n := range nodes {
		if i > 0 {
			text += ", "
		}
		text += n.Receiver.String()
		if n.Source.IsValid() && n.Source != n.host() {
			text += " (from " + n.Source.String() + ")"
		}
	}
	return text
}
