package controlplane

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/dataplane/table"
)

// Idle is what the data path knows of connections that nobody uses; see
// dataplane.Engine.
type Idle interface {
	DropEnded(table.ID) int
}

// shunFor bounds how long a member gets nothing because of the kernel's word, should
// the probe that settles it not come back.
const shunFor = time.Second

// signs says for health what an alarm is about.
var signs = map[kernel.Cause]health.Sign{
	kernel.Ends: health.Ended, kernel.Refusal: health.NotHeeded, kernel.Unanswered: health.Unanswered,
}

// attach begins to watch the members' connections. It is an error only where the
// file requires that.
func (c *Controller) attach() error {
	if c.feed == nil {
		return nil
	}
	c.overlook()
	if mode, _ := kernel.ModeOf(c.file.Kernel.Events, c.o.Getenv); mode != kernel.Require {
		return nil // it takes a moment, and nobody waits for it
	}
	if err := c.feed.Attached(); err != nil {
		s := c.feed.Status()
		return fmt.Errorf("kernel.events is require, and they cannot be had: %s: %s", s.Missing, s.Cure)
	}
	return nil
}

// overlook has the connections of exactly the present members watched.
func (c *Controller) overlook() {
	if c.feed == nil {
		return
	}
	_, never := kernel.ModeOf(c.file.Kernel.Events, c.o.Getenv)
	members := make([]kernel.Member, 0, c.table.Members)
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			members = append(members, kernel.Member{ID: m.ID, Addr: m.Target.Addr, Open: &m.Live.Open})
		}
	}
	c.feed.Set(members, never)
}

// alarms is where alarms come from; nil for ever when there are none.
func (c *Controller) alarms() <-chan kernel.Alarm {
	if c.feed == nil {
		return nil
	}
	return c.feed.Alarms()
}

// heed has the members that an alarm is about asked at once, and avoided until they
// answer where it is as good as certain that they are gone. What their connections
// were is dropped.
func (c *Controller) heed(a kernel.Alarm, now time.Time) {
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			for _, id := range a.IDs {
				if m.ID == id {
					c.alert(p.Name, m, &a, now)
				}
			}
		}
	}
}

func (c *Controller) alert(pool string, m *table.Member, a *kernel.Alarm, now time.Time) {
	at := c.pulses[m.ID]
	if at == nil {
		at = &pulse{}
		c.pulses[m.ID] = at
	}
	why := "kernel: " + a.Text
	e := health.Event{Kind: health.Kernel, At: a.Time, Why: why, Sign: signs[a.Cause], Count: a.Count}
	if m.Take == table.Nothing {
		// Mostly refused connects of its own probes, and of others, while it is down.
		c.runner.Tell(m.ID, e)
		return
	}
	c.alarm = now
	c.log.Debug("kernel", "pool", pool, "member", m.Name, "reason", a.Text, "began", a.Began, "late", now.Sub(a.Time))
	shunned := a.Avoid && c.shun(m, at, now)
	c.runner.Tell(m.ID, e)
	if shunned && now.Sub(at.shunned) >= sameStory {
		at.shunned = now
		c.tell(slog.LevelWarn, admin.Event{Kind: admin.MemberAvoided, Pool: pool, Member: m.Name, Text: why + ", until it answers"})
	}
	if a.Cause != kernel.Unanswered {
		c.dropEnded(m.ID, m.Live)
	}
}

// shun has the data path avoid a member until it answers. One that is avoided
// already stays so for its own reason.
func (c *Controller) shun(m *table.Member, at *pulse, now time.Time) bool {
	if m.Live.Tripped(now.UnixNano()) {
		return false
	}
	until := now.Add(shunFor)
	at.avoided = until.UnixNano()
	m.Live.Trip(at.avoided)
	c.runner.Trip(m.ID, health.Trip{At: now, Until: until, Ends: health.ByPing, Kernel: true})
	return true
}
