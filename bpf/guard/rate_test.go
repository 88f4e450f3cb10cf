package guard

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// A rate so slow that no time that passes in a test matters.
var slow = Rate{PerSecond: 1, Burst: 5}

// passed shows n packets to a program and returns how many pass.
func (b bench) passed(p *ebpf.Program, n int, f frame) (passed int) {
	b.Helper()
	for range n {
		if v := b.one(p, f); v != 1 {
			passed++
		}
	}
	return passed
}

func TestConnectionRate(t *testing.T) {
	b := start(t, Rules{Serve: web, Connections: Rate{PerSecond: 1, Burst: 5}, SourceBits4: 24, Allow: prefixes("203.0.113.0/24")})
	xdp := b.g.objs.CatherdXdp
	f := func(want int, what string, p frame) {
		t.Helper()
		// One more may be due when this takes more than a second.
		if got := b.passed(xdp, 20, p); got < want || got > want+2 && want != 20 {
			t.Errorf("%s: %d of 20 pass, want %d", what, got, want)
		}
	}
	f(5, "one source", tcp4("10.0.0.1", "192.0.2.10", 80, syn))
	f(0, "its neighbour in the same /24", tcp4("10.0.0.200", "192.0.2.10", 80, syn))
	f(5, "another source", tcp4("10.0.1.1", "192.0.2.10", 80, syn))
	f(5, "IPv6", tcp6("2001:db8:1::1", "2001:db8::10", 80, syn))
	f(0, "the same /64", tcp6("2001:db8:1::ffff", "2001:db8::10", 80, syn))
	f(5, "the next /64", tcp6("2001:db8:1:1::1", "2001:db8::10", 80, syn))
	f(20, "an allowed source", tcp4("203.0.113.1", "192.0.2.10", 80, syn))
	f(20, "what is no new connection", tcp4("10.0.0.1", "192.0.2.10", 80, ack))
	f(20, "an answer to a connection of ours", tcp4("10.0.0.1", "192.0.2.10", 80, synAck))
	f(20, "what is not served", tcp4("10.0.0.1", "192.0.2.10", 443, syn))
	f(20, "an address that is not served", tcp4("10.0.0.1", "192.0.2.11", 80, syn))

	// Other rules do not forgive what was used up.
	b.g.set(t, Rules{Serve: web, Connections: slow, SourceBits4: 24})
	xdp = b.g.objs.CatherdXdp
	f(0, "after a change of rules", tcp4("10.0.1.1", "192.0.2.10", 80, syn))

	c := b.g.Counts()
	if n := c.Of("connections too fast").Packets; n < 7*15-10 {
		t.Errorf("too fast: %d", n)
	}
	if n := c.Of("allowed").Packets; n < 15-2 {
		t.Errorf("allowed: %d", n)
	}
}

// Real ones: the first lines of a heartbeat of a minimal member and of a frame.
var (
	heartbeat = "TRIBES-B\x01\x00\x00\x00\x00\x35" + strings.Repeat("x", 53) + "TRIBES-E\x01\x00"
	message   = "FLT2002\x00\x00\x00\x7a" + strings.Repeat("x", 122) + "TLF2003"
)

func toGroup(from, group string, port uint16, payload string) frame {
	return ether(0x0800).ip4(from, group, 17, 0, 8+len(payload)).udp(port, []byte(payload))
}

