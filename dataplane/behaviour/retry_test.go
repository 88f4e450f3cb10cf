package behaviour

import (
	"fmt"
	"strings"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

func TestRefusedConnectIsTriedElsewhere(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		b := start(good("b"))
		dead := enginetest.Member("a", b.scheme, refused(t))
		pool := newPool(dead, b.as("b"))
		_, addr := run(t, enginetest.Table(t, pool))
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
			body := "body"
			if method == "GET" || method == "DELETE" {
				body = ""
			}
			if r := once(t, addr, method, method, body, session("a")); r.status != 200 || r.body != "b" {
				t.Errorf("%s: %d %q", method, r.status, r.body)
			}
			if n := b.count(method); n != 1 {
				t.Errorf("%s reached b %d times", method, n)
			}
		}
		if n := dead.Live.ConnectFailures.Load(); n != 5 {
			t.Errorf("%d failed connects", n)
		}
	})
}

// Without members left the client hears 503.
func TestAllRefused(t *testing.T) {
	for attempts := 1; attempts <= 5; attempts++ {
		var list []table.Member
		for i := range 5 {
			list = append(list, enginetest.Member(fmt.Sprint("m", i), table.HTTP, refused(t)))
		}
		pool := newPool(list...)
		pool.Retry.Attempts = attempts
		_, addr := run(t, enginetest.Table(t, pool))
		r := once(t, addr, "GET", "1", "")
		if r.status != 503 || r.header.Get("Retry-After") == "" {
			t.Errorf("%d %v", r.status, r.header)
		}
		failed := uint64(0)
		for i := range list {
			failed += list[i].Live.ConnectFailures.Load()
		}
		if failed != uint64(attempts) {
			t.Errorf("%d members were asked, %d may be", failed, attempts)
		}
	}
}

// A member that closed a pooled connection is no fault, and any method is sent
// again, on a fresh one.
func TestPooledConnectionWasClosed(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, method := range []string{"POST", "GET"} {
			closed := make(chan struct{}, 1)
			m := start(func(c conn) {
				if _, ok := c.next(); !ok {
					return
				}
				c.answer(200, "ok")
				if c.number() == 1 {
					c.close()
					closed <- struct{}{}
					return
				}
				good("ok")(c)
			})
			a := m.as("a")
			pool := newPool(a)
			_, addr := run(t, enginetest.Table(t, pool))
			c := dial(t, addr)
			if r := c.do(method, "1", ""); r.status != 200 {
				t.Fatalf("first: %d %s", r.status, r.body)
			}
			receive(t, "the member closes", closed)
			if r := c.do(method, "2", ""); r.status != 200 {
				t.Errorf("%s on a closed connection: %d %s", method, r.status, r.body)
			}
			if m.count("2") != 1 || m.conns() != 2 {
				t.Errorf("%s: delivered %d times over %d connections", method, m.count("2"), m.conns())
			}
			if n := a.Live.FaultsInRow.Load(); n != 0 {
				t.Errorf("%s: counted as %d faults in a row", method, n)
			}
		}
	})
}

// A connection that breaks after the request was sent: safe methods are
// repeated, others never.
func TestBrokenBeforeTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(breaks), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		pool := newPool(ma, mb)
		pool.TripAfter = 0
		_, addr := run(t, enginetest.Table(t, pool))
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			r := once(t, addr, method, method, "", session("a"))
			if r.status != 200 || a.count(method) != 1 || b.count(method) != 1 {
				t.Errorf("%s: %d, reached a %d and b %d times", method, r.status, a.count(method), b.count(method))
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			r := once(t, addr, method, method, "", session("a"))
			if r.status != 502 || a.count(method) != 1 || b.count(method) != 0 {
				t.Errorf("%s: %d, reached a %d and b %d times", method, r.status, a.count(method), b.count(method))
			}
		}
		// A GET with a body is not repeated either: the body is gone.
		r := once(t, addr, "GET", "get with body", "body", session("a"))
		if r.status != 502 || a.count("get with body") != 1 || b.count("get with body") != 0 {
			t.Errorf("GET with a body: %d", r.status)
		}
		if n := ma.Live.Faults[meter.FaultBroken].Load(); n != 8 {
			t.Errorf("%d faults were counted", n)
		}
		if n := mb.Live.Retries.Load(); n != 3 {
			t.Errorf("%d retries were counted", n)
		}
		until(t, "nothing is in flight", func() bool { return ma.Live.InFlight.Load()+mb.Live.InFlight.Load() == 0 })
	})
}

