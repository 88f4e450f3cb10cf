package upstream

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

// Conn is a connection to a member, borrowed by one request at a time.
type Conn struct {
	*wire.Conn
	In *wire.Buffer // bytes from the member; the borrower's while it has the connection

	Fresh bool // has not carried a request yet

	Queued, Dialled int64 // nanoseconds this Acquire waited for a permit and for the connection

	pool   *Pool
	usedAt int64 // unix nanoseconds when it became idle
	pinged int64 // unix nanoseconds of the last CPONG
	shard  int   // of Pool.idle
	slot   uint32
	next   atomic.Uint32

	wait atomic.Int64 // what is owed on it, see wait.go
	gave atomic.Int64 // unix nanoseconds of the last first byte, while wait holds something else
}

// Pool holds the connections to one member.
type Pool struct {
	wd   *wire.Watchdog
	live *meter.Member

	inUse  atomic.Int64
	open   atomic.Int64 // connections, also those being made
	idle   []stack      // 0: of goroutines; then one for each loop, by its Index
	closed atomic.Bool

	waiting atomic.Int64
	queue   queue
	lent    atomic.Int64  // permits that a sweep holds
	swept   atomic.Uint64 // how many it has given back so far

	why atomic.Pointer[string] // of the last Abandon

	lone atomic.Int64 // until when heads of answers are expected alone, see LoneHead; unix nanoseconds

	cut atomic.Int64 // when the member last closed a kept connection, see Pool.patience; unix nanoseconds
}

// Want says for whom a connection is acquired.
type Want struct {
	Session bool         // goes before requests without a session when the pool is full
	Now     int64        // unix nanoseconds
	Task    *evloop.Task // who will use the connection; nil for a goroutine
	Other   bool         // another member can serve it: waiting long for this one is not worth it
	Stay    bool         // wait on in the queue of a member that is given up: nobody else would do
}

func newPool(wd *wire.Watchdog, live *meter.Member, loops int) *Pool {
	return &Pool{wd: wd, live: live, idle: make([]stack, 1+loops)}
}

// shardOf is where the connections to m that t makes are kept: those that no loop
// can watch with those of goroutines.
func shardOf(t *evloop.Task, m *table.Target) int {
	if t == nil || m.Scheme == table.HTTPS {
		return 0
	}
	return 1 + t.Loop().Index
}

// settled gives the idle connection of a shard that was used last. The one before
// it is taken when that spares a system call: a loop that has not asked the kernel
// since a connection became idle does not know whether it is still silent.
func (p *Pool) settled(shard int) *Conn {
	c := p.idle[shard].pop()
	if c == nil || c.Settled() {
		return c
	}
	if d := p.idle[shard].pop(); d != nil {
		p.idle[shard].push(c)
		return d
	}
	return c
}

// pick gives an idle connection, or nil with the right to make a new one. The
// caller's own shard comes first, because a connection is cheapest on the loop
// that watches it; before the bound on connections is exceeded, one of another
// shard is taken.
func (p *Pool) pick(shard int, limit int64) *Conn {
	for {
		if c := p.settled(shard); c != nil {
			return c
		}
		// A reload that has lowered the bound leaves more permits than it
		// allows. Their holders get a connection each, as they were promised.
		if n := p.open.Load(); limit == 0 || n < max(limit, p.inUse.Load()) {
			if p.open.CompareAndSwap(n, n+1) {
				return nil
			}
			continue
		}
		if c := p.any(); c != nil {
			return c
		}
		// Whoever holds a permit has a connection or a claim to one: what is
		// missing here is just being given back.
		runtime.Gosched()
	}
}

// any gives an idle connection of any shard, or nil.
func (p *Pool) any() *Conn {
	for i := range p.idle {
		if c := p.idle[i].pop(); c != nil {
			return c
		}
	}
	return nil
}

// Acquire gives a connection to m: an idle one that is still open, or a new
// one; it waits in the queue when all are in use. The caller must Release it.
func (p *Pool) Acquire(m *table.Member, cfg *table.Pool, w Want) (*Conn, Fault) {
	var queued int64
	if !p.permit(int64(cfg.Conns.Max)) {
		since := time.Now()
		w.Task.Detach() // the queue blocks
		if f := p.wait(cfg, w); !f.OK() {
			return nil, f
		}
		queued = int64(time.Since(since))
	}
	limit := int64(cfg.Conns.Max)
	for {
		c := p.pick(shardOf(w.Task, &m.Target), limit)
		if c == nil {
			break
		}
		p.live.Idle.Add(-1)
		if !c.OnLoop() {
			w.Task.Detach() // it blocks
		}
		c.SetTask(w.Task)
		switch p.usable(c, m, cfg, w) {
		case sound:
			c.Queued, c.Dialled = queued, 0
			return c, Fault{}
		case unanswered: // to try the others one by one would take too long
			p.drop(c)
			p.closeIdle()
			p.leave(int64(cfg.Conns.Max))
			return nil, noPong(cfg.Timeouts.Cping)
		case dead:
			p.drop(c)
		}
	}
	since := time.Now()
	c, f := p.dial(&m.Target, cfg, w.Task, p.patience(cfg, w))
	if !f.OK() {
		p.live.ConnectFailures.Add(1)
		p.leave(int64(cfg.Conns.Max))
		return nil, f
	}
	c.Queued, c.Dialled = queued, int64(time.Since(since))
	return c, Fault{}
}

