package behaviour

import (
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// A retry goes by the newest table: the other member was down when the request
// began and is back when its own one dies. Its place in the pool has changed.
func TestRetryGoesByTheNewestTable(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		got, die := make(chan struct{}, 1), make(chan struct{})
		a := start(func(c conn) {
			if _, ok := c.next(); ok {
				got <- struct{}{}
				await(c.stopped(), die)
				c.reset()
			}
		})
		b := start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		mb.Take = table.Nothing
		e, addr := run(t, enginetest.Table(t, newPool(ma, mb)))
		c := dial(t, addr)
		c.send(head("GET", "1", 0, session("a")))
		receive(t, "the request", got)
		mb.Take = table.Everything
		e.Publish(enginetest.Table(t, newPool(mb, ma)))
		close(die)
		if r := c.get("GET"); r.status != 200 || r.body != "b" {
			t.Errorf("%d %s", r.status, r.body)
		}
		if a.requests() != 1 || b.requests() != 1 {
			t.Errorf("delivered %d and %d times", a.requests(), b.requests())
		}
	})
}

// A pool that is gone, or a member that was tried and has another place now,
// gives nothing new.
func TestNewestTableWithoutHelp(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, renamed := range []bool{false, true} {
			got, die := make(chan struct{}, 1), make(chan struct{})
			a := start(func(c conn) {
				if _, ok := c.next(); ok {
					got <- struct{}{}
					await(c.stopped(), die)
					c.reset()
				}
			})
			b := start(good("b"))
			ma, mb := a.as("a"), b.as("b")
			mb.Take = table.Nothing
			e, addr := run(t, enginetest.Table(t, newPool(ma, mb)))
			c := dial(t, addr)
			c.send(head("GET", "1", 0, session("a")))
			receive(t, "the request", got)
			next := newPool(mb, ma)
			if renamed {
				next.Members[0].Take, next.Name = table.Everything, "other"
			}
			e.Publish(enginetest.Table(t, next))
			close(die)
			if r := c.get("GET"); r.status != 502 || a.requests() != 1 || b.requests() != 0 {
				t.Errorf("renamed %v: %d %s, delivered %d and %d times", renamed, r.status, r.body, a.requests(), b.requests())
			}
		}
	})
}

// sick answers everything with a 503 of its own.
func sick(name string) func(conn) {
	return func(c conn) {
		for {
			if _, ok := c.next(); !ok {
				return
			}
			c.answer(503, name+" is sick", "X-From: "+name)
		}
	}
}

// When nobody gives a better answer than one of fail_on_status, the client gets
// that answer as it is, the last one there was.
func TestFailOnStatusEverywhere(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(sick("a")), start(sick("b"))
		for name, change := range map[string]func(p *table.Pool) (from string){
			"both are sick": func(*table.Pool) string { return "b" },
			"more attempts than members": func(p *table.Pool) string {
				p.Retry.Attempts = 5
				return "b"
			},
			"the other is down": func(p *table.Pool) string {
				p.Members[1].Take = table.Nothing
				return "a"
			},
			"no budget": func(p *table.Pool) string {
				p.Retry.Budget = 1
				p.Live.RetryBudget.Store(-1000)
				return "a"
			},
			"the session must not move": func(p *table.Pool) string {
				p.Sticky.OnLoss = table.Refuse
				return "a"
			},
		} {
			pool := newPool(a.as("a"), b.as("b"))
			pool.FailOnStatus = []uint16{503}
			from := change(pool)
			_, addr := run(t, enginetest.Table(t, pool))
			r := once(t, addr, "GET", name, "", session("a"))
			if r.status != 503 || r.body != from+" is sick" || r.header.Get("X-From") != from {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
	})
}
