package guard

import (
	"net/netip"
	"testing"
)

// web is what most tests guard.
var web = []Endpoint{
	{Addr: netip.MustParsePrefix("192.0.2.10/32"), First: 80},
	{Addr: netip.MustParsePrefix("2001:db8::10/128"), First: 80},
	{Addr: netip.MustParsePrefix("198.51.100.0/24"), First: 8000, Last: 8002},
}

func TestDeny(t *testing.T) {
	b := start(t, Rules{
		Serve: web,
		Deny:  prefixes("203.0.113.0/24", "2001:db8:bad::/48", "203.0.113.0/24"),
		Allow: prefixes("203.0.113.7/32", "2001:db8:bad::7/128"),
	})
	b.drops(tcp4("203.0.113.1", "192.0.2.10", 80, syn))
	b.drops(tcp4("203.0.113.255", "192.0.2.10", 80, ack))
	b.drops(tcp4("203.0.113.1", "198.51.100.77", 8002, syn))
	b.drops(tcp6("2001:db8:bad::1", "2001:db8::10", 80, syn))
	b.passes(tcp4("203.0.114.1", "192.0.2.10", 80, syn))
	b.passes(tcp6("2001:db8:bae::1", "2001:db8::10", 80, syn))

	// The allow list wins, whatever the lengths of the prefixes.
	b.passes(tcp4("203.0.113.7", "192.0.2.10", 80, syn))
	b.passes(tcp4("203.0.113.7", "192.0.2.10", 80, ack))
	b.passes(tcp6("2001:db8:bad::7", "2001:db8::10", 80, syn))

	// What is not served is not judged.
	b.passes(tcp4("203.0.113.1", "192.0.2.10", 22, syn))
	b.passes(tcp4("203.0.113.1", "192.0.2.11", 80, syn))
	b.passes(tcp4("203.0.113.1", "198.51.100.77", 8003, syn))
	b.passes(tcp4("203.0.113.1", "198.51.101.77", 8002, syn))
	b.passes(tcp6("2001:db8:bad::1", "2001:db8::11", 80, syn))
	b.passes(ether(0x0800).ip4("203.0.113.1", "192.0.2.10", 17, 0, 8).udp(80, nil))
	b.passes(ether(0x0800).ip4("203.0.113.1", "192.0.2.10", 1, 0, 8))
	b.passes(ether(0x0806))

	// Both programs saw each packet, so every count is even.
	c := b.g.Counts()
	for name, want := range map[string]uint64{
		"deny 203.0.113.0/24": 6, "deny 2001:db8:bad::/48": 2, "allowed": 6, "connections": 4,
	} {
		if got := c.Of(name).Packets; got != want {
			t.Errorf("%s: %d packets, want %d", name, got, want)
		}
	}
	if c.Dropped() != 8 || c.Of("deny 203.0.113.0/24").Bytes != 6*64 || len(c.Rules) != len(builtin)+2 {
		t.Errorf("counts: %+v", c)
	}
}

func TestTags(t *testing.T) {
	b := start(t, Rules{Serve: web, Deny: prefixes("203.0.113.0/24", "2001:db8:bad::/48")})
	from, to := "203.0.113.1", "192.0.2.10"
	b.drops(ether(0x0800).vlan(100, 0x8100).ip4(from, to, 6, 0, 20).tcp(80, syn))
	b.drops(ether(0x0800).vlan(100, 0x8100).vlan(7, 0x88a8).ip4(from, to, 6, 0, 20).tcp(80, syn))
	b.drops(ether(0x86dd).vlan(100, 0x8100).ip6("2001:db8:bad::1", "2001:db8::10", 6, 20).tcp(80, syn))
	// Three tags are more than anybody sends to a host.
	b.passes(ether(0x0800).vlan(1, 0x8100).vlan(2, 0x8100).vlan(3, 0x8100).ip4(from, to, 6, 0, 20).tcp(80, syn))
	// Options of the network's header move the ports.
	b.drops(ether(0x0800).ip4(from, to, 6, 0, 20, 1, 1, 1, 1).tcp(80, syn))
}

