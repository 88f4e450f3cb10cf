package upstream

import (
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

func TestReuseTakesTheLastUsed(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9, KeepFor: time.Minute})
	a := get(t, p, m, cfg, Want{Now: now()})
	b := get(t, p, m, cfg, Want{Now: now()})
	if !a.Fresh || !b.Fresh {
		t.Error("new connections are not fresh")
	}
	p.Release(a, cfg, true, now())
	p.Release(b, cfg, true, now())
	if c := get(t, p, m, cfg, Want{Now: now()}); c != b || c.Fresh {
		t.Error("not the one that was used last, or it counts as fresh")
	}
	if n := m.Live.Connects.Load(); n != 2 {
		t.Errorf("%d connects", n)
	}
}

func TestClosedConnectionsAreNotGivenOut(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9})
	var held []*Conn
	for range 5 {
		held = append(held, get(t, p, m, cfg, Want{Now: now()}))
	}
	for _, c := range held {
		p.Release(c, cfg, true, now())
	}
	until(t, "all are accepted", func() bool { return s.kept() == len(held) })
	s.hangUp()
	for _, c := range held {
		until(t, "the end arrives", func() bool { return !c.Quiet() })
	}
	c := get(t, p, m, cfg, Want{Now: now()})
	if !c.Fresh {
		t.Error("a closed connection was given out")
	}
	if m.Live.Open.Load() != 1 || m.Live.Idle.Load() != 0 {
		t.Errorf("%d open, %d idle", m.Live.Open.Load(), m.Live.Idle.Load())
	}
}

func TestKeepBoundsWhatIdles(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 2, KeepFor: time.Second})
	var held []*Conn
	for range 5 {
		held = append(held, get(t, p, m, cfg, Want{Now: now()}))
	}
	old := now() - int64(2*time.Second)
	for _, c := range held {
		p.Release(c, cfg, true, old)
	}
	if m.Live.Idle.Load() != 2 || m.Live.Open.Load() != 2 {
		t.Errorf("%d idle, %d open", m.Live.Idle.Load(), m.Live.Open.Load())
	}
	p.sweep(m, cfg, now(), nil)
	if m.Live.Idle.Load() != 0 || m.Live.Open.Load() != 0 || p.inUse.Load() != 0 {
		t.Errorf("after their time: %d idle, %d open, %d in use", m.Live.Idle.Load(), m.Live.Open.Load(), p.inUse.Load())
	}
}

func TestUncleanAndLeftoverBytesEndAConnection(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9})
	c := get(t, p, m, cfg, Want{Now: now()})
	p.Release(c, cfg, false, now())
	c = get(t, p, m, cfg, Want{Now: now()})
	c.In = wire.Get(wire.Small)
	c.In.W = copy(c.In.B, "something nobody asked for")
	p.Release(c, cfg, true, now())
	c = get(t, p, m, cfg, Want{Now: now()})
	p.Abort(c, cfg)
	if m.Live.Open.Load() != 0 || m.Live.Connects.Load() != 3 || p.inUse.Load() != 0 {
		t.Errorf("%d open after %d connects", m.Live.Open.Load(), m.Live.Connects.Load())
	}
	until(t, "the member sees them end", func() bool { return s.open.Load() == 0 })
}

func TestSweepKeepsTheOrder(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9, KeepFor: time.Minute})
	var held []*Conn
	for range 4 {
		held = append(held, get(t, p, m, cfg, Want{Now: now()}))
	}
	for _, c := range held {
		p.Release(c, cfg, true, now())
	}
	p.sweep(m, cfg, now(), nil)
	for i := 3; i >= 0; i-- {
		if get(t, p, m, cfg, Want{Now: now()}) != held[i] {
			t.Fatalf("place %d has another connection", i)
		}
	}
}

func TestRetiredPoolKeepsNothing(t *testing.T) {
	s := startDeaf(t)
	p, m, cfg := setup(t, s.ln.Addr().String(), table.Conns{Max: 9, Keep: 9})
	used := get(t, p, m, cfg, Want{Now: now()})
	p.Release(get(t, p, m, cfg, Want{Now: now()}), cfg, true, now())
	p.retire()
	if m.Live.Open.Load() != 1 || m.Live.Idle.Load() != 0 {
		t.Errorf("%d open, %d idle", m.Live.Open.Load(), m.Live.Idle.Load())
	}
	p.Release(used, cfg, true, now())
	if m.Live.Open.Load() != 0 {
		t.Error("a connection outlived its pool")
	}
}

