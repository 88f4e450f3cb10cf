package behaviour

import (
	"fmt"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

const noPong = "no pong in 500 ms while answers are owed"

// frozen takes every request and answers when thaw is closed.
func frozen(thaw <-chan struct{}) func(conn) {
	return func(c conn) {
		for {
			if _, ok := c.next(); !ok || !await(c.stopped(), thaw) {
				return
			}
			c.answer(200, "thawed")
		}
	}
}

// owes waits until the member owes n answers.
func owes(t *testing.T, e *dataplane.Engine, m table.Member, n int) (o meter.Owed) {
	t.Helper()
	until(t, fmt.Sprint(n, " answers are owed"), func() bool {
		o, _ = e.Owes(m.ID)
		return o.Waiting == n
	})
	return o
}

func TestOwes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		got, thaw := make(chan struct{}, 2), make(chan struct{})
		a := start(func(c conn) {
			if _, ok := c.next(); !ok { // over AJP it has asked for a body by then
				return
			}
			got <- struct{}{}
			await(c.stopped(), thaw)
			c.answer(200, "thawed")
		})
		ma := a.as("a")
		e, addr := run(t, enginetest.Table(t, newPool(ma)))
		if o, ok := e.Owes("another"); ok || o != (meter.Owed{}) {
			t.Errorf("a member nobody knows: %+v", o)
		}
		if o, ok := e.Owes(ma.ID); !ok || o != (meter.Owed{}) || o.Silent() != 0 {
			t.Errorf("before the first request: %+v", o)
		}
		from := time.Now().UnixNano()
		get, post := dial(t, addr), dial(t, addr)
		get.send(head("GET", "1", 0))
		receive(t, "the request", got)
		o := owes(t, e, ma, 1)
		between := time.Now().UnixNano()
		if o.Since < from-1 || o.Since > between || o.LastByte > o.Since || o.Silent() != o.Since {
			t.Errorf("from %d to %d: %+v", from, between, o)
		}
		post.send(head("POST", "2", 4) + "body")
		receive(t, "the second request", got)
		if two := owes(t, e, ma, 2); two.Since != o.Since {
			t.Errorf("the oldest wait changed from %d to %d", o.Since, two.Since)
		}
		close(thaw)
		get.get("GET")
		post.get("POST")
		if o = owes(t, e, ma, 0); o.Since != 0 || o.LastByte < between || o.Silent() != 0 {
			t.Errorf("after %d: %+v", between, o)
		}
	})
}

// What was known of a connection is not forgotten with it.
func TestLastByteOutlivesTheConnection(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			c.next()
			c.answer(200, "once")
			c.close()
		})
		ma := a.as("a")
		e, addr := run(t, enginetest.Table(t, newPool(ma)))
		from := time.Now().UnixNano()
		for i := range 2 {
			once(t, addr, "POST", fmt.Sprint(i), "")
		}
		if o, _ := e.Owes(ma.ID); o.LastByte < from || o.Waiting != 0 {
			t.Errorf("from %d: %+v", from, o)
		}
	})
}

