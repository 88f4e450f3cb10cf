package upstream

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

func TestNeverMoreThanMaxAndNobodyLost(t *testing.T) {
	const workers, rounds = 48, 400
	for _, limit := range []int{1, 3} {
		s := startDeaf(t)
		p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: limit, Keep: limit, Queue: workers})
		var holding, served atomic.Int64
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range rounds {
					c, f := p.Acquire(m, cfg, Want{Session: (w+i)%3 == 0, Now: now()})
					if !f.OK() {
						t.Errorf("worker %d round %d: %s", w, i, f.Text)
						return
					}
					if n := holding.Add(1); n > int64(limit) {
						t.Errorf("%d hold a connection, %d may", n, limit)
					}
					if n := m.Live.Open.Load(); n > int64(limit) || n < 1 {
						t.Errorf("%d connections are open, %d may be", n, limit)
					}
					if n := p.inUse.Load(); n < 1 {
						t.Errorf("%d are in use while one is held", n)
					}
					served.Add(1)
					holding.Add(-1)
					// Now and then the connection ends with its request.
					p.Release(c, cfg, (w+i)%11 != 0, now())
				}
			})
		}
		wg.Wait()
		if served.Load() != workers*rounds {
			t.Errorf("max %d: %d of %d were served", limit, served.Load(), workers*rounds)
		}
		if p.inUse.Load() != 0 || p.waiting.Load() != 0 || m.Live.Queued.Load() != 0 || !p.queue.empty() {
			t.Errorf("max %d: left behind: %d in use, %d waiting, %d queued", limit, p.inUse.Load(), p.waiting.Load(), m.Live.Queued.Load())
		}
		if m.Live.Open.Load() != m.Live.Idle.Load() {
			t.Errorf("max %d: %d open, %d idle", limit, m.Live.Open.Load(), m.Live.Idle.Load())
		}
	}
}

// Waiters whose time is over race with those who give permits back.
func TestTimeOutsLoseNoPermit(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 2, Keep: 2, Queue: 64})
	cfg.Timeouts.Queue = 200 * time.Microsecond
	var wg sync.WaitGroup
	var late, served atomic.Int64
	for range 32 {
		wg.Go(func() {
			for range 300 {
				c, f := p.Acquire(m, cfg, Want{Now: now()})
				switch f.Kind {
				case None:
					served.Add(1)
					p.Release(c, cfg, true, now())
				case QueueTimeout:
					late.Add(1)
				default:
					t.Errorf("%d %s", f.Kind, f.Text)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d served, %d late", served.Load(), late.Load())
	if p.inUse.Load() != 0 || p.waiting.Load() != 0 || !p.queue.empty() {
		t.Fatalf("left behind: %d in use, %d waiting", p.inUse.Load(), p.waiting.Load())
	}
	for range 2 { // both permits are there
		get(t, p, m, cfg, Want{Now: now()})
	}
}

func TestSessionsGoFirst(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1, Queue: 10})
	held := get(t, p, m, cfg, Want{Now: now()})
	var mu sync.Mutex // guards order
	var order []string
	var wg sync.WaitGroup
	for i, name := range []string{"new 1", "new 2", "session 1", "session 2"} {
		wg.Go(func() {
			c, f := p.Acquire(m, cfg, Want{Session: name[0] == 's', Now: now()})
			if !f.OK() {
				t.Error(f.Text)
				return
			}
			if c.Queued <= 0 {
				t.Errorf("%s has not waited", name)
			}
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			p.Release(c, cfg, true, now())
		})
		until(t, name+" stands in the queue", func() bool {
			p.queue.mu.Lock()
			defer p.queue.mu.Unlock()
			return len(p.queue.lanes[0])+len(p.queue.lanes[1]) == i+1
		})
	}
	p.Release(held, cfg, true, now())
	wg.Wait()
	if want := []string{"session 1", "session 2", "new 1", "new 2"}; !slices.Equal(order, want) {
		t.Errorf("served %q", order)
	}
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections for one at a time", n)
	}
}

func TestQueueFullAndQueueTimeout(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1, Queue: 1})
	cfg.Timeouts.Queue = 50 * time.Millisecond
	held := get(t, p, m, cfg, Want{Now: now()})
	done := make(chan Fault, 1)
	go func() {
		_, f := p.Acquire(m, cfg, Want{Now: now()})
		done <- f
	}()
	until(t, "one waits", func() bool { return m.Live.Queued.Load() == 1 })
	if _, f := p.Acquire(m, cfg, Want{Now: now()}); f.Kind != QueueFull {
		t.Errorf("the second to wait got %d %s", f.Kind, f.Text)
	}
	if f := <-done; f.Kind != QueueTimeout {
		t.Errorf("the first to wait got %d %s", f.Kind, f.Text)
	}
	p.Release(held, cfg, true, now())
	if p.inUse.Load() != 0 || p.waiting.Load() != 0 {
		t.Errorf("%d in use, %d waiting", p.inUse.Load(), p.waiting.Load())
	}
}

// A dial that fails must give its permit to the next in line.
func TestFailedDialsPassThePermitOn(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1, Queue: 100})
	held := get(t, p, m, cfg, Want{Now: now()})
	_ = s.ln.Close()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, f := p.Acquire(m, cfg, Want{Now: now()}); f.Kind != Dial {
				t.Errorf("got %d %s", f.Kind, f.Text)
			}
		})
	}
	until(t, "all wait", func() bool { return m.Live.Queued.Load() == 20 })
	p.Release(held, cfg, false, now())
	wg.Wait()
	if p.inUse.Load() != 0 {
		t.Errorf("%d in use", p.inUse.Load())
	}
}

// A reload may change the bound while connections are in use.
func TestBoundLoweredAndRaised(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 3, Keep: 3, Queue: 10})
	var held []*Conn
	for range 3 {
		held = append(held, get(t, p, m, cfg, Want{Now: now()}))
	}
	low := *cfg
	low.Conns.Max = 1
	got := make(chan *Conn, 1)
	go func() {
		c, _ := p.Acquire(m, &low, Want{Now: now()})
		got <- c
	}()
	until(t, "one waits", func() bool { return m.Live.Queued.Load() == 1 })
	for i, c := range held {
		p.Release(c, &low, true, now())
		if left := int64(2 - i); left > 0 && p.inUse.Load() != left {
			t.Errorf("%d in use after %d of 3 came back", p.inUse.Load(), i+1)
		}
	}
	p.Release(<-got, &low, true, now())
	for range 3 {
		get(t, p, m, cfg, Want{Now: now()})
	}
}
