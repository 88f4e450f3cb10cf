package discover

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

// derive finds the connectors of the nodes that a pool's discover mapping is
// about, host by host.
func (r *resolver) derive(p *pool) {
	if p.Discover.Listens() {
		byHost := map[netip.Addr][]*node{}
		var hosts []netip.Addr
		for _, n := range r.nodes {
			if n.matched[p.Name] || !r.belongs(p, n) {
				continue
			}
			if byHost[n.host()] == nil {
				hosts = append(hosts, n.host())
			}
			byHost[n.host()] = append(byHost[n.host()], n)
		}
		for _, h := range hosts { // in the order of the receivers
			r.host(p, h, byHost[h])
		}
	}
}

// belongs reports whether a node is one that the pool's discover mapping is
// about, and notes why when it almost is.
func (r *resolver) belongs(p *pool, n *node) bool {
	d := &p.Discover
	switch {
	case d.Group != "" && !slices.Contains(n.groups, d.Group):
		n.no("it is not heard in " + d.Group + ", the group of pool " + p.Name)
	case d.Domain != "" && d.Domain != n.Domain:
		n.no(fmt.Sprintf("its domain is %q, that of pool %s is %q", n.Domain, p.Name, d.Domain))
	case !allowed(d, n.host()):
		n.no("discover.allow of pool " + p.Name + " does not have " + n.host().String())
	case n.Stray && r.previous(p, n) == nil:
		n.no("it was heard once only")
	case n.State == Leaving:
		until := n.LastHeard.Add(keepLeaver)
		if r.in.Now.Before(until) {
			r.wake(until)
			return true
		}
		if f := r.previous(p, n); f != nil && r.in.Serving[Key{p.Name, f.Name}] {
			return true
		}
		n.no("it has stopped")
	default:
		return true
	}
	return false
}

// wake notes when time changes the result.
func (r *resolver) wake(at time.Time) {
	if r.out.Next.IsZero() || at.Before(r.out.Next) {
		r.out.Next = at
	}
}

func (n *node) no(why string) {
	if n.why == "" {
		n.why = why
	}
}

func allowed(d *config.Discover, a netip.Addr) bool {
	return len(d.Allow) == 0 || slices.ContainsFunc(d.Allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// previous finds the member that this node was tied to, as long as the
// configuration would still bring it.
func (r *resolver) previous(p *pool, n *node) *Found {
	for i := range r.in.Prev {
		if f := &r.in.Prev[i]; f.Pool == p.Name && f.Receiver == n.Receiver && r.still(p, f) {
			return f
		}
	}
	return nil
}

// still reports whether the configuration allows a member found earlier.
func (r *resolver) still(p *pool, f *Found) bool {
	at, ok := urlOf(f.URL)
	d := &p.Discover
	if !ok || !d.On || p.memberAt(at) != nil || !allowed(d, at.Addr()) && !allowed(d, f.Receiver.Addr()) {
		return false
	}
	w := wayTo(d, f.URL.Scheme)
	switch f.By {
	case ByPort:
		return w.by == ByPort && w.port == f.URL.Port
	case ByOffset:
		return w.by == ByOffset && (!f.Receiver.IsValid() || int(f.Receiver.Port())+w.offset == f.URL.Port)
	case ByTrying:
		return w.by == ByTrying && slices.Contains(w.ports, f.URL.Port)
	case ByBeacon:
		return d.Listens()
	}
	return false
}

// way is how the configuration says a port.
type way struct {
	by           Rule // "" when it does not
	port, offset int
	ports        []int
}

func wayTo(d *config.Discover, scheme string) way {
	port, offset, ports := d.AJPPort, d.AJPPortOffset, d.AJPPorts
	if scheme != "ajp" {
		port, offset, ports = d.HTTPPort, d.HTTPPortOffset, d.HTTPPorts
	}
	switch {
	case port != 0:
		return way{by: ByPort, port: port}
	case offset != 0:
		return way{by: ByOffset, offset: offset}
	case len(ports) > 0:
		return way{by: ByTrying, ports: ports}
	}
	return way{}
}

// want is the protocol that the pool's members are to speak; Unknown when
// beacons alone name ports, because they do not say.
func want(d *config.Discover) Answer {
	switch {
	case d.AJP():
		return AJP
	case d.HTTP():
		return HTTP
	}
	return Unknown
}

// option is a connector that a node may have.
type option struct {
	at netip.AddrPort
	by Rule
}

// options lists the connectors that a node may have, the likeliest first.
// exact is false when they may as well be those of another node of its host.
func (r *resolver) options(p *pool, n *node, w Answer, alone bool) (list []option, exact bool, why string) {
	d := &p.Discover
	var ports []option
	add := func(port int, by Rule) {
		if port >= 1 && port <= 0xffff {
			ports = append(ports, option{netip.AddrPortFrom(n.host(), uint16(port)), by})
		}
	}
	exact = true
	switch w := wayTo(d, w.scheme()); w.by {
	case ByPort:
		add(w.port, ByPort)
	case ByOffset:
		add(int(n.Receiver.Port())+w.offset, ByOffset)
		if len(ports) == 0 {
			why = fmt.Sprintf("its receiver port %d and the offset %d make no port", n.Receiver.Port(), w.offset)
		}
	case ByTrying:
		exact = false
		for _, port := range w.ports {
			add(port, ByTrying)
		}
	default:
		exact = !d.Ports() && alone
	}
	if w != HTTP || !d.AJP() { // a beacon is about one connector, not about the second
		for _, b := range r.in.Beacons {
			if b.Host == n.host() && r.fresh(b) && (alone || n.owned || !exact) {
				add(int(b.Port), ByBeacon)
			}
		}
	}
	if !n.owned {
		return ports, exact, why
	}
	for _, o := range ports {
		if at, ok := reach(n, o.at.Port()); ok && !slices.ContainsFunc(list, func(x option) bool { return x.at == at }) {
			list = append(list, option{at, o.by})
		}
	}
	if len(list) == 0 && why == "" {
		why = "its process does not listen on " + portWords(ports) + listenWords(n)
	}
	return list, true, why
}

// reach is how a port of a node's own process is reached: where the receiver
// is, or on loopback, to which Tomcat binds AJP unless it is told otherwise
// (AbstractAjpProtocol since 9.0.31).
func reach(n *node, port uint16) (netip.AddrPort, bool) {
	at := netip.AddrPortFrom(n.host(), port)
	if covers(n.listens, at) {
		return at, true
	}
	for _, l := range n.listens {
		if l.Port() == port && !l.Addr().IsUnspecified() {
			return l, true
		}
	}
	return at, false
}

func (r *resolver) fresh(b Beacon) bool { return r.in.Now.Sub(b.At) < beaconFresh }

func portWords(list []option) string {
	var ports []uint16
	for _, o := range list {
		ports = append(ports, o.at.Port())
	}
	return numbers(ports, " or ")
}

func listenWords(n *node) string {
	var ports []uint16
	for _, l := range n.listens {
		if l != n.Receiver && !slices.Contains(ports, l.Port()) {
			ports = append(ports, l.Port())
		}
	}
	slices.Sort(ports)
	if len(ports) == 0 {
		return ", nor on any other port yet"
	}
	return " but on " + numbers(ports, " and ")
}

func numbers(ports []uint16, last string) string {
	text := ""
	for i, port := range ports {
		switch {
		case i == 0:
		case i == len(ports)-1:
			text += last
		default:
			text += ", "
		}
		text += fmt.Sprint(port)
	}
	return text
}
