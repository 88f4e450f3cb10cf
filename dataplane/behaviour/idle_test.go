//go:build !race

package behaviour

import (
	"net"
	"runtime"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// A connection between two requests holds neither a read buffer nor the state
// of a request.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const conns, each = 1000, 13 << 10 // a KiB of it is the client's own side
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(good("a"))
		pool := newPool(m.as("a"))
		pool.Conns.Max = 1
		e, addr := run(t, enginetest.Table(t, pool))
		inUse := func() int64 {
			runtime.GC()
			runtime.GC() // what lies in pools goes with the second one
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			return int64(s.HeapAlloc + s.StackInuse)
		}
		b := make([]byte, 4096)
		idle := func() *net.TCPConn {
			c := enginetest.Dial(t, addr)
			if _, err := c.Write([]byte(head("GET", "1", 0))); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Read(b); n == 0 {
				t.Fatal(err)
			}
			return c
		}
		for range 100 { // what is there once for all of them is there now
			_ = idle().Close()
		}
		until(t, "those are gone", func() bool {
			n, _, _ := e.Clients()
			return n == 0
		})
		before := inUse()
		open := make([]*net.TCPConn, conns)
		for i := range open {
			open[i] = idle()
		}
		until(t, "all are idle", func() bool {
			n, _, _ := e.Clients()
			return n == conns && pool.Members[0].Live.InFlight.Load() == 0
		})
		per := (inUse() - before) / conns
		t.Logf("%d bytes for each", per)
		if per > each {
			t.Errorf("an idle connection takes %d bytes", per)
		}
	})
}
