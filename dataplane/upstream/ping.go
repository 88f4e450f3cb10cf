package upstream

import (
	"errors"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

var cping = ajp.AppendCPing(nil)

// condition is what a look at a connection has found.
type condition uint8

const (
	sound      condition = iota
	dead                 // this connection is of no use
	unanswered           // the member does not answer, on this connection or another
)

// ping sends a CPING on a connection that carries no request and waits for the
// CPONG, both within d.
func (p *Pool) ping(c *Conn, d time.Duration) condition {
	p.live.Pings.Add(1)
	found := pong(c, d)
	if found == sound {
		c.pinged = time.Now().UnixNano()
	} else {
		p.live.PingsFailed.Add(1)
	}
	return found
}

func pong(c *Conn, d time.Duration) condition {
	if _, err := c.Write(cping, d); err != nil {
		return dead
	}
	b := wire.Get(wire.Small)
	defer wire.Put(b)
	for {
		n, err := c.Read(b.Space(), d)
		b.W += n
		if payload, used, _, perr := ajp.Split(b.Bytes(), ajp.DefaultPacket); perr != nil {
			return dead
		} else if used > 0 {
			if used == b.Len() && ajp.ParseCPong(payload) == nil {
				return sound
			}
			return dead
		}
		switch {
		case errors.Is(err, wire.ErrTimeout):
			return unanswered
		case err != nil:
			return dead
		}
	}
}

// keep closes connections that idled for too long or that the member has
// closed, and pings those that are due. It runs until Close.
func (ps *Pools) keep() {
	defer close(ps.done)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var kept []*Conn // room that is used again
	for {
		select {
		case <-ps.stop:
			return
		case <-t.C:
		}
		for _, e := range ps.entries() {
			kept = e.pool.sweep(e.mem, e.cfg, time.Now().UnixNano(), kept[:0])
		}
	}
}

func (ps *Pools) entries() []*entry {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]*entry, 0, len(ps.byID))
	for _, e := range ps.byID {
		out = append(out, e)
	}
	return out
}

// sweep looks at every idle connection once, and pings one in each shard of those
// that are due.
func (p *Pool) sweep(m *table.Member, cfg *table.Pool, now int64, kept []*Conn) []*Conn {
	for i := range p.idle {
		kept = p.sweepShard(&p.idle[i], m, cfg, now, kept[:0])
	}
	if p.closed.Load() {
		p.closeIdle()
	}
	return kept
}

func (p *Pool) sweepShard(idle *stack, m *table.Member, cfg *table.Pool, now int64, kept []*Conn) []*Conn {
	limit := int64(cfg.Conns.Max)
	kept, _ = p.look(idle, cfg, now, limit, kept)
	// The oldest is at the end. It stays away while it is pinged, the others
	// are at hand again.
	var due *Conn
	if n := len(kept) - 1; n >= 0 && p.due(kept[n], m, cfg, now) {
		due, kept = kept[n], kept[:n]
	}
	p.putBack(kept, limit)
	if due != nil {
		switch p.ping(due, cfg.Timeouts.Cping) {
		case sound:
			p.putBack([]*Conn{due}, limit)
		case unanswered:
			p.closeIdle() // none of the others would be answered either
			fallthrough
		case dead:
			p.drop(due)
			p.unborrow(limit)
		}
	}
	return kept
}

// borrow is permit for a sweep. Requests that find none because of it wait until it
// is given back by unborrow, see enqueue.
func (p *Pool) borrow(limit int64) bool {
	p.queue.mu.Lock() // who looks at lent there sees the permit taken
	defer p.queue.mu.Unlock()
	if !p.permit(limit) {
		return false
	}
	p.lent.Add(1)
	return true
}

func (p *Pool) unborrow(limit int64) {
	p.leave(limit)
	p.swept.Add(1)
	p.lent.Add(-1)
}

// look takes the idle connections of a shard out, each under a permit so that the bound on
// connections holds, and drops those that are of no use; it counts those that the
// member has ended. It stops when somebody waits for a permit.
func (p *Pool) look(idle *stack, cfg *table.Pool, now, limit int64, kept []*Conn) (well []*Conn, ended int) {
	for range p.live.Idle.Load() {
		if !p.borrow(limit) {
			break
		}
		c := idle.pop()
		if c == nil {
			p.unborrow(limit)
			break
		}
		p.live.Idle.Add(-1)
		old := cfg.Conns.KeepFor > 0 && now-c.usedAt > int64(cfg.Conns.KeepFor)
		if old || !c.Quiet() {
			if !old {
				p.cut.Store(now)
				ended++
			}
			p.drop(c)
			p.unborrow(limit)
			continue
		}
		kept = append(kept, c)
	}
	return kept, ended
}

// putBack makes connections idle again, the first on top, and gives their
// permits back.
func (p *Pool) putBack(conns []*Conn, limit int64) {
	for i := len(conns) - 1; i >= 0; i-- {
		p.live.Idle.Add(1)
		conns[i].Rest()
		p.idle[conns[i].shard].push(conns[i])
		p.unborrow(limit)
	}
}

func (p *Pool) due(c *Conn, m *table.Member, cfg *table.Pool, now int64) bool {
	every := int64(cfg.Ping.Interval)
	return every > 0 && m.Target.Scheme == table.AJP && now-c.usedAt >= every && now-c.pinged >= every
}
