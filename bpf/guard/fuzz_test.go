package guard

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// FuzzPackets shows any bytes to guards of three minds. Both programs agree
// about every packet; whose allow list holds everybody drops nothing; and who
// has nothing to serve drops nothing.
func FuzzPackets(f *testing.F) {
	groups := []Group{{At: netip.MustParseAddrPort("228.0.0.4:45564"), Shape: ShapeMember}}
	everybody := prefixes("0.0.0.0/0", "::/0")
	var guards []*Guard
	for _, r := range []Rules{
		{Serve: []Endpoint{{First: 1, Last: 65535}}, Deny: everybody, Groups: groups},
		{Serve: []Endpoint{{First: 1, Last: 65535}}, Deny: everybody, Groups: groups, Allow: everybody},
		{Deny: everybody, Connections: slow},
	} {
		g, err := New(r)
		if errors.Is(err, kern.ErrPermission) || errors.Is(err, kern.ErrUnsupported) {
			f.Skip(err)
		}
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { g.Close() })
		guards = append(guards, g)
	}
	whole := frame{}.tcp(80, syn)
	for _, p := range []frame{
		tcp4("203.0.113.1", "192.0.2.10", 80, syn),
		tcp6("2001:db8:bad::1", "2001:db8::10", 80, ack),
		ether(0x0800).vlan(100, 0x8100).vlan(7, 0x88a8).ip4("10.0.0.1", "10.0.0.2", 6, 0x2000, 20, 1, 1, 1, 1).tcp(80, syn),
		append(append(ether(0x86dd).ip6("2001:db8::1", "2001:db8::2", 60, 36), 44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 9, 0, 0, 0, 1), whole...),
		toGroup("10.0.0.1", "228.0.0.4", 45564, heartbeat),
		toGroup("10.0.0.1", "228.0.0.4", 45564, message),
		toGroup("10.0.0.1", "228.0.0.4", 45564, "neither"),
	} {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < 14 || len(p) > 1500 {
			return // the kernel itself refuses to show these
		}
		for i, g := range guards {
			dropped := bench{t, g}.run(frame(p))
			if dropped && i > 0 {
				t.Errorf("guard %d drops % x", i, p)
			}
		}
	})
}
