//go:build !race

package behaviour

import (
	"net"
	"runtime"
	"testing"
	"time"

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

// A tunnel on which nobody says anything holds no buffer for either direction.
func TestIdleTunnelsAreSmall(t *testing.T) {
	const tunnels, each = 500, 44 << 10 // goroutines of both ends among it
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		b := make([]byte, 512)
		if n, _ := c.Read(b); n == 0 {
			return
		}
		if _, err := c.Write([]byte(wsAnswer)); err != nil {
			return
		}
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			_, _ = c.Write(b[:n])
		}
	})
	_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
	inUse := func() int64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc + s.StackInuse)
	}
	b := make([]byte, 512)
	idle := func() *net.TCPConn {
		c := enginetest.Dial(t, addr)
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Write([]byte(wsHead + "\r\n")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(b); n == 0 {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); err != nil { // both directions have been in use
			t.Fatal(err)
		}
		if n, err := c.Read(b); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		return c
	}
	for range 20 {
		idle()
	}
	before := inUse()
	for range tunnels {
		idle()
	}
	per := (inUse() - before) / tunnels
	t.Logf("%d bytes for each", per)
	if per > each {
		t.Errorf("an idle tunnel takes %d bytes", per)
	}
}