// Safe requests leave a member that is given up, others go on waiting, and all
// of it is one event.
func TestAbandon(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		thaw := make(chan struct{})
		a, b := start(frozen(thaw)), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		pool := newPool(ma, mb)
		pool.TripAfter, pool.TripFor = 1, time.Hour
		pool.Retry.Budget = 1
		pool.Live.RetryBudget.Store(-1000) // spent
		e, addr := run(t, enginetest.Table(t, pool))
		const gets = 30
		var clients []*client
		for i := range gets {
			c := dial(t, addr)
			c.send(head("GET", fmt.Sprint(i), 0, session("a")))
			clients = append(clients, c)
		}
		post := dial(t, addr)
		post.send(head("POST", "post", 4, session("a")) + "body")
		owes(t, e, ma, gets+1)

		left := 0
		until(t, "all have left", func() bool { // again, as for a wait that ended at the same moment
			left += e.Abandon(ma.ID, noPong)
			o, _ := e.Owes(ma.ID)
			return o.Waiting == 1
		})
		if left != gets {
			t.Errorf("%d left", left)
		}
		if got := pool.Live.RetryBudget.Load(); got > -1000-100*gets+100 { // each request earns one of them
			t.Errorf("the budget is %d: they were not charged", got)
		}
		for i, c := range clients {
			if r := c.get("GET"); r.status != 200 || r.body != "b" {
				t.Errorf("GET %d: %d %s", i, r.status, r.body)
			}
			if a.count(fmt.Sprint(i)) != 1 || b.count(fmt.Sprint(i)) != 1 {
				t.Errorf("GET %d: delivered %d and %d times", i, a.count(fmt.Sprint(i)), b.count(fmt.Sprint(i)))
			}
		}
		if !ma.Live.Tripped(time.Now().UnixNano()) && ma.Live.NotBefore.Load() == 0 {
			t.Error("it is not avoided")
		}
		if until := ma.Live.NotBefore.Load(); until > time.Now().Add(time.Second).UnixNano() {
			t.Errorf("it is avoided for %v", time.Until(time.Unix(0, until)))
		}
		if n, row := ma.Live.Faults[meter.FaultFrozen].Load(), ma.Live.FaultsInRow.Load(); n != gets || row != 0 {
			t.Errorf("%d faults, %d in a row", n, row)
		}
		if f := ma.Live.LastFault.Load(); f == nil || f.Text != noPong || f.Kind != meter.FaultFrozen {
			t.Errorf("the fault is %+v", f)
		}
		until(t, "the connections are gone", func() bool { return ma.Live.Open.Load() == 1 })
		close(thaw)
		if r := post.get("POST"); r.body != "thawed" || b.count("post") != 0 {
			t.Errorf("POST: %d %s, %d times at b", r.status, r.body, b.count("post"))
		}
		if n := e.Abandon(ma.ID, noPong); n != 0 {
			t.Errorf("%d left when all was over", n)
		}
		if r := once(t, addr, "GET", "new", "", session("a")); r.body != "b" {
			t.Errorf("a new request went to %s", r.body)
		}
		ma.Live.Untrip()
		if r := once(t, addr, "GET", "back", "", session("a")); r.body != "thawed" {
			t.Errorf("after it has come back: %d %s", r.status, r.body)
		}
	})
}

// Who would be worse off elsewhere stays: each case has its own reason.
func TestAbandonLeavesAlone(t *testing.T) {
	for name, change := range map[string]func(p *table.Pool){
		"nobody else":       func(p *table.Pool) { p.Members = p.Members[:1] },
		"the other is down": func(p *table.Pool) { p.Members[1].Take = table.Nothing },
		"the other drains":  func(p *table.Pool) { p.Members[1].Take = table.OnlySessions },
		"the other trips":   func(p *table.Pool) { p.Members[1].Live.Trip(time.Now().Add(time.Hour).UnixNano()) },
		"one attempt":       func(p *table.Pool) { p.Retry.Attempts = 1 },
		"broken off":        func(p *table.Pool) { p.Retry.Broken = false },
		"sessions refused":  func(p *table.Pool) { p.Sticky.OnLoss = table.Refuse },
	} {
		t.Run(name, func(t *testing.T) {
			bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
				thaw := make(chan struct{})
				a, b := start(frozen(thaw)), start(good("b"))
				ma := a.as("a")
				pool := newPool(ma, b.as("b"))
				change(pool)
				e, addr := run(t, enginetest.Table(t, pool))
				c := dial(t, addr)
				c.send(head("GET", "1", 0, session("a")))
				owes(t, e, ma, 1)
				if n := e.Abandon(ma.ID, noPong); n != 0 {
					t.Errorf("%d left", n)
				}
				owes(t, e, ma, 1)
				close(thaw)
				if r := c.get("GET"); r.body != "thawed" || b.requests() != 0 {
					t.Errorf("%d %s, %d requests at b", r.status, r.body, b.requests())
				}
			})
		})
	}
}