func TestGroupShape(t *testing.T) {
	b := start(t, Rules{
		Groups: []Group{
			{At: netip.MustParseAddrPort("228.0.0.4:45564"), Shape: ShapeMember},
			{At: netip.MustParseAddrPort("224.0.1.105:23364"), Shape: ShapeBeacon},
			{At: netip.MustParseAddrPort("[ff02::4]:45564"), Shape: ShapeMember},
		},
		Allow: prefixes("203.0.113.7/32"),
	})
	member := func(p string) frame { return toGroup("10.0.0.1", "228.0.0.4", 45564, p) }
	b.passes(member(heartbeat))
	b.passes(member(heartbeat + "trailing bytes are ignored"))
	b.passes(member(message))
	b.passes(member(message + message))
	for n := range len(heartbeat) {
		b.drops(member(heartbeat[:n]))
	}
	for n := range len(message) {
		b.drops(member(message[:n]))
	}
	at := func(s string, i int, c byte) string { return s[:i] + string([]byte{c}) + s[i+1:] }
	b.drops(member(at(heartbeat, 9, 1)))
	b.drops(member(at(heartbeat, 3, 'b')))
	b.drops(member(at(heartbeat, 7, 'C')))
	b.drops(member(at(heartbeat, 13, 48)))
	b.drops(member(at(heartbeat, 13, 54)))
	b.drops(member(at(heartbeat, 10, 0x80)))
	b.drops(member(at(message, 6, '3')))
	b.drops(member(at(message, 5, '1')))
	b.drops(member(at(message, 10, 0x7b)))
	b.drops(member(at(message, 10, 72)))
	b.drops(member(at(message, 7, 0xff)))
	b.drops(member(strings.Repeat("A", 1000)))

	b.passes(toGroup("203.0.113.7", "228.0.0.4", 45564, "an allowed source"))
	b.passes(toGroup("10.0.0.1", "228.0.0.4", 45565, "another port"))
	b.passes(toGroup("10.0.0.1", "228.0.0.5", 45564, "another group"))
	b.passes(toGroup("10.0.0.1", "192.0.2.10", 45564, "no group"))
	b.passes(toGroup("10.0.0.1", "224.0.1.105", 23364, "v=1&ready=1&busy=2&port=8009"))
	b.drops(toGroup("10.0.0.1", "224.0.1.105", 23364, "w=1"))
	b.drops(toGroup("10.0.0.1", "224.0.1.105", 23364, "v"))
	six := func(p string) frame {
		return ether(0x86dd).ip6("fe80::1", "ff02::4", 17, 8+len(p)).udp(45564, []byte(p))
	}
	b.passes(six(heartbeat))
	b.drops(six(heartbeat[:70]))

	// A length that the datagram claims and does not have is no way in, nor
	// is one that is impossible.
	cut := member(heartbeat)
	b.drops(cut[:len(cut)-len(heartbeat)])
	for _, length := range []uint16{0, 7, 8, 20} {
		f := member(heartbeat)
		f[14+20+4], f[14+20+5] = byte(length>>8), byte(length)
		b.drops(f)
	}
}

func TestGroupRate(t *testing.T) {
	b := start(t, Rules{Groups: []Group{{
		At: netip.MustParseAddrPort("228.0.0.4:45564"), Shape: ShapeMember,
		Source: slow, All: Rate{PerSecond: 1, Burst: 12},
	}}})
	xdp := b.g.objs.CatherdXdp
	for i, want := range []int{5, 5, 2, 0} {
		from := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String()
		if got := b.passed(xdp, 20, toGroup(from, "228.0.0.4", 45564, heartbeat)); got < want || got > want+2 {
			t.Errorf("source %d: %d of 20 pass, want %d", i, got, want)
		}
	}
	c := b.g.Counts()
	if c.Of("group").Packets < 12 || c.Of("group too fast").Packets < 40 || c.Of("group flood").Packets < 5 {
		t.Errorf("counts: %+v", c)
	}
}

func TestCheck(t *testing.T) {
	group := netip.MustParseAddrPort("228.0.0.4:45564")
	f := func(want string, r Rules) {
		t.Helper()
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := New(r); err == nil {
			t.Errorf("loaded: %q", want)
		}
	}
	f("not a range", Rules{Serve: []Endpoint{{First: 80, Last: 79}}})
	f("not a range", Rules{Serve: []Endpoint{{}}})
	f("deny list", Rules{Deny: []netip.Prefix{{}}})
	f("allow list", Rules{Allow: []netip.Prefix{{}}})
	f("not a multicast address", Rules{Groups: []Group{{At: netip.MustParseAddrPort("10.0.0.1:1")}}})
	f("not a multicast address", Rules{Groups: []Group{{At: netip.MustParseAddrPort("228.0.0.4:0")}}})
	f("rate of group", Rules{Groups: []Group{{At: group, All: Rate{PerSecond: -1}}}})
	f("rate of new connections", Rules{Connections: Rate{PerSecond: 1, Burst: 1 << 30}})
	f("out of range", Rules{SourceBits4: 33})
	f("more rules", Rules{Serve: []Endpoint{{First: 1, Last: 65535}, {First: 1, Last: 65535}, {First: 1, Last: 3}}})
	f("more rules", Rules{Groups: make17(group)})
	if err := (Rules{Serve: []Endpoint{{First: 1, Last: 65535}}}).Check(); err != nil {
		t.Error(err)
	}
}

func make17(at netip.AddrPort) (groups []Group) {
	for range 17 {
		groups = append(groups, Group{At: at})
	}
	return groups
}
