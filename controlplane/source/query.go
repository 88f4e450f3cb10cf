package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// One question: how long for one answer, how often round all resolvers.
const (
	patience = 2 * time.Second
	rounds   = 2
	bufSize  = 1232 // bytes of an answer over UDP that is not fragmented anywhere
)

// asker asks resolvers. The zero value takes those of /etc/resolv.conf.
type asker struct {
	servers []string // host:port
	conf    string   // "" for /etc/resolv.conf

	local func(ctx context.Context, name string) []netip.Addr // nil: what /etc/hosts says
}

// resolvers reads where to ask and how names are completed; anew each time,
// because the file changes with the network.
func (a *asker) resolvers() (servers []string, complete func(string) []string, err error) {
	if len(a.servers) > 0 {
		return a.servers, func(name string) []string { return []string{dns.Fqdn(name)} }, nil
	}
	file := a.conf
	if file == "" {
		file = "/etc/resolv.conf"
	}
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("resolvers cannot be read: %w", err)
	}
	if len(c.Servers) == 0 {
		return nil, nil, fmt.Errorf("%s names no resolver", file)
	}
	for _, s := range c.Servers {
		servers = append(servers, net.JoinHostPort(s, c.Port))
	}
	return servers, c.NameList, nil
}

// errNothing says that a name exists and has no record of the wanted kind, or
// that it does not exist.
var errNothing = errors.New("no such record")

// find answers a Question: addresses and how long they may be used. Addresses
// beside an error are those of one protocol, while the other failed.
func (a *asker) find(ctx context.Context, q Question) ([]netip.AddrPort, time.Duration, error) {
	if !q.SRV {
		if found := a.known(ctx, q.Name, q.Port); len(found) > 0 {
			return tidy(found), hostsAge, nil
		}
	}
	servers, complete, err := a.resolvers()
	if err != nil {
		return nil, 0, err
	}
	out, age, err := []netip.AddrPort(nil), time.Duration(0), error(errNothing)
	for _, full := range complete(q.Name) {
		if q.SRV {
			out, age, err = a.services(ctx, servers, full)
		} else {
			out, age, err = a.hosts(ctx, servers, full, q.Port)
		}
		if !errors.Is(err, errNothing) {
			break
		}
	}
	switch {
	case errors.Is(err, errNothing) && q.SRV:
		return nil, 0, fmt.Errorf("%q has no SRV record", q.Name)
	case errors.Is(err, errNothing):
		return nil, 0, fmt.Errorf("%q has no address", q.Name)
	case err != nil:
		err = fmt.Errorf("%q cannot be resolved: %w", q.Name, err)
	}
	return tidy(out), age, err
}

// tidy sorts addresses, each once, and no more than are used.
func tidy(addrs []netip.AddrPort) []netip.AddrPort {
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	addrs = slices.Compact(addrs)
	return addrs[:min(len(addrs), maxAddrs)]
}

// hosts looks up the IPv4 and IPv6 addresses of a name. When only one of the
// two can be looked up, its addresses come with the error.
func (a *asker) hosts(ctx context.Context, servers []string, full string, port uint16) (out []netip.AddrPort, age time.Duration, err error) {
	age = maxAge
	var failed error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m, err := a.ask(ctx, servers, full, kind)
		if errors.Is(err, errNothing) {
			continue
		}
		if err != nil {
			failed = err
			continue
		}
		found := addresses(m.Answer, port)
		if len(found) > 0 {
			age = min(age, ttl(m.Answer))
		}
		out = append(out, found...)
	}
	if len(out) == 0 && failed == nil {
		failed = errNothing
	}
	return out, age, failed
}

// services looks up an SRV name (RFC 2782) and the addresses of its targets.
// Of several priorities the lowest number counts; the target "." means that
// there is deliberately none.
func (a *asker) services(ctx context.Context, servers []string, full string) (out []netip.AddrPort, age time.Duration, err error) {
	m, err := a.ask(ctx, servers, full, dns.TypeSRV)
	if err != nil {
		return nil, 0, err
	}
	age = min(ttl(m.Answer), maxAge)
	var best []*dns.SRV
	for _, r := range m.Answer {
		s, ok := r.(*dns.SRV)
		if !ok {
			continue
		}
		if len(best) > 0 && s.Priority < best[0].Priority {
			best = nil
		}
		if len(best) == 0 || s.Priority == best[0].Priority {
			best = append(best, s)
		}
	}
	if len(best) == 0 {
		return nil, 0, errNothing
	}
	if len(best) == 1 && best[0].Target == "." {
		return nil, age, nil
	}
	for _, s := range best[:min(len(best), maxAddrs)] {
		if found := a.known(ctx, s.Target, s.Port); len(found) > 0 {
			out, age = append(out, found...), min(age, hostsAge)
			continue
		}
		found, older, err := a.hosts(ctx, servers, dns.Fqdn(s.Target), s.Port)
		if errors.Is(err, errNothing) {
			continue // the others still serve
		}
		if err != nil {
			return nil, 0, err
		}
		out, age = append(out, found...), min(age, older)
	}
	if len(out) == 0 {
		return nil, 0, errNothing
	}
	return out, age, nil
}

// ask sends one question to each resolver until one answers.
func (a *asker) ask(ctx context.Context, servers []string, full string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(full, kind)
	q.SetEdns0(bufSize, false)
	var last error
	for range rounds {
		for _, server := range servers {
			m, err := exchange(ctx, q, server)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				last = err
			case m.Rcode == dns.RcodeNameError, m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0:
				return nil, errNothing
			case m.Rcode != dns.RcodeSuccess:
				last = fmt.Errorf("resolver %s answers %s", server, dns.RcodeToString[m.Rcode])
			default:
				return m, nil
			}
		}
	}
	return nil, last
}

// exchange asks over UDP, and again over TCP when the answer did not fit.
func exchange(ctx context.Context, q *dns.Msg, server string) (*dns.Msg, error) {
	c := dns.Client{Net: "udp", Timeout: patience}
	m, _, err := c.ExchangeContext(ctx, q, server)
	if err == nil && m.Truncated {
		c.Net = "tcp"
		m, _, err = c.ExchangeContext(ctx, q, server)
	}
	if err != nil {
		return nil, fmt.Errorf("resolver %s: %w", server, err)
	}
	return m, nil
}

// addresses are those of an answer, wherever its aliases led.
func addresses(records []dns.RR, port uint16) (out []netip.AddrPort) {
	for _, r := range records {
		var ip net.IP
		switch r := r.(type) {
		case *dns.A:
			ip = r.A
		case *dns.AAAA:
			ip = r.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, netip.AddrPortFrom(addr.Unmap(), port))
		}
	}
	return out
}

// ttl is the shortest time that a record of an answer may be kept.
func ttl(records []dns.RR) time.Duration {
	least := uint32(maxAge / time.Second)
	for _, r := range records {
		least = min(least, r.Header().Ttl)
	}
	return time.Duration(least) * time.Second
}
