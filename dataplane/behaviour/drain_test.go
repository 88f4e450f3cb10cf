package behaviour

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// bounded is a context that the test ends.
func bounded(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx, cancel
}

func TestDrain(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		m := start(holding(arrived, goOn))
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		silent, idle, busy, upload := dial(t, addr), dial(t, addr), dial(t, addr), dial(t, addr)
		idle.send(head("GET", "idle", 0))
		receive(t, "the first request", arrived)
		goOn <- struct{}{}
		idle.get("GET")
		busy.send(head("GET", "busy", 0))
		receive(t, "the request that will be in flight", arrived)
		upload.send(head("POST", "upload", 50000) + strings.Repeat("b", 20000)) // more is to come

		done := make(chan int64, 1)
		ctx, _ := bounded(t)
		go func() { done <- e.Drain(ctx) }()
		for name, c := range map[string]*client{"silent": silent, "idle": idle} {
			if !c.ended() {
				t.Errorf("the %s connection was not closed", name)
			}
		}
		if !e.Draining() {
			t.Error("it does not say that it drains")
		}
		until(t, "new connections are refused", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
		select {
		case <-done:
			t.Fatal("drained with requests in flight")
		default:
		}
		upload.send(strings.Repeat("b", 30000))
		receive(t, "the upload", arrived)
		goOn <- struct{}{}
		goOn <- struct{}{}
		for name, c := range map[string]*client{"busy": busy, "upload": upload} {
			method := "GET"
			if name == "upload" {
				method = "POST"
			}
			if r := c.get(method); r.status != 200 || !r.close || !c.ended() {
				t.Errorf("%s: %d, close %v", name, r.status, r.close)
			}
			_ = c.c.Close()
		}
		if cut := receive(t, "the end of the drain", done); cut != 0 {
			t.Errorf("%d connections were cut", cut)
		}
	})
}

func TestDrainCutsAtTheDeadline(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		got := make(chan struct{}, 3)
		m := start(func(c conn) {
			if _, ok := c.next(); ok {
				got <- struct{}{}
				<-c.stopped()
			}
		})
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		stuck, upload := dial(t, addr), dial(t, addr)
		stuck.send(head("GET", "1", 0))
		receive(t, "the request", got)
		upload.send(head("POST", "2", 5000) + "b")
		until(t, "both are served", func() bool {
			open, _, _ := e.Clients()
			return open == 2 && unsent(t, upload.c) == 0
		})
		ctx, cancel := bounded(t)
		done := make(chan int64, 1)
		go func() { done <- e.Drain(ctx) }()
		until(t, "it drains", e.Draining)
		cancel()
		if cut := receive(t, "the end of the drain", done); cut != 2 {
			t.Errorf("%d were cut", cut)
		}
		for _, c := range []*client{stuck, upload} {
			r, err := c.recv("GET")
			if err == nil && r.status == 200 {
				t.Errorf("got %d %q", r.status, r.body)
			}
		}
		until(t, "nothing is open", func() bool {
			open, _, _ := e.Clients()
			return open == 0
		})
	})
}

// Clients that send requests all the time while drain begins: a request is
// answered, or its connection ends before anything of an answer came. None is
// answered with a fault.
func TestDrainUnderLoad(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		e, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		var answered, closed atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			c := dial(t, addr)
			req := head("GET", "1", 0)
			if i%2 == 1 {
				req = head("POST", "1", 20000) + strings.Repeat("b", 20000) // reads outside the wait
			}
			wg.Go(func() {
				for {
					_, werr := io.WriteString(c.c, req)
					r, err := c.recv("GET")
					switch {
					case err != nil || werr != nil:
						if r.status != 0 {
							t.Errorf("an answer was broken off: %d, %v", r.status, err)
						}
						closed.Add(1)
						return
					case r.status != 200:
						t.Errorf("%d %s", r.status, r.body)
						return
					case r.close:
						_ = c.c.Close()
						closed.Add(1)
						return
					}
					answered.Add(1)
				}
			})
		}
		until(t, "they are busy", func() bool { return answered.Load() > 200 })
		ctx, _ := bounded(t)
		if cut := e.Drain(ctx); cut != 0 {
			t.Errorf("%d were cut", cut)
		}
		wg.Wait()
		if closed.Load() != 8 {
			t.Errorf("%d of 8 connections ended", closed.Load())
		}
	})
}
