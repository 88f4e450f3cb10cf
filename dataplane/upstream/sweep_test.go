package upstream

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

// A request that comes while the keeper looks at idle connections is not refused
// because of that, also where nobody may wait. The next one is: there is one
// connection less than there are requests.
func TestSweepRefusesNobody(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 1, Keep: 1})
	p.Release(get(t, p, m, cfg, Want{Now: now()}), cfg, true, now())

	limit := int64(cfg.Conns.Max)
	kept, _ := p.look(&p.idle[0], cfg, now(), limit, nil)
	if len(kept) != 1 {
		t.Fatalf("the look took %d connections", len(kept))
	}
	got := make(chan *Conn, 1)
	go func() {
		c, f := p.Acquire(m, cfg, Want{Now: now()})
		if !f.OK() {
			t.Errorf("during a sweep: %d %s", f.Kind, f.Text)
		}
		got <- c
	}()
	until(t, "it waits", func() bool { return m.Live.Queued.Load() == 1 })
	if _, f := p.Acquire(m, cfg, Want{Now: now()}); f.Kind != QueueFull {
		t.Errorf("one too many got %d %s", f.Kind, f.Text)
	}
	p.putBack(kept, limit)
	c := <-got
	if c != kept[0] {
		t.Error("it was not given the connection that came back")
	}
	if _, f := p.Acquire(m, cfg, Want{Now: now()}); f.Kind != QueueFull {
		t.Errorf("after the sweep one too many got %d %s", f.Kind, f.Text)
	}
	p.Release(c, cfg, true, now())
	if p.inUse.Load() != 0 || p.waiting.Load() != 0 || p.lent.Load() != 0 {
		t.Errorf("left behind: %d in use, %d waiting, %d lent", p.inUse.Load(), p.waiting.Load(), p.lent.Load())
	}
}

// pinged is a member that tells of each CPING and answers when it may.
func pinged(t *testing.T) (addr string, asked, answer chan struct{}) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, answer = make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for b := make([]byte, 64); ; {
			if _, err := c.Read(b); err != nil {
				return
			}
			asked <- struct{}{}
			<-answer
			_, _ = c.Write(ajp.AppendCPong(nil))
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return ln.Addr().String(), asked, answer
}

// The ping of an idle connection takes as long as the member likes.
func TestPingOfASweepRefusesNobody(t *testing.T) {
	addr, asked, answer := pinged(t)
	p, m, cfg := setup(t, addr, table.Conns{Max: 1, Keep: 1})
	m.Target.Scheme = table.AJP
	cfg.Ping.Interval = time.Nanosecond
	p.Release(get(t, p, m, cfg, Want{Now: now()}), cfg, true, now())

	var wg sync.WaitGroup
	wg.Go(func() { p.sweep(m, cfg, now()+1, nil) })
	<-asked
	wg.Go(func() {
		c, f := p.Acquire(m, cfg, Want{Now: now()})
		if !f.OK() {
			t.Errorf("during a ping: %d %s", f.Kind, f.Text)
			return
		}
		p.Release(c, cfg, true, now())
	})
	until(t, "it waits", func() bool { return m.Live.Queued.Load() == 1 })
	answer <- struct{}{}
	wg.Wait()
	if n := m.Live.Connects.Load(); n != 1 || p.inUse.Load() != 0 || p.lent.Load() != 0 {
		t.Errorf("%d connects, %d in use, %d lent", n, p.inUse.Load(), p.lent.Load())
	}
	p.retire()
}

// As many requests at a time as there may be connections are all served, while
// one sweep follows the other.
func TestNobodyIsRefusedAmongSweeps(t *testing.T) {
	const rounds = 400
	for _, limit := range []int{1, 4} {
		s := startDeaf(t)
		p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: limit, Keep: limit})
		var working, sweeping sync.WaitGroup
		var over atomic.Bool
		sweeping.Go(func() {
			for !over.Load() {
				p.sweep(m, cfg, now(), nil)
			}
		})
		for range limit {
			working.Go(func() {
				for i := range rounds {
					c, f := p.Acquire(m, cfg, Want{Now: now()})
					if !f.OK() {
						t.Errorf("max %d, round %d: %d %s", limit, i, f.Kind, f.Text)
						return
					}
					p.Release(c, cfg, true, now())
				}
			})
		}
		working.Wait()
		over.Store(true)
		sweeping.Wait()
		if p.inUse.Load() != 0 || p.waiting.Load() != 0 || p.lent.Load() != 0 || !p.queue.empty() {
			t.Errorf("max %d: left behind: %d in use, %d waiting, %d lent", limit, p.inUse.Load(), p.waiting.Load(), p.lent.Load())
		}
	}
}
