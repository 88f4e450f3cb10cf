package guard

import (
	"net/netip"
	"testing"
)

// BenchmarkJudge shows what one packet costs: of another service, of a
// connection, a new one, a denied one, and a datagram that is no member's.
func BenchmarkJudge(b *testing.B) {
	g, err := New(Rules{
		Serve: web, Deny: prefixes("203.0.113.0/24"), Allow: prefixes("10.0.0.0/8"),
		Connections: Rate{PerSecond: 1000},
		Groups:      []Group{{At: netip.MustParseAddrPort("228.0.0.4:45564"), Shape: ShapeMember}},
	})
	if err != nil {
		b.Skip(err)
	}
	defer g.Close()
	for _, c := range []struct {
		name string
		f    frame
	}{
		{"other", tcp4("192.0.2.1", "192.0.2.10", 8009, ack)},
		{"established", tcp4("192.0.2.1", "192.0.2.10", 80, ack)},
		{"new", tcp4("192.0.2.1", "192.0.2.10", 80, syn)},
		{"denied", tcp4("203.0.113.1", "192.0.2.10", 80, syn)},
		{"no member", toGroup("192.0.2.1", "228.0.0.4", 45564, message[1:])},
	} {
		b.Run(c.name, func(b *testing.B) {
			for len(c.f) < 64 {
				c.f = append(c.f, 0)
			}
			_, cost, err := g.objs.CatherdTcx.Benchmark(c.f, max(b.N, 1000), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(cost.Nanoseconds()), "ns/packet")
		})
	}
}
