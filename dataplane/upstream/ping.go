package upstream

import (
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/wire"
)

var cping = ajp.AppendCPing(nil)

// ping sends a CPING on a connection that carries no request and waits for the
// CPONG, both within d. False: the connection cannot be used.
func (p *Pool) ping(c *Conn, d time.Duration) bool {
	p.live.Pings.Add(1)
	if p.pong(c, d) {
		c.pinged = time.Now().UnixNano()
		return true
	}
	p.live.PingsFailed.Add(1)
	return false
}

func (p *Pool) pong(c *Conn, d time.Duration) bool {
	if _, err := c.Write(cping, d); err != nil {
		return false
	}
	b := wire.Get(wire.Small)
	defer wire.Put(b)
	for {
		n, err := c.Read(b.Space(), d)
		b.W += n
		if payload, used, _, perr := ajp.Split(b.Bytes(), ajp.DefaultPacket); perr != nil {
			return false
		} else if used > 0 {
			return used == b.Len() && len(payload) == 1 && ajp.Type(payload[0]) == ajp.CPong
		}
		if err != nil {
			return false
		}
	}
}

// keep closes connections that idled for too long or that the member has
// closed, and pings those that are due. It runs until Close.
func (ps *Pools) keep() {
	defer close(ps.done)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var kept []*Conn
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

// sweep looks at every idle connection once. Each is taken out under a permit
// of its own, so that the bound on connections holds while it is away.
func (p *Pool) sweep(m *table.Member, cfg *table.Pool, now int64, kept []*Conn) []*Conn {
	limit := int64(cfg.Conns.Max)
	silent := false // one unanswered ping says enough about the member for this round
	for range p.live.Idle.Load() {
		if !p.permit(limit) {
			break
		}
		c := p.idle.pop()
		if c == nil {
			p.leave(limit)
			break
		}
		p.live.Idle.Add(-1)
		if !silent && p.due(c, m, cfg, now) && !p.ping(c, cfg.Timeouts.Cping) {
			silent = true
			p.drop(c)
			p.leave(limit)
			continue
		}
		if p.stale(c, cfg, now) {
			p.drop(c)
			p.leave(limit)
			continue
		}
		kept = append(kept, c)
	}
	// Back in the old order: the most recently used on top.
	for i := len(kept) - 1; i >= 0; i-- {
		p.live.Idle.Add(1)
		p.idle.push(kept[i])
		p.leave(limit)
	}
	if p.closed.Load() {
		p.closeIdle()
	}
	return kept
}

func (p *Pool) stale(c *Conn, cfg *table.Pool, now int64) bool {
	return cfg.Conns.KeepFor > 0 && now-c.usedAt > int64(cfg.Conns.KeepFor) || !c.Quiet()
}

func (p *Pool) due(c *Conn, m *table.Member, cfg *table.Pool, now int64) bool {
	every := int64(cfg.Ping.Interval)
	return every > 0 && m.Target.Scheme == table.AJP && now-c.usedAt >= every && now-c.pinged >= every && c.Quiet()
}
