package behaviour

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/frontend"
)

// heir is another engine that takes over the sockets of e and holds them.
func heir(t *testing.T, e *dataplane.Engine, loops int, specs ...frontend.Spec) *dataplane.Engine {
	t.Helper()
	next, err := dataplane.New(enginetest.Limits, loops, func(msg, what string) { t.Logf("warning: %s: %s", msg, what) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	next.Publish(e.Table())
	sockets, err := e.Sockets()
	if err != nil {
		t.Fatal(err)
	}
	next.Hold()
	next.Adopt(sockets)
	if _, err := next.Listen(specs); err != nil {
		t.Fatal(err)
	}
	return next
}

// Another engine takes over while clients ask on connections that stay and on new ones:
// not a single request fails, and a connection ends only after an answer that said so.
func TestTakeOverUnderLoad(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		var answered, polite atomic.Int64
		done := make(chan struct{})
		var wg sync.WaitGroup
		// ask sends one request and reports whether the connection stays.
		ask := func(c *client) bool {
			if _, err := io.WriteString(c.c, head("GET", "1", 0)); err != nil {
				t.Errorf("send: %v", err)
				return false
			}
			r, err := c.recv("GET")
			if err != nil || r.status != 200 {
				t.Errorf("%d %s, %v", r.status, r.body, err)
				return false
			}
			answered.Add(1)
			if r.close {
				polite.Add(1)
			}
			return !r.close
		}
		over := func() bool {
			select {
			case <-done:
				return true
			default:
				return false
			}
		}
		for i := range 8 {
			wg.Go(func() {
				for !over() && !t.Failed() {
					c := dial(t, addr)
					for stays := true; stays && !over(); {
						stays = ask(c) && i%2 == 0 // half of them connect for each request
					}
					_ = c.c.Close()
				}
			})
		}
		idle := dial(t, addr)
		if !ask(idle) {
			t.Fatal("the first answer closes")
		}
		for range 5 {
			next := heir(t, e, enginetest.Loops, frontend.Spec{Address: "127.0.0.1:0"})
			if err := next.Accept(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := bounded(t)
			retired := make(chan int64, 1)
			go func() { retired <- e.Retire(ctx) }()
			until(t, "the old one retires", e.Draining)
			before := answered.Load()
			until(t, "the next one serves", func() bool {
				_, accepted, _ := next.Clients()
				return accepted > 0 && answered.Load() > before+50
			})
			// An idle connection has waited, and is answered.
			if ask(idle) {
				t.Error("the answer does not say that the connection ends")
			}
			_ = idle.c.Close()
			idle = dial(t, addr)
			if !ask(idle) {
				t.Error("an answer of the next one closes")
			}
			if cut := receive(t, "the end of the old one", retired); cut != 0 {
				t.Errorf("%d were cut", cut)
			}
			cancel()
			e = next
		}
		close(done)
		wg.Wait()
		if polite.Load() < 5 {
			t.Errorf("only %d connections were ended by an answer", polite.Load())
		}
	})
}

// While it is held an engine takes nothing; what comes waits in the queue.
func TestHeldListenersWait(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		// The other kind of engine, and an address more.
		loops := 2
		if enginetest.Loops > 0 {
			loops = 0
		}
		next := heir(t, e, loops, frontend.Spec{Address: "127.0.0.1:0"})
		ctx, _ := bounded(t)
		if cut := e.Retire(ctx); cut != 0 {
			t.Errorf("%d were cut", cut)
		}
		c := dial(t, addr)
		c.send(head("GET", "1", 0))
		if open, accepted, _ := next.Clients(); open != 0 || accepted != 0 {
			t.Errorf("%d connections were taken", accepted)
		}
		if err := next.Accept(); err != nil {
			t.Fatal(err)
		}
		if r := c.get("GET"); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// Sockets that nobody needs are closed: nobody may wait there for ever.
func TestUnneededSocketsAreClosed(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		next := heir(t, e, enginetest.Loops, frontend.Spec{Address: "127.0.0.2:0"})
		if err := next.Accept(); err != nil {
			t.Fatal(err)
		}
		ctx, _ := bounded(t)
		e.Retire(ctx)
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			t.Error("somebody listens at an address that was dropped")
		}
	})
}

// One socket that cannot be joined, as another program may have opened it, is enough
// for all loops.
func TestASingleSocketIsShared(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		ln, err := net.Listen("tcp", "127.0.0.1:0") // without SO_REUSEPORT
		if err != nil {
			t.Fatal(err)
		}
		f, err := ln.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().String()
		_ = ln.Close()
		m := start(echoing)
		e, _ := run(t, enginetest.Table(t, newPool(m.as("a"))))
		fd, err := evloop.Descriptor(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		e.Adopt([]frontend.Socket{{FD: fd}})
		addrs, err := e.Listen([]frontend.Spec{{Address: addr}})
		if err != nil || addrs[0].String() != addr {
			t.Fatal(addrs, err)
		}
		for range 20 {
			c := dial(t, addr)
			c.send(head("GET", "1", 0))
			if r := c.get("GET"); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
			_ = c.c.Close()
		}
	})
}

// At the deadline connections that are still idle are closed, and the others cut.
func TestRetireCutsAtTheDeadline(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		got := make(chan struct{}, 1)
		m := start(func(c conn) {
			if _, ok := c.next(); ok {
				got <- struct{}{}
				<-c.stopped()
			}
		})
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		stuck, idle := dial(t, addr), dial(t, addr)
		stuck.send(head("GET", "1", 0))
		receive(t, "the request", got)
		until(t, "both are open", func() bool { open, _, _ := e.Clients(); return open == 2 })
		ctx, cancel := bounded(t)
		done := make(chan int64, 1)
		go func() { done <- e.Retire(ctx) }()
		until(t, "it retires", e.Draining)
		cancel()
		if cut := receive(t, "the end", done); cut != 1 {
			t.Errorf("%d were cut", cut)
		}
		if !idle.ended() {
			t.Error("the idle one is open")
		}
	})
}
