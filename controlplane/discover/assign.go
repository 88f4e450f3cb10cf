package discover

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/catherd/catherd/controlplane/config"
)

// host gives the nodes of one host, all of one pool and without a member yet,
// their connectors.
func (r *resolver) host(p *pool, h netip.Addr, nodes []*node) {
	w := want(&p.Discover)
	alone := r.rivals(h) == 1
	claims := map[netip.AddrPort][]*node{}
	rules := map[netip.AddrPort]Rule{}
	var order []netip.AddrPort
	var open []*node // whose connector may be any of several
	var offered []option
	for _, n := range r.settled(p, h, nodes, w) {
		list, exact, why := r.options(p, n, w, alone)
		if !exact {
			open = append(open, n)
			for _, o := range list {
				if !slices.Contains(offered, o) {
					offered = append(offered, o)
				}
			}
			continue
		}
		if n.State == Leaving {
			n.wait(p, "it has announced that it stops")
			continue
		}
		o, ok, doubt := r.first(p, list, w)
		if !ok {
			n.wait(p, cut(why, doubt))
			continue
		}
		if claims[o.at] == nil {
			order = append(order, o.at)
		}
		claims[o.at] = append(claims[o.at], n)
		rules[o.at] = o.by
	}
	for _, at := range order {
		r.claim(p, at, rules[at], claims[at], w)
	}
	if len(open) > 0 {
		r.try(p, h, open, offered, w)
	}
}

// cut is the first text that is not empty.
func cut(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return "nothing says which port it has"
}

// rivals counts the nodes of a host whose connector is not known for certain.
func (r *resolver) rivals(h netip.Addr) int {
	count := 0
	for _, n := range r.nodes {
		gone := n.State == Leaving && !r.in.Now.Before(n.LastHeard.Add(keepLeaver))
		if n.host() == h && !n.fixed && !n.owned && !gone {
			count++
		}
	}
	return max(count, 1)
}

// settle leaves a node with the member it had.
func (r *resolver) settle(p *pool, n *node, f *Found) {
	keep := *f
	if d := &p.Discover; !d.AJP() || !d.HTTP() {
		keep.HTTP = config.Address{}
	}
	if at := r.second(p, n); !at.IsZero() {
		keep.HTTP = at
	}
	keep.Name = r.add(keep)
	r.tie(n, p, keep.Name, keep.By, true)
	n.fixed = true
}

// first picks the first option that is proven. An option is not passed over
// before it has been tried.
func (r *resolver) first(p *pool, list []option, w Answer) (o option, ok bool, doubt string) {
	tried := 0
	for _, o := range list {
		if p.memberAt(o.at) != nil || r.proof(p, o.at, w) != "" {
			return o, true, ""
		}
		tried++
		a := r.in.Answers[o.at]
		if doubt != "" {
			doubt += ", "
		}
		doubt += o.at.String() + " " + a.says(w)
		if a == Unknown {
			break
		}
	}
	for _, o := range list[:tried] {
		r.ask(o.at, w, p.Name)
	}
	return option{}, false, doubt
}

// says is an answer as the reason for not using a connector.
func (a Answer) says(w Answer) string {
	if a == HTTP && w == AJP {
		return "speaks HTTP, not AJP"
	}
	if a == AJP && w == HTTP {
		return "speaks AJP, not HTTP"
	}
	return a.String()
}

// proof is the scheme in which a connector has answered; "" when it has not,
// or in another one than the one that is wanted.
func (r *resolver) proof(p *pool, at netip.AddrPort, w Answer) string {
	scheme := r.in.Answers[at].scheme()
	if f := r.had(p, at); f != nil {
		scheme = f.URL.Scheme
	}
	if w != Unknown && scheme != w.scheme() {
		return ""
	}
	return scheme
}

// had finds the earlier member at an address.
func (r *resolver) had(p *pool, at netip.AddrPort) *Found {
	for i := range r.in.Prev {
		if u, ok := urlOf(r.in.Prev[i].URL); ok && u == at && r.in.Prev[i].Pool == p.Name {
			return &r.in.Prev[i]
		}
	}
	return nil
}