// The same with a connection from the pool, where it may have been the member's
// idle time-out: a GET is repeated, a POST that was taken is not.
func TestBrokenOnAPooledConnection(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, method := range []string{"GET", "POST"} {
			m := start(func(c conn) {
				if _, ok := c.next(); !ok {
					return
				}
				c.answer(200, "first on its connection")
				breaks(c)
			})
			_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
			c := dial(t, addr)
			c.do(method, "1", "")
			r := c.do(method, "2", "")
			if method == "GET" && (r.status != 200 || m.count("2") != 2) || method == "POST" && (r.status != 502 || m.count("2") != 1) {
				t.Errorf("%s: %d after %d deliveries", method, r.status, m.count("2"))
			}
		}
	})
}

// Once a part of the answer is out, the client must see that the rest is
// missing, and nothing is repeated.
func TestBrokenInTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, length := range []int{100, -1} {
			for _, how := range []string{"reset", "close"} {
				seen := make(chan struct{})
				a := start(func(c conn) {
					if _, ok := c.next(); !ok {
						return
					}
					c.begin(length)
					c.piece("the first part")
					await(c.stopped(), seen)
					if how == "reset" {
						c.reset()
					} else {
						c.close()
					}
				})
				b := start(good("b"))
				ma := a.as("a")
				_, addr := run(t, enginetest.Table(t, newPool(ma, b.as("b"))))
				c := dial(t, addr)
				c.send(head("GET", "1", 0, session("a")))
				seenBytes := 0
				until(t, "the first part", func() bool {
					_, err := c.br.Peek(seenBytes + 1)
					seenBytes = c.br.Buffered()
					b, _ := c.br.Peek(seenBytes)
					return err != nil || strings.Contains(string(b), "the first part")
				})
				close(seen)
				r, err := c.recv("GET")
				if err == nil {
					t.Errorf("length %d, %s: the client took %q for a whole answer", length, how, r.body)
				}
				if a.count("1") != 1 || b.count("1") != 0 {
					t.Errorf("length %d, %s: delivered %d and %d times", length, how, a.count("1"), b.count("1"))
				}
				until(t, "the fault is counted", func() bool { return ma.Live.FaultsInRow.Load() == 1 })
			}
		}
	})
}

// When the whole farm is sick, repeats must not multiply what it gets.
func TestBudgetBoundsRepeats(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		var list []table.Member
		var farm []*member
		for i := range 3 {
			m := start(breaks)
			farm = append(farm, m)
			list = append(list, m.as(fmt.Sprint("m", i)))
		}
		pool := newPool(list...)
		pool.Retry.Attempts, pool.TripAfter, pool.Ping.Connect = 3, 0, false
		_, addr := run(t, enginetest.Table(t, pool))
		const n = 150
		for i := range n {
			if r := once(t, addr, "GET", fmt.Sprint(i), ""); r.status != 502 {
				t.Fatalf("%d: %d %s", i, r.status, r.body)
			}
		}
		total := 0
		for _, m := range farm {
			total += m.requests()
		}
		// A fifth, and the ten that are free.
		if most := n + n/5 + 11; total > most || total < n+n/5 {
			t.Errorf("%d requests became %d deliveries, %d at most may be", n, total, most)
		}
		if got := pool.Live.Retries.Load(); int(got) != total-n {
			t.Errorf("%d repeats were counted, there were %d", got, total-n)
		}
	})
}

func TestFailOnStatus(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			for {
				if _, ok := c.next(); !ok {
					return
				}
				c.answer(503, "out of order")
			}
		})
		b := start(good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.FailOnStatus, pool.TripAfter = []uint16{503}, 0
		_, addr := run(t, enginetest.Table(t, pool))
		if r := once(t, addr, "GET", "1", "", session("a")); r.status != 200 || r.body != "b" {
			t.Errorf("GET: %d %q", r.status, r.body)
		}
		if n := ma.Live.Faults[meter.FaultStatus].Load(); n != 1 {
			t.Errorf("%d faults", n)
		}
		if r := once(t, addr, "POST", "2", "x", session("a")); r.status != 503 || r.body != "out of order" || b.count("2") != 0 {
			t.Errorf("POST: %d %q", r.status, r.body)
		}
		// With nobody else to ask, the member's own answer is worth more than ours.
		alone := newPool(a.as("a"))
		alone.FailOnStatus = []uint16{503}
		_, addr = run(t, enginetest.Table(t, alone))
		if r := once(t, addr, "GET", "3", ""); r.status != 503 || r.body != "out of order" {
			t.Errorf("GET with one member: %d %q", r.status, r.body)
		}
	})
}
