package upstream

import (
	"net"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

type runner func(*evloop.Task)

func (r runner) Run(t *evloop.Task) { r(t) }

// setupOnLoop is setup for a pool that tasks of a loop use.
func setupOnLoop(t *testing.T, addr string, conns table.Conns) (*evloop.Loop, *Pool, *table.Member, *table.Pool) {
	t.Helper()
	l, err := evloop.New(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { <-l.Stop() })
	p, m, cfg := setup(t, addr, conns)
	p.idle = make([]stack, 2)
	return l, p, m, cfg
}

// inTask runs f in a task of l and waits for its end.
func inTask(t *testing.T, l *evloop.Loop, f runner) {
	t.Helper()
	done := make(chan struct{})
	l.Do(func() {
		l.Start(runner(func(tk *evloop.Task) {
			defer close(done)
			f(tk)
		}))
	})
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the task does not end")
	}
}

// Whether a member is written as an address or as a name, its connections are the
// loop's and are used again.
func TestTasksReuseConnections(t *testing.T) {
	s := startDeaf(t)
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"127.0.0.1:" + port, "localhost:" + port} {
		l, p, m, cfg := setupOnLoop(t, addr, table.Conns{Max: 9, Keep: 9})
		for range 3 {
			inTask(t, l, func(tk *evloop.Task) {
				c, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk})
				if !f.OK() {
					t.Errorf("%s: %d %s", addr, f.Kind, f.Text)
					return
				}
				if !c.OnLoop() || c.shard != 1 {
					t.Errorf("%s: on a loop %v, shard %d", addr, c.OnLoop(), c.shard)
				}
				if !c.Fresh && !tk.Attached() {
					t.Errorf("%s: a connection of the loop needs no goroutine", addr)
				}
				p.Release(c, cfg, true, now())
			})
		}
		if n := m.Live.Connects.Load(); n != 1 {
			t.Errorf("%s: %d connects", addr, n)
		}
	}
}

// A connection that no loop watches would stop the loop of a task that waits for it.
func TestTasksLeaveTheLoopForConnectionsOfGoroutines(t *testing.T) {
	s := startDeaf(t)
	l, p, m, cfg := setupOnLoop(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1})
	c := get(t, p, m, cfg, Want{Now: now()})
	if c.OnLoop() {
		t.Error("a goroutine has dialled on a loop")
	}
	p.Release(c, cfg, true, now())
	inTask(t, l, func(tk *evloop.Task) {
		again, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk})
		if again != c || !f.OK() {
			t.Errorf("not the only connection there may be: %d %s", f.Kind, f.Text)
			return
		}
		if tk.Attached() {
			t.Error("the task would block its loop")
		}
		p.Release(again, cfg, true, now())
	})
}

// Goroutines use connections of loops when there may be no others.
func TestGoroutinesUseConnectionsOfLoops(t *testing.T) {
	s := startDeaf(t)
	l, p, m, cfg := setupOnLoop(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1})
	inTask(t, l, func(tk *evloop.Task) {
		if c, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk}); f.OK() {
			p.Release(c, cfg, true, now())
		}
	})
	c := get(t, p, m, cfg, Want{Now: now()})
	if !c.OnLoop() || c.Task() != nil {
		t.Error("not the loop's, or with the task of the last request")
	}
	if _, err := c.Write([]byte("x"), 20*time.Second); err != nil {
		t.Error(err)
	}
	p.Release(c, cfg, true, now())
	if n := m.Live.Connects.Load(); n != 1 {
		t.Errorf("%d connects", n)
	}
}

// A reload that lowers connections.max below what is in use finds holders of
// permits without a connection. They must not wait for one that cannot come.
func TestPickAfterTheBoundWasLowered(t *testing.T) {
	p := newPool(nil, new(meter.Member), 0)
	p.inUse.Store(3)
	p.open.Store(2) // two of the three have theirs
	picked := make(chan *Conn, 1)
	go func() { picked <- p.pick(0, 1) }()
	select {
	case c := <-picked:
		if c != nil || p.open.Load() != 3 {
			t.Errorf("%v, %d open", c, p.open.Load())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("turns in circles")
	}
}

// Those who are counted are never more than the bound, and each gets a connection,
// however tasks and goroutines come and go.
func TestBoundHoldsAcrossLoops(t *testing.T) {
	s := startDeaf(t)
	const bound = 3
	l, p, m, cfg := setupOnLoop(t, s.ln.Addr().String(), table.Conns{Max: bound, Keep: bound, Queue: 1000})
	const users, rounds = 12, 60
	ended := make(chan struct{}, users)
	use := func(tk *evloop.Task) {
		for i := range rounds {
			c, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk})
			if !f.OK() {
				t.Errorf("%d %s", f.Kind, f.Text)
				break
			}
			if n := p.open.Load(); n > bound {
				t.Errorf("%d open", n)
			}
			tk.Yield()
			p.Release(c, cfg, i%5 != 0, now())
		}
		ended <- struct{}{}
	}
	for i := range users {
		if i%2 == 0 {
			go use(nil)
		} else {
			l.Do(func() { l.Start(runner(use)) })
		}
	}
	for range users {
		select {
		case <-ended:
		case <-time.After(60 * time.Second):
			t.Fatal("somebody waits for ever")
		}
	}
	if p.inUse.Load() != 0 || p.open.Load() != m.Live.Open.Load() || p.open.Load() > bound {
		t.Errorf("%d in use, %d open by one count, %d by the other", p.inUse.Load(), p.open.Load(), m.Live.Open.Load())
	}
}

// To look up the interface of a link-local address is slow, as a name is.
func TestTasksLeaveTheLoopToLookUpInterfaces(t *testing.T) {
	l, p, m, cfg := setupOnLoop(t, "[fe80::1%lo]:1", table.Conns{Max: 1, Keep: 1})
	cfg.Timeouts.Connect = 100 * time.Millisecond
	inTask(t, l, func(tk *evloop.Task) {
		if _, f := p.Acquire(m, cfg, Want{Now: now(), Task: tk}); f.OK() || tk.Attached() {
			t.Errorf("%d %q, on the loop %v", f.Kind, f.Text, tk.Attached())
		}
	})
}