// An answer that has begun is the member's to end.
func TestAbandonInTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		goOn := make(chan struct{})
		a := start(func(c conn) {
			c.next()
			c.begin(-1)
			c.piece("first ")
			await(c.stopped(), goOn)
			c.piece("second")
			c.end()
		})
		b := start(good("b"))
		ma := a.as("a")
		e, addr := run(t, enginetest.Table(t, newPool(ma, b.as("b"))))
		c := dial(t, addr)
		c.send(head("GET", "1", 0, session("a")))
		if _, err := c.br.Peek(1); err != nil { // the answer has begun
			t.Fatal(err)
		}
		if n := e.Abandon(ma.ID, noPong); n != 0 {
			t.Errorf("%d left", n)
		}
		close(goOn)
		if r := c.get("GET"); r.body != "first second" {
			t.Errorf("%d %q", r.status, r.body)
		}
	})
}

// Requests that wait for a connection to a frozen member have not been sent:
// they go elsewhere whatever their method, and are not sent to it afterwards.
func TestAbandonEmptiesTheQueue(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		thaw := make(chan struct{})
		a, b := start(frozen(thaw)), start(good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.Conns.Max = 1
		e, addr := run(t, enginetest.Table(t, pool))
		busy := dial(t, addr)
		busy.send(head("POST", "busy", 0, session("a")))
		owes(t, e, ma, 1)
		var clients []*client
		methods := []string{"GET", "POST", "DELETE"}
		for _, method := range methods {
			c := dial(t, addr)
			c.send(head(method, method, 0, session("a")))
			clients = append(clients, c)
		}
		until(t, "they queue up", func() bool { return ma.Live.Queued.Load() == 3 })
		left := 0
		until(t, "the queue is empty", func() bool {
			left += e.Abandon(ma.ID, noPong)
			return ma.Live.Queued.Load() == 0
		})
		if left != 3 {
			t.Errorf("%d left", left)
		}
		for i, c := range clients {
			if r := c.get(methods[i]); r.body != "b" && methods[i] != "HEAD" || a.count(methods[i]) != 0 {
				t.Errorf("%s: %d %s, %d times at a", methods[i], r.status, r.body, a.count(methods[i]))
			}
		}
		close(thaw)
		if r := busy.get("POST"); r.body != "thawed" {
			t.Errorf("%d %s", r.status, r.body)
		}
		ma.Live.Untrip()
		if r := once(t, addr, "GET", "back", "", session("a")); r.body != "thawed" {
			t.Errorf("its one connection is lost: %d %s", r.status, r.body)
		}
	})
}

// Requests that a frozen member has seen leave it as far as the budget goes. The
// others wait, and leave when it has grown.
func TestAbandonWithinTheBudget(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		thaw := make(chan struct{})
		defer close(thaw)
		a, b := start(frozen(thaw)), start(good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.Retry.Budget = 1
		e, addr := run(t, enginetest.Table(t, pool))
		const gets = 8
		var clients []*client
		for i := range gets {
			c := dial(t, addr)
			c.send(head("GET", fmt.Sprint(i), 0, session("a")))
			clients = append(clients, c)
		}
		owes(t, e, ma, gets)
		for _, step := range []struct {
			budget     int64
			left, stay int
		}{{-99_500, 5, 3}, {-99_901, 0, 3}, {-200_000, 0, 3}, {-99_900, 1, 2}, {0, 2, 0}} {
			pool.Live.RetryBudget.Store(step.budget)
			if n := e.Abandon(ma.ID, noPong); n != step.left {
				t.Errorf("%d left with a budget of %d, want %d", n, step.budget, step.left)
			}
			owes(t, e, ma, step.stay)
		}
		for i, c := range clients {
			if r := c.get("GET"); r.status != 200 || r.body != "b" {
				t.Errorf("GET %d: %d %s", i, r.status, r.body)
			}
		}
	})
}