func TestFragments(t *testing.T) {
	b := start(t, Rules{Serve: web, Deny: prefixes("203.0.113.0/24", "2001:db8:bad::/48"), Allow: prefixes("203.0.113.7/32")})
	const more = 0x2000
	f := func(from, to string, fragment uint16) frame {
		return ether(0x0800).ip4(from, to, 6, fragment, 24).tcp(80, ack)
	}
	b.drops(f("203.0.113.1", "192.0.2.10", more))
	b.drops(f("203.0.113.1", "192.0.2.10", 100))
	b.drops(f("203.0.113.1", "192.0.2.10", more|100))
	b.passes(f("203.0.113.1", "192.0.2.11", 100))
	b.passes(f("203.0.113.7", "192.0.2.10", 100))
	b.passes(f("192.0.2.1", "192.0.2.10", 100))

	// Nobody has a reason to cut a TCP header in two.
	b.drops(f("192.0.2.1", "192.0.2.10", 1))
	b.passes(f("192.0.2.1", "192.0.2.11", 1))
	b.passes(f("203.0.113.7", "192.0.2.10", 1))
	if n := b.g.Counts().Of("hiding fragments").Packets; n != 2 {
		t.Errorf("hiding fragments: %d, want 2", n)
	}

	g := func(from string, offset uint16, body frame, before ...byte) frame {
		next := byte(44)
		if len(before) > 0 {
			next = before[0]
			before[0] = 44
		}
		f := ether(0x86dd).ip6(from, "2001:db8::10", next, len(before)+8+len(body))
		f = append(f, before...)
		f = append(f, 6, 0, byte(offset>>8), byte(offset), 0, 0, 0, 1)
		return append(f, body...)
	}
	whole := frame{}.tcp(80, syn)
	b.drops(g("2001:db8:bad::1", 1, whole))
	b.drops(g("2001:db8:bad::1", 0x100, whole))
	b.drops(g("2001:db8:bad::1", 0x100, whole, 60, 0, 0, 0, 0, 0, 0, 0))
	b.passes(g("2001:db8::1", 1, whole))
	b.passes(g("2001:db8::1", 0x100, whole))
	b.drops(g("2001:db8::1", 8, whole))

	// Extension headers without end are judged by the addresses.
	long := ether(0x86dd).ip6("2001:db8:bad::1", "2001:db8::10", 60, 12*8+20)
	for range 11 {
		long = append(long, 60, 0, 1, 4, 0, 0, 0, 0)
	}
	long = append(long, 6, 0, 1, 4, 0, 0, 0, 0).tcp(22, ack)
	b.drops(long)
	short := ether(0x86dd).ip6("2001:db8::1", "2001:db8::10", 0, 16+20)
	b.passes(append(short, 60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0).tcp(80, syn))
}

func TestCutPackets(t *testing.T) {
	b := start(t, Rules{Serve: web, Deny: prefixes("203.0.113.0/24", "2001:db8:bad::/48")})
	for _, whole := range []frame{
		tcp4("203.0.113.1", "192.0.2.10", 80, syn),
		tcp6("2001:db8:bad::1", "2001:db8::10", 80, syn),
	} {
		b.drops(whole)
		// Every proper prefix gets a verdict; where not even the addresses
		// are there, the packet passes to be refused by the kernel.
		for n := 14; n < len(whole); n++ {
			v, err := b.g.objs.CatherdXdp.Run(runOf(whole[:n]))
			if err != nil {
				t.Fatal(err)
			}
			addresses := 34
			if whole[12] == 0x86 {
				addresses = 54
			}
			if dropped := v == 1; dropped != (n >= addresses) {
				t.Errorf("cut to %d bytes: dropped is %v", n, dropped)
			}
		}
	}
}
