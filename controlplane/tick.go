package controlplane

import (
	"log/slog"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// tick reads what the data path has found out since the last one: routes in
// session cookies, members it avoids, and how busy it was. It also ends
// overrides whose time is up, and looks at what beacons say of load.
func (c *Controller) tick(now time.Time) {
	build, requests := c.expire(now), false
	build = c.loaded(now) || build
	build = c.routes() || build
	c.persist()
	seen := make(map[table.ID]bool, len(c.pulses))
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			seen[m.ID] = true
			at := c.pulses[m.ID]
			if at == nil {
				at = &pulse{}
				c.pulses[m.ID] = at
			}
			m.Live.Follow(m.Take == table.OnlySessions)
			requests = at.read(m.Live, now) || requests
			c.remark(p.Name, m, at)
		}
	}
	for id := range c.pulses {
		if !seen[id] {
			delete(c.pulses, id)
		}
	}
	c.attend(requests)
	c.inform(now)
	c.find(now)
	for id := range c.hear.told {
		if !seen[id] {
			delete(c.hear.told, id)
		}
	}
	for id := range c.hear.loads { // a beacon may speak for a member that no heartbeat does
		if !seen[id] {
			delete(c.hear.loads, id)
		}
	}
	if build {
		c.build()
	} else {
		c.show()
	}
}

// trip has a member probed at once that the data path has begun to avoid.
func (c *Controller) trip(pool string, m *table.Member, at *pulse, now time.Time) {
	until := m.Live.NotBefore.Load()
	if until <= now.UnixNano() {
		at.avoided = 0 // over, or a probe has ended it
		return
	}
	if until == at.avoided {
		return
	}
	first := at.avoided == 0
	at.avoided = until
	t := health.Trip{At: now, Until: time.Unix(0, until)}
	text := "faults in a row"
	if f := m.Live.LastFault.Load(); f != nil {
		text = f.Text
		t.Ends = proof(f.Kind)
	}
	c.runner.Trip(m.ID, t)
	// A trip that is only prolonged is the same event.
	if first {
		c.tell(slog.LevelWarn, admin.Event{Kind: admin.MemberAvoided, Pool: pool, Member: m.Name, Text: text},
			"until", t.Until.Format(time.TimeOnly))
	}
}

// remark passes on what the data path has to say about a member's settings.
func (c *Controller) remark(pool string, m *table.Member, at *pulse) {
	r := m.Live.LastRemark.Load()
	if r == nil || r.At == at.remark {
		return
	}
	at.remark = r.At
	c.tell(slog.LevelWarn, admin.Event{Kind: admin.MemberRemark, Pool: pool, Member: m.Name, Text: r.Text})
}

// suspect has a member probed at once whose connections break or are refused, or
// whose connector is paused, which is how a Tomcat begins to stop: the next
// regular probe may be seconds away, and so would be the truth.
func (c *Controller) suspect(m *table.Member, at *pulse) {
	f := m.Live.LastFault.Load()
	if f == nil || f.At == at.fault {
		return
	}
	at.fault = f.At
	switch f.Kind {
	case meter.FaultDial, meter.FaultBroken, meter.FaultTimeoutConnect, meter.FaultPaused:
		c.runner.Tell(m.ID, health.Event{Kind: health.Fault, At: time.Now(), Why: f.Text})
	}
}

// proof is what ends a trip early, by the kind of its newest fault.
func proof(k meter.FaultKind) health.Proof {
	switch k {
	case meter.FaultDial, meter.FaultTimeoutConnect, meter.FaultPaused, meter.FaultFrozen:
		return health.ByPing // on a new connection: somebody takes it and answers
	case meter.FaultStale, meter.FaultBroken, meter.FaultProtocol:
		return health.ByRequest
	default:
		return health.ByTime
	}
}

// expire ends overrides and reports whether there were any to end.
func (c *Controller) expire(now time.Time) bool {
	at := overrides.NextExpiry(c.overrides)
	if at.IsZero() || at.After(now) {
		return false
	}
	kept, gone := overrides.Expire(c.overrides, now)
	c.overrides = kept
	for _, o := range gone {
		c.tell(slog.LevelInfo, admin.Event{Kind: admin.OverrideEnded, Pool: o.Pool, Member: o.Member, Owner: o.Owner, Text: o.String()})
	}
	if err := c.save(); err != nil {
		c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: err.Error()})
	}
	return true
}

// loaded reports whether beacons, or their age, give a member another share
// than the present table does. Nothing else wakes the builder for them.
func (c *Controller) loaded(now time.Time) (news bool) {
	verdicts := c.runner.Verdicts()
	for i := range c.report.Pools {
		p := &c.report.Pools[i]
		if p.Balance != config.LeastBusy {
			continue
		}
		for k := range p.Members {
			v := verdicts[p.Members[k].ID]
			news = news || compile.Free(&v, now) != p.Members[k].Free
		}
	}
	return news
}

// save keeps the overrides for the next process.
func (c *Controller) save() error {
	if c.o.OverridesPath == "" || c.frozen {
		return nil // frozen: another process writes the file
	}
	return overrides.Save(c.o.OverridesPath, c.overrides)
}
