package behaviour

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// The member counts: never more requests, nor connections, than connections.max.
func TestMaxConnectionsIsExact(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		const limit, clients, each = 3, 24, 40
		var busy, peak atomic.Int64
		m := start(func(c conn) {
			for {
				_, ok := c.next()
				if !ok {
					return
				}
				n := busy.Add(1)
				for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
				}
				busy.Add(-1)
				c.answer(200, "ok")
			}
		})
		ma := m.as("a")
		pool := newPool(ma)
		pool.Conns.Max, pool.Conns.Keep = limit, limit
		_, addr := run(t, enginetest.Table(t, pool))
		var wg sync.WaitGroup
		for i := range clients {
			c := dial(t, addr)
			wg.Go(func() {
				for j := range each {
					if _, err := c.c.Write([]byte(head("GET", fmt.Sprint(i, j), 0))); err != nil {
						t.Error(err)
						return
					}
					if r, err := c.recv("GET"); err != nil || r.status != 200 {
						t.Errorf("%d %v", r.status, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if peak.Load() > limit || m.conns() > limit {
			t.Errorf("%d requests at a time over %d connections, %d may be", peak.Load(), m.conns(), limit)
		}
		until(t, "all is given back", func() bool { return ma.Live.InFlight.Load() == 0 && ma.Live.Queued.Load() == 0 })
	})
}

// holding answers each request when the test says so.
func holding(arrived chan<- string, goOn <-chan struct{}) func(conn) {
	return func(c conn) {
		for {
			r, ok := c.next()
			if !ok {
				return
			}
			arrived <- r.id
			select {
			case <-goOn:
			case <-c.stopped():
				return
			}
			c.answer(200, "ok")
		}
	}
}

func TestSessionsBeforeNewOnes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		m := start(holding(arrived, goOn))
		ma := m.as("a")
		pool := newPool(ma)
		pool.Conns.Max = 1
		_, addr := run(t, enginetest.Table(t, pool))
		var list []*client
		send := func(id string, fields ...string) {
			c := dial(t, addr)
			c.send(head("GET", id, 0, fields...))
			list = append(list, c)
		}
		send("first")
		if id := receive(t, "the first", arrived); id != "first" {
			t.Fatal(id)
		}
		for i, id := range []string{"new 1", "new 2", "session 1", "session 2"} {
			if strings.HasPrefix(id, "session") {
				send(id, session("a"))
			} else {
				send(id)
			}
			until(t, id+" waits", func() bool { return ma.Live.Queued.Load() == int64(i+1) })
		}
		for _, want := range []string{"session 1", "session 2", "new 1", "new 2"} {
			goOn <- struct{}{}
			if id := receive(t, want, arrived); id != want {
				t.Errorf("%q was served where %q was due", id, want)
			}
		}
		goOn <- struct{}{}
		for _, c := range list {
			if r := c.get("GET"); r.status != 200 {
				t.Errorf("%d", r.status)
			}
		}
	})
}

func TestQueueDeadline(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		m := start(holding(arrived, goOn))
		ma := m.as("a")
		pool := newPool(ma)
		pool.Conns.Max, pool.Timeouts.Queue = 1, short
		_, addr := run(t, enginetest.Table(t, pool))
		first := dial(t, addr)
		first.send(head("GET", "1", 0))
		receive(t, "the first", arrived)
		c := dial(t, addr)
		if r := c.do("POST", "2", "x"); r.status != 503 || r.header.Get("Retry-After") == "" || r.close {
			t.Errorf("after the deadline: %d %v", r.status, r.header)
		}
		goOn <- struct{}{}
		if r := first.get("GET"); r.status != 200 {
			t.Errorf("who had a connection: %d", r.status)
		}
		if m.requests() != 1 || ma.Live.FaultsInRow.Load() != 0 {
			t.Errorf("%d requests reached the member, %d faults were counted", m.requests(), ma.Live.FaultsInRow.Load())
		}
	})
}

func TestQueueFull(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		m := start(holding(arrived, goOn))
		ma := m.as("a")
		pool := newPool(ma)
		pool.Conns.Max, pool.Conns.Queue = 1, 1
		_, addr := run(t, enginetest.Table(t, pool))
		first, second := dial(t, addr), dial(t, addr)
		first.send(head("GET", "1", 0))
		receive(t, "the first", arrived)
		second.send(head("POST", "2", 1) + "x")
		until(t, "the second waits", func() bool { return ma.Live.Queued.Load() == 1 })
		if r := once(t, addr, "GET", "3", ""); r.status != 503 || r.header.Get("Retry-After") == "" ||
			!strings.Contains(r.header.Get("Catherd-Reason"), "queue is full") {
			t.Errorf("with a full queue: %d %v", r.status, r.header)
		}
		goOn <- struct{}{}
		goOn <- struct{}{}
		if r := first.get("GET"); r.status != 200 {
			t.Errorf("the first: %d", r.status)
		}
		if r := second.get("POST"); r.status != 200 {
			t.Errorf("the second: %d", r.status)
		}
		if n := ma.Live.FaultsInRow.Load(); n != 0 || m.count("3") != 0 {
			t.Errorf("a full queue was counted as %d faults, or the request was delivered", n)
		}
		if n := pool.Live.QueueFull.Load(); n != 1 {
			t.Errorf("%d full queues were counted", n)
		}
	})
}

// Work that is bound to nobody goes elsewhere when a queue is full.
func TestWaitersAreServedElsewhere(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		a, b := start(holding(arrived, goOn)), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		pool := newPool(ma, mb)
		pool.Conns.Max, pool.Conns.Queue = 1, 0
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		c.send(head("GET", "1", 0, session("a")))
		receive(t, "the first", arrived)
		// A session has one place to be, new work has others.
		if r := once(t, addr, "GET", "2", "", session("a")); r.status != 503 {
			t.Errorf("a session of the full member: %d %q", r.status, r.body)
		}
		for range 4 {
			if r := once(t, addr, "POST", "3", "x"); r.status != 200 || r.body != "b" {
				t.Errorf("new work: %d %q", r.status, r.body)
			}
			// The answer is with the client a moment before the connection is free.
			until(t, "b is free again", func() bool { return mb.Live.InFlight.Load() == 0 })
		}
		goOn <- struct{}{}
		c.get("GET")
	})
}

// The keeper's ping of an idle connection is no reason to refuse a request, also
// where requests may not wait for each other.
func TestPingRefusesNobody(t *testing.T) {
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	a := startAJP(t, func(c conn) {
		x := c.(*ajpConn).c
		for {
			p, err := x.ReadPacket()
			if err != nil {
				return
			}
			if ajp.ParseCPing(p) != nil {
				c.answer(200, "ok")
				continue
			}
			select {
			case asked <- struct{}{}:
			default: // it has pinged again
			}
			if !x.Wait(answer) {
				return
			}
			_ = x.Send(ajp.AppendCPong(nil))
		}
	})
	ma := a.as("a")
	pool := newPool(ma)
	pool.Conns.Max, pool.Conns.Queue = 1, 0
	pool.Ping = table.Ping{Interval: time.Nanosecond} // none but the keeper's
	_, addr := run(t, enginetest.Table(t, pool))
	c := dial(t, addr)
	c.do("GET", "1", "")
	receive(t, "the keeper pings", asked)
	c.send(head("GET", "2", 0))
	until(t, "the request waits", func() bool { return ma.Live.Queued.Load() == 1 })
	close(answer)
	if r := c.get("GET"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