// claim gives a connector to the nodes that derive it.
func (r *resolver) claim(p *pool, at netip.AddrPort, by Rule, nodes []*node, w Answer) {
	owner := slices.IndexFunc(nodes, func(n *node) bool { return n.owned })
	if owner >= 0 {
		nodes = r.refuse(p, at, nodes, nodes[owner].Receiver)
	} else if whose := r.tied(p, at); whose.IsValid() {
		if nodes = r.refuse(p, at, nodes, whose); len(nodes) == 0 {
			return
		}
	}
	// Two receivers of one process share its connector, and both are sure.
	sure := owner >= 0 || len(nodes) == 1
	if !sure {
		r.finding(p.Name+" "+at.String(), "the nodes "+receivers(nodes)+" all lead to "+at.String()+" by "+key(by, w)+", so nobody knows whose it is",
			"use "+strings.TrimSuffix(key(ByTrying, w), "s")+"_offset or "+key(ByTrying, w)+" under discover, or list the members with their receiver")
	}
	if m := p.memberAt(at); m != nil {
		for _, n := range nodes {
			r.tie(n, p, m.Name, by, sure)
			n.fixed = n.fixed || sure
		}
		return
	}
	r.member(p, at, by, nodes, sure, w)
}

// tied finds the node that a connector is known to be of.
func (r *resolver) tied(p *pool, at netip.AddrPort) netip.AddrPort {
	for _, f := range r.found {
		if u, ok := urlOf(f.URL); ok && u == at && f.Pool == p.Name {
			return f.Receiver
		}
	}
	if m := p.memberAt(at); m != nil {
		for _, x := range r.out.Matches {
			if x.Pool == p.Name && x.Member == m.Name && x.Sure {
				return x.Receiver
			}
		}
	}
	return netip.AddrPort{}
}

// refuse leaves of the nodes that derive a connector those it belongs to: the
// one, and any whose own process listens there.
func (r *resolver) refuse(p *pool, at netip.AddrPort, nodes []*node, whose netip.AddrPort) (left []*node) {
	for _, n := range nodes {
		if n.Receiver == whose || n.owned {
			left = append(left, n)
			continue
		}
		n.wait(p, at.String()+" is the connector of "+whose.String())
	}
	return left
}

// key names the key of discover that a rule is about.
func key(by Rule, w Answer) string {
	scheme := "ajp"
	if w == HTTP {
		scheme = "http"
	}
	switch by {
	case ByPort:
		return scheme + "_port"
	case ByOffset:
		return scheme + "_port_offset"
	case ByBeacon:
		return "beacon"
	}
	return scheme + "_ports"
}

// member makes a member of a proven connector and ties its nodes to it.
func (r *resolver) member(p *pool, at netip.AddrPort, by Rule, nodes []*node, sure bool, w Answer) {
	f := Found{Pool: p.Name, URL: address(r.proof(p, at, w), at), By: by}
	if sure {
		f.Receiver = nodes[0].Receiver
		f.Origin = "heard in " + nodes[0].Group + " as " + nodes[0].Receiver.String()
		f.HTTP = r.second(p, nodes[0])
	} else {
		f.Origin = "answers on a host of " + nodes[0].Group
	}
	f.Name = r.add(f)
	for _, n := range nodes {
		r.tie(n, p, f.Name, by, sure)
		n.fixed = n.fixed || sure
	}
}

// second finds the HTTP connector beside an AJP one, for WebSocket.
func (r *resolver) second(p *pool, n *node) config.Address {
	d := &p.Discover
	if !d.AJP() || !d.HTTP() {
		return config.Address{}
	}
	list, exact, _ := r.options(p, n, HTTP, r.rivals(n.host()) == 1)
	if !exact && r.rivals(n.host()) > 1 {
		return config.Address{}
	}
	for _, o := range list {
		if r.in.Answers[o.at] == HTTP {
			return address("http", o.at)
		}
		r.ask(o.at, HTTP, p.Name)
	}
	return config.Address{}
}

// wait notes why a node of the pool has no member yet.
func (n *node) wait(p *pool, why string) {
	if n.waits[p.Name] == "" {
		n.waits[p.Name] = why
	}
}
