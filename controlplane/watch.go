package controlplane

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Debts is what the data path knows of answers that members owe, and how it is
// told to wait no longer; see dataplane.Engine.
type Debts interface {
	Owes(table.ID) (o meter.Owed, ok bool)
	Abandon(id table.ID, why string) int
}

// glance is how often members are looked at for faults and owed answers.
const glance = 100 * time.Millisecond

// habit is after which silence a member that owes answers is pinged. A pong
// excuses it, so slow pages cost one ping. Without one, half a second later, what
// waits is repeated elsewhere, so that a page of a third of a second is there before two
// are over, wherever the freeze has met it; without a second pong the member is down,
// after more than two.
const habit = 700 * time.Millisecond

// lively is how long the begin of an answer excuses late probes.
const lively = time.Second

// watch is the part of the tick that cannot wait for a second.
func (c *Controller) watch(now time.Time) {
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			at := c.pulses[m.ID]
			if at == nil {
				continue
			}
			c.trip(p.Name, m, at, now)
			c.suspect(m, at)
			c.debts(m, at, now)
		}
	}
	c.abandon(now)
	c.bury()
}

// bury closes what members that are down have ended of their idle connections. The
// kernel's word comes with the first of them, and the others may follow.
func (c *Controller) bury() {
	live := c.view.Load().live
	c.report.Each(func(m *compile.MemberReport) {
		if m.State == compile.Down {
			c.dropEnded(m.ID, live[m.ID])
		}
	})
}

// dropEnded closes the idle connections that a member has ended, if it has any.
func (c *Controller) dropEnded(id table.ID, live *meter.Member) {
	if c.o.Idle != nil && live != nil && live.Idle.Load() > 0 {
		c.o.Idle.DropEnded(id)
	}
}

// attend has members looked at often while they have requests, and else as seldom
// as a tick is: an idle process costs nothing.
func (c *Controller) attend(requests bool) {
	if requests == c.busy {
		return
	}
	c.busy = requests
	if requests {
		c.glances.Reset(glance)
	} else {
		c.glances.Reset(tick)
	}
}

// debts has a member asked that owes answers and says nothing, and tells when
// it has begun to answer again.
func (c *Controller) debts(m *table.Member, at *pulse, now time.Time) {
	if c.o.Debts == nil || m.Live.InFlight.Load() == 0 && !at.owes {
		return
	}
	o, ok := c.o.Debts.Owes(m.ID)
	if !ok {
		return
	}
	since := o.Silent()
	switch owes := since != 0 && now.UnixNano()-since >= int64(habit); {
	case owes:
		at.owes = true
		c.runner.Tell(m.ID, health.Event{Kind: health.Owes, At: now, Since: time.Unix(0, since), Owed: o.Waiting})
	case at.owes && o.LastByte > at.lastByte:
		at.owes = false
		c.runner.Tell(m.ID, health.Event{Kind: health.Answered, At: now})
	case since == 0:
		at.owes = false
	}
	at.lastByte = o.LastByte
}

// abandon takes requests away from members for which they wait in vain: those
// that are frozen, and those that are down because nobody answers there. It is
// repeated as long as that is so: a request may have chosen one a moment ago. A
// member that is used all the same, because nobody better is left, keeps what it has,
// and so does one that answers.
func (c *Controller) abandon(now time.Time) {
	if c.o.Debts == nil {
		return
	}
	c.report.Each(func(m *compile.MemberReport) {
		why := m.Health.Hopeless()
		if c.pulses[m.ID] == nil || why == "" || m.Resort || c.answers(m, now) {
			return
		}
		if n := c.o.Debts.Abandon(m.ID, why); n > 0 {
			c.tell(slog.LevelWarn, admin.Event{Kind: admin.RequestsMoved, Pool: m.Pool, Member: m.Name,
				Text: fmt.Sprintf("%s repeated elsewhere: %s", count(n, "request"), why)})
		}
	})
}

// answers reports whether a member whose probes are late has begun an answer within
// the last second. Its threads or its maxConnections are taken: new connections wait,
// and what it has is answered. A closed door is another thing: behind it nobody goes on.
func (c *Controller) answers(m *compile.MemberReport, now time.Time) bool {
	if m.Health.Fail != health.Late {
		return false
	}
	o, ok := c.o.Debts.Owes(m.ID)
	return ok && o.LastByte != 0 && now.UnixNano()-o.LastByte < int64(lively)
}