// usable decides whether an idle connection can carry this request. The kernel is
// asked every time: a connection may have been closed, and bytes that nobody
// asked for would become the answer to somebody else's request.
func (p *Pool) usable(c *Conn, m *table.Member, cfg *table.Pool, w Want) condition {
	idle := w.Now - c.usedAt
	if idle > int64(cfg.Conns.KeepFor) && cfg.Conns.KeepFor > 0 {
		return dead
	}
	if !c.Quiet() {
		p.cut.Store(w.Now)
		return dead
	}
	if m.Target.Scheme == table.AJP && cfg.Ping.Idle > 0 && idle >= int64(cfg.Ping.Idle) &&
		w.Now-c.pinged >= int64(cfg.Ping.Idle) {
		return p.ping(c, cfg.Timeouts.Cping)
	}
	return sound
}

// A Tomcat that is being stopped closes the connections it keeps and lets new ones
// into its accept queue, where nobody answers them. Therefore the CPONG of a new
// connection is not waited for as long as usual when kept ones were closed a moment
// ago and somebody else can serve the request.
const (
	hasty    = 300 * time.Millisecond
	hastyFor = 3 * time.Second
)

// patience is how long the CPONG of a new connection is waited for.
func (p *Pool) patience(cfg *table.Pool, w Want) time.Duration {
	if cut := p.cut.Load(); w.Other && cut != 0 && w.Now-cut < int64(hastyFor) {
		return min(cfg.Timeouts.Cping, hasty)
	}
	return cfg.Timeouts.Cping
}

// Release gives a connection back. clean means that both sides agree that the
// exchange is over and the next may begin; anything else closes it.
func (p *Pool) Release(c *Conn, cfg *table.Pool, clean bool, now int64) {
	empty := c.In == nil || c.In.Len() == 0 // bytes nobody asked for spoil the connection
	wire.Put(c.In)
	c.In = nil
	if clean && empty && !p.closed.Load() && p.live.Idle.Load() < int64(cfg.Conns.Keep) {
		c.usedAt, c.Fresh = now, false
		c.Rest()
		p.live.Idle.Add(1)
		p.idle[c.shard].push(c)
		if p.closed.Load() {
			p.closeIdle()
		}
	} else {
		p.drop(c)
	}
	p.leave(int64(cfg.Conns.Max))
}

// Abort gives back a connection whose exchange was broken off: the member sees
// a reset instead of an orderly end.
func (p *Pool) Abort(c *Conn, cfg *table.Pool) {
	wire.Put(c.In)
	c.In = nil
	c.Conn.Abort()
	p.forget(c)
	p.leave(int64(cfg.Conns.Max))
}

func (p *Pool) drop(c *Conn) {
	c.Close()
	p.forget(c)
}

func (p *Pool) forget(c *Conn) {
	p.live.Open.Add(-1)
	p.idle[c.shard].vacate(c)
	p.open.Add(-1)
}

// closeIdle closes every idle connection.
func (p *Pool) closeIdle() {
	for c := p.any(); c != nil; c = p.any() {
		p.live.Idle.Add(-1)
		p.drop(c)
	}
}

// retire ends the pool: idle connections now, the others when they come back.
func (p *Pool) retire() {
	p.closed.Store(true)
	p.closeIdle()
}

// permit takes one of max connections; max 0 is unbounded. Nobody overtakes
// those who wait already.
func (p *Pool) permit(limit int64) bool {
	if p.waiting.Load() > 0 {
		return false
	}
	return p.take(limit)
}

// take counts a permit, unless the bound is reached. It never counts one too
// many, not even for a moment: somebody who looks at that moment would conclude
// that there is none for him, and nobody would tell him otherwise.
func (p *Pool) take(limit int64) bool {
	for {
		n := p.inUse.Load()
		if limit != 0 && n >= limit {
			return false
		}
		if p.inUse.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave gives a permit back, or hands it to whoever waits.
func (p *Pool) leave(limit int64) {
	if p.waiting.Load() > 0 && p.handOver(limit) {
		return
	}
	p.inUse.Add(-1)
	if p.waiting.Load() > 0 {
		p.wake(limit)
	}
}

// Pools are all members' pools.
type Pools struct {
	wd    *wire.Watchdog
	loops int
	mu    sync.Mutex // guards byID
	byID  map[table.ID]*entry
	stop  chan struct{}
	done  chan struct{}
}

type entry struct {
	pool *Pool
	mem  *table.Member
	cfg  *table.Pool
}

// NewPools starts the keeper of idle connections; Close ends it. loops is how many
// loops there are whose tasks acquire connections.
func NewPools(wd *wire.Watchdog, loops int) *Pools {
	ps := &Pools{wd: wd, loops: loops, byID: make(map[table.ID]*entry), stop: make(chan struct{}), done: make(chan struct{})}
	go ps.keep()
	return ps
}

// Apply returns the pools of t's members by Member.Ord, making those that are
// new and retiring those that no member needs any longer.
func (ps *Pools) Apply(t *table.Table) []*Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]*Pool, t.Members)
	next := make(map[table.ID]*entry, t.Members)
	for _, cfg := range t.Pools {
		for i := range cfg.Members {
			m := &cfg.Members[i]
			e := ps.byID[m.ID]
			if e == nil {
				e = &entry{pool: newPool(ps.wd, m.Live, ps.loops)}
			}
			next[m.ID] = &entry{pool: e.pool, mem: m, cfg: cfg}
			out[m.Ord] = e.pool
			if e.pool.waiting.Load() > 0 {
				e.pool.wake(int64(cfg.Conns.Max)) // the bound may have been raised
			}
		}
	}
	for id, e := range ps.byID {
		if next[id] == nil {
			e.pool.retire()
		}
	}
	ps.byID = next
	return out
}

// Close ends the keeper and every pool.
func (ps *Pools) Close() {
	close(ps.stop)
	<-ps.done
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, e := range ps.byID {
		e.pool.retire()
	}
	ps.byID = map[table.ID]*entry{}
}
