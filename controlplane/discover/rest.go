package discover

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/catherd/catherd/controlplane/config"
)

// add appends a member, names it, and returns its name.
func (r *resolver) add(f Found) string {
	for i := range r.found {
		if x := &r.found[i]; x.Pool == f.Pool && x.URL == f.URL {
			return x.Name
		}
	}
	if f.Name == "" {
		at, _ := urlOf(f.URL)
		if old := r.had(&pool{Pool: r.cfg.Pool(f.Pool)}, at); old != nil {
			f.Name = old.Name
		} else {
			f.Name = config.MemberName(f.URL)
		}
	}
	base := f.Name
	for n := 2; r.names[Key{f.Pool, f.Name}]; n++ {
		f.Name = fmt.Sprintf("%s-%d", base, n)
	}
	r.names[Key{f.Pool, f.Name}] = true
	if len(r.found) < maxFound {
		r.found = append(r.found, f)
	} else if len(r.found) == maxFound {
		r.finding(f.Pool, fmt.Sprintf("more than %d members are found, the others are left out", maxFound), "is somebody forging heartbeats? Write the networks of the Tomcats under discover.allow")
	}
	return f.Name
}

// resolveNames makes members of what DNS says, and then lets nodes that are
// without a member look at what there is.
func (r *resolver) resolveNames(p *pool) {
	for _, name := range r.in.Names {
		if name.Pool != p.Name || !p.named(&name) {
			continue
		}
		for _, at := range name.Addrs {
			at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
			w := HTTP
			if name.Scheme == "ajp" {
				w = AJP
			}
			switch {
			case !allowed(&p.Discover, at.Addr()):
				r.finding(p.Name+" "+name.Name, name.Name+" resolves to "+at.Addr().String()+", which discover.allow of pool "+p.Name+" does not have", "add its network to discover.allow, or correct the name")
			case p.memberAt(at) != nil:
			case r.proof(p, at, w) != "", name.Scheme == "https" && (r.in.Answers[at] == Other || r.had(p, at) != nil):
				r.add(Found{Pool: p.Name, URL: address(name.Scheme, at), By: ByName, Origin: "resolved from " + name.Name})
			default:
				r.ask(at, w, p.Name)
			}
		}
	}
	for _, n := range r.nodes {
		if n.matched[p.Name] || n.waits[p.Name] != "" || n.why != "" && p.Discover.Listens() {
			continue
		}
		if !r.behindName(p, n) {
			r.byHost(p, n)
		}
	}
}

// named reports whether the configuration has a name. What was asked for an
// earlier one is not wanted any more.
func (p *pool) named(n *Named) bool {
	d := &p.Discover
	return d.On && (slices.Contains(d.SRV, n.Name) || slices.ContainsFunc(d.DNS, func(a config.Address) bool {
		return a.Host == n.Name && a.Scheme == n.Scheme
	}))
}

// behindName ties a node to a member that a name has brought.
func (r *resolver) behindName(p *pool, n *node) bool {
	var only *Found
	for i := range r.found {
		f := &r.found[i]
		at, _ := urlOf(f.URL)
		if f.Pool != p.Name || f.By != ByName || at.Addr() != n.host() {
			continue
		}
		if n.owned && covers(n.listens, at) {
			r.tie(n, p, f.Name, ByProcess, true)
			return true
		}
		if only != nil {
			return false
		}
		only = f
	}
	if only == nil || n.owned || r.rivals(n.host()) > 1 {
		return false
	}
	r.tie(n, p, only.Name, ByHost, false)
	return true
}

// strangers makes members of beacons that no heartbeat goes with, and lists
// the nodes without a member.
func (r *resolver) strangers() {
	for _, b := range r.in.Beacons {
		at := netip.AddrPortFrom(b.Host, b.Port)
		if !b.Host.IsValid() || b.Port == 0 || !r.fresh(b) || r.known(at) || slices.ContainsFunc(r.nodes, func(n *node) bool { return n.host() == b.Host }) {
			continue
		}
		var takers []*pool
		for i := range r.pools {
			p := &r.pools[i]
			if d := &p.Discover; d.Listens() && !d.Ports() && d.Domain == "" && d.Group == "" && allowed(d, b.Host) {
				takers = append(takers, p)
			}
		}
		if len(takers) != 1 {
			why := "no pool takes what a beacon alone speaks for"
			if len(takers) > 1 {
				why = "pools " + takers[0].Name + " and " + takers[1].Name + " would both take it"
			}
			r.out.Nobody = append(r.out.Nobody, r.paste(Unrouted{Receiver: at, Source: b.Host, Group: "beacon", Why: why}, at, false))
			continue
		}
		if p := takers[0]; r.proof(p, at, Unknown) != "" {
			r.add(Found{Pool: p.Name, URL: address(r.proof(p, at, Unknown), at), By: ByBeacon, Origin: "beacon of " + b.Host.String()})
		} else {
			r.ask(at, Unknown, p.Name)
			r.out.Waiting = append(r.out.Waiting, Unrouted{Receiver: at, Source: b.Host, Group: "beacon", Pool: p.Name, Why: at.String() + " " + r.in.Answers[at].String()})
		}
	}
	for _, n := range r.nodes {
		u := Unrouted{Receiver: n.Receiver, Source: n.Source, Group: n.Group, Domain: n.Domain}
		for i := range r.pools {
			if why := n.waits[r.pools[i].Name]; why != "" && !n.matched[r.pools[i].Name] {
				u.Pool, u.Why = r.pools[i].Name, why
				r.out.Waiting = append(r.out.Waiting, u)
			}
		}
		if u.Pool == "" && len(n.matched) == 0 {
			u.Why = n.why
			if u.Why == "" {
				u.Why = "no member has its receiver, and no pool discovers it"
			}
			r.out.Nobody = append(r.out.Nobody, r.paste(u, r.guess(n), true))
		}
	}
}

