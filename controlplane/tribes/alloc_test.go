//go:build !race

package tribes

import (
	"net/netip"
	"testing"
	"time"
)

// TestAllocations: a heartbeat that says nothing new costs no memory, nor does
// any other datagram that changes nothing.
func TestAllocations(t *testing.T) {
	g := golden(t)
	v := NewView(Settings{})
	now := day
	src := netip.MustParseAddrPort("10.1.2.3:45564")
	v.Hear(now, src, g["full"])
	f := func(name string, b []byte, from netip.AddrPort) {
		t.Helper()
		v.Hear(now, from, b)
		n := testing.AllocsPerRun(100, func() {
			now = now.Add(time.Millisecond)
			if events := v.Hear(now, from, b); events != nil {
				t.Fatal(events)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f("a repeated heartbeat", g["full"], src)
	f("a foreign heartbeat", g["full"], netip.MustParseAddrPort("10.6.6.6:45564"))
	f("a frame", g["frame.hello"], src)
	f("junk", []byte("junk"), src)
	f("a cut heartbeat", g["full"][:80], src)
	f("a stop of nobody", g["shutdown"], src)
}