func TestPingOnConnectAndBeforeReuse(t *testing.T) {
	srv := ajptest.New(t, ajptest.Tomcat{}.Serve)
	p, m, cfg := setup(t, srv.Addr(), table.Conns{Max: 9, Keep: 9})
	m.Target.Scheme = table.AJP
	cfg.Ping = table.Ping{Connect: true, Idle: 10 * time.Second, Interval: time.Minute}
	c := get(t, p, m, cfg, Want{Now: now()})
	if srv.Pings() != 1 {
		t.Errorf("%d pings on connect", srv.Pings())
	}
	p.Release(c, cfg, true, now())
	c = get(t, p, m, cfg, Want{Now: now()})
	if srv.Pings() != 1 {
		t.Errorf("%d pings after a short rest", srv.Pings())
	}
	p.Release(c, cfg, true, now())
	later := now() + int64(11*time.Second)
	if get(t, p, m, cfg, Want{Now: later}) != c || srv.Pings() != 2 {
		t.Errorf("%d pings after a long rest", srv.Pings())
	}
	p.Release(c, cfg, true, later)
	p.sweep(m, cfg, later+int64(2*time.Minute), nil)
	if srv.Pings() != 3 || m.Live.Idle.Load() != 1 {
		t.Errorf("%d pings after the interval, %d idle", srv.Pings(), m.Live.Idle.Load())
	}
	if m.Live.Pings.Load() != 3 || m.Live.PingsFailed.Load() != 0 {
		t.Errorf("counted %d pings, %d failed", m.Live.Pings.Load(), m.Live.PingsFailed.Load())
	}
}

// A member whose kernel accepts but whose threads do not answer fails the ping;
// one silent connection is enough to know, and none of the others is tried.
func TestUnansweredPing(t *testing.T) {
	srv := ajptest.New(t, func(c *ajptest.Conn) {
		if p, err := c.ReadPacket(); err == nil && ajp.ParseCPing(p) == nil {
			_ = c.Send(ajp.AppendCPong(nil))
		}
		c.AwaitClose()
	})
	p, m, cfg := setup(t, srv.Addr(), table.Conns{Max: 9, Keep: 9})
	m.Target.Scheme = table.AJP
	cfg.Ping = table.Ping{Connect: true, Interval: time.Minute}
	cfg.Timeouts.Cping = 50 * time.Millisecond
	a, b := get(t, p, m, cfg, Want{Now: now()}), get(t, p, m, cfg, Want{Now: now()})
	p.Release(a, cfg, true, now())
	p.Release(b, cfg, true, now())
	p.sweep(m, cfg, now()+int64(2*time.Minute), nil)
	if m.Live.PingsFailed.Load() != 1 || m.Live.Idle.Load() != 0 {
		t.Errorf("%d pings failed, %d idle", m.Live.PingsFailed.Load(), m.Live.Idle.Load())
	}
	srv.Handle(func(c *ajptest.Conn) { c.AwaitClose() })
	p.open.Add(1)
	_, f := p.dial(&m.Target, cfg, nil, cfg.Timeouts.Cping)
	if f.Kind != Dial || m.Live.Open.Load() != 0 {
		t.Errorf("dial: %d %s, %d open", f.Kind, f.Text, m.Live.Open.Load())
	}

	// The same when it is a request that finds out.
	cfg.Ping = table.Ping{Idle: time.Second}
	var conns []*Conn
	for range 4 {
		conns = append(conns, get(t, p, m, cfg, Want{Now: now()}))
	}
	for _, c := range conns {
		p.Release(c, cfg, true, now())
	}
	failed := m.Live.PingsFailed.Load()
	if _, f := p.Acquire(m, cfg, Want{Now: now() + int64(time.Minute)}); f.Kind != Dial {
		t.Errorf("acquire: %d %s", f.Kind, f.Text)
	}
	if got := m.Live.PingsFailed.Load() - failed; got != 1 || m.Live.Open.Load() != 0 || p.inUse.Load() != 0 {
		t.Errorf("%d pings failed, %d open, %d in use", got, m.Live.Open.Load(), p.inUse.Load())
	}
}

func TestPoolsOutliveTables(t *testing.T) {
	s := startDeaf(t)
	wd := wire.NewWatchdog()
	ps := NewPools(wd, 0)
	defer wd.Stop()
	defer ps.Close()
	build := func(names ...string) *table.Table {
		pool := &table.Pool{Name: "app", Conns: table.Conns{Max: 4, Keep: 4}, Timeouts: table.Timeouts{Connect: time.Second}}
		for _, n := range names {
			pool.Members = append(pool.Members, table.Member{ID: table.ID(n), Name: n, Weight: 1,
				Target: table.Target{Scheme: table.HTTP, Addr: s.ln.Addr().String()}})
		}
		tab := &table.Table{Pools: []*table.Pool{pool}}
		if err := tab.Seal(); err != nil {
			t.Fatal(err)
		}
		return tab
	}
	one := build("a", "b")
	first := ps.Apply(one)
	cfg := one.Pools[0]
	a, b := &cfg.Members[0], &cfg.Members[1]
	first[0].Release(get(t, first[0], a, cfg, Want{Now: now()}), cfg, true, now())
	busy := get(t, first[1], b, cfg, Want{Now: now()})
	first[1].Release(get(t, first[1], b, cfg, Want{Now: now()}), cfg, true, now())
	second := ps.Apply(build("c", "a"))
	if second[1] != first[0] || second[0] == first[1] {
		t.Error("the pool of the member that stays is another one, or a new member got an old pool")
	}
	if a.Live.Idle.Load() != 1 || b.Live.Idle.Load() != 0 || b.Live.Open.Load() != 1 {
		t.Errorf("kept %d idle; of the member that went %d idle, %d open", a.Live.Idle.Load(), b.Live.Idle.Load(), b.Live.Open.Load())
	}
	first[1].Release(busy, cfg, true, now())
	if b.Live.Open.Load() != 0 {
		t.Error("a connection of the member that went is still open")
	}
}