// known reports whether a connector is a member's, in whatever pool.
func (r *resolver) known(at netip.AddrPort) bool {
	for i := range r.pools {
		for k := range r.pools[i].members {
			m := &r.pools[i].members[k]
			if r.means(m.URL, at) || r.means(m.HTTP, at) {
				return true
			}
		}
	}
	if slices.ContainsFunc(r.in.Prev, func(f Found) bool {
		u, _ := urlOf(f.URL)
		return u == at && f.By != ByBeacon && r.stays(f)
	}) {
		return true
	}
	return slices.ContainsFunc(r.found, func(f Found) bool {
		return r.means(f.URL, at) || r.means(f.HTTP, at)
	})
}

// guess is the connector that a node most likely has, for the line to paste.
func (r *resolver) guess(n *node) netip.AddrPort {
	best := netip.AddrPortFrom(n.host(), 8009)
	for _, l := range n.listens {
		at, ok := reach(n, l.Port())
		if ok && r.in.Answers[at] == AJP {
			return at
		}
		if ok && l.Port()%1000 == 9 { // 8009, 9009: how AJP ports are usually chosen
			best = at
		}
	}
	return best
}

// paste adds the line that makes a member of a node.
func (r *resolver) paste(u Unrouted, at netip.AddrPort, receiver bool) Unrouted {
	name := "app"
	if len(r.cfg.Pools) > 0 {
		name = r.cfg.Pools[0].Name
	}
	a := address("ajp", at)
	if r.in.Answers[at] == HTTP {
		a.Scheme = "http"
	}
	u.Under = "pools." + name + ".members"
	u.Line = fmt.Sprintf("%s: {url: %q, route: \"\"}", config.MemberName(a), a)
	if receiver {
		u.Line = fmt.Sprintf("%s: {url: %q, route: \"\", receiver: %q}", config.MemberName(a), a, u.Receiver)
	}
	return u
}

// keep puts the members into the order in which they were found, and keeps
// those that answer although nothing is heard of them any more.
func (r *resolver) keep() {
	made := r.found
	r.found = nil
	r.noteMoves(made)
	for _, f := range r.in.Prev {
		i := slices.IndexFunc(made, func(x Found) bool { return x.Pool == f.Pool && x.URL == f.URL })
		if i < 0 { // its connector has moved
			i = follows(made, f)
		}
		switch {
		case i >= 0:
			r.found = append(r.found, made[i])
			made = slices.Delete(made, i, i+1)
		case r.stays(f):
			r.add(f)
		}
	}
	r.found = append(r.found, made...)
}

// stays reports whether a member stays that was not found this time.
func (r *resolver) stays(f Found) bool {
	i := slices.IndexFunc(r.pools, func(p pool) bool { return p.Name == f.Pool })
	if i < 0 || !r.in.Serving[Key{f.Pool, f.Name}] || !r.still(&r.pools[i], &f) {
		return false
	}
	// A node that is heard has had its chance: it belongs to the pool no more.
	return !slices.ContainsFunc(r.nodes, func(n *node) bool { return n.Receiver == f.Receiver })
}

// loads gives each member the beacon of its connector.
func (r *resolver) loads() {
	note := func(b Beacon, pool, member string, urls ...config.Address) {
		for _, u := range urls {
			if at := netip.AddrPortFrom(b.Host, b.Port); r.means(u, at) {
				r.out.Loads = append(r.out.Loads, Load{pool, member, b.Ready, b.Busy, b.At, at})
				return
			}
		}
	}
	for _, b := range r.in.Beacons {
		for i := range r.pools {
			for k := range r.pools[i].members {
				m := &r.pools[i].members[k]
				note(b, r.pools[i].Name, m.Name, m.URL, m.HTTP)
			}
		}
		for _, f := range r.found {
			note(b, f.Pool, f.Name, f.URL, f.HTTP)
		}
	}
}
