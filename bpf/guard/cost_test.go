package guard

import (
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// BenchmarkJudge shows what one packet costs: with a program that does nothing, of another service, of a
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
	idle, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer idle.Close()
	for _, c := range []struct {
		name string
		f    frame
	}{
		{"nothing", tcp4("192.0.2.1", "192.0.2.10", 8009, ack)},
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
			p := g.objs.CatherdTcx
			if c.name == "nothing" {
				p = idle
			}
			_, cost, err := p.Benchmark(c.f, max(b.N, 1000), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(cost.Nanoseconds()), "ns/packet")
		})
	}
}
