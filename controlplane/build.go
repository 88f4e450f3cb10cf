package controlplane

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/table"
)

// inputs is everything that is known, for a configuration.
// digest is that of the file it was read from.
func (c *Controller) inputs(cfg *config.Config, digest string) compile.Inputs {
	return compile.Inputs{
		Now: time.Now(), Config: cfg, Health: c.runner.Verdicts(),
		Overrides: c.overrides, Learned: c.learned, Digest: digest,
	}
}

// build makes a table of what is known now and publishes it when it says
// anything new. It cannot fail for a configuration that was built before,
// unless a learned route breaks an invariant; then the old table stays.
func (c *Controller) build() {
	c.built = time.Now()
	t, report, err := compile.Build(c.inputs(c.cfg, c.digest), c.table)
	if err != nil {
		if text := err.Error(); text != c.trouble {
			c.trouble = text
			c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: text})
		}
		return
	}
	c.trouble = ""
	c.take(t, report)
}

// take publishes a table, unless it says what the last one said, and tells
// what changed.
func (c *Controller) take(t *table.Table, report compile.Report) {
	old := c.report
	if compile.Fingerprint(t) == c.print {
		c.report = report
		c.show()
	} else {
		c.adopt(t, report)
		c.publish(t)
	}
	c.changes(old)
	c.notes(old)
	c.abandon()
}

// adopt makes a table the present one.
func (c *Controller) adopt(t *table.Table, report compile.Report) {
	c.table, c.report, c.print = t, report, compile.Fingerprint(t)
	c.built = time.Now()
	c.published = c.built
	c.show()
}

// publish hands a table to the data path.
func (c *Controller) publish(t *table.Table) {
	for _, p := range t.Pools {
		balance.Join(p, time.Now().UnixNano())
	}
	c.o.Publisher.Publish(t)
	// Every publish has a cause that is told at a higher level.
	c.log.Debug(string(admin.TablePublished), "version", t.Version, "config", t.Digest)
}

// kinds are the events of a member that came into a state.
var kinds = map[compile.State]admin.Kind{
	compile.Ready: admin.MemberReady, compile.Down: admin.MemberDown,
	compile.Drain: admin.MemberDrain, compile.Stop: admin.MemberStop,
	compile.Shaky: admin.MemberShaky, compile.Leaving: admin.MemberLeaving,
}

// changes tells how members differ between an old report and the present one.
func (c *Controller) changes(old compile.Report) {
	before := map[table.ID]*compile.MemberReport{}
	old.Each(func(m *compile.MemberReport) { before[m.ID] = m })
	c.report.Each(func(m *compile.MemberReport) {
		was := before[m.ID]
		delete(before, m.ID)
		if was == nil {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.MemberAdded, Pool: m.Pool, Member: m.Name, Text: m.URL})
			return
		}
		if m.Learned && m.Route != was.Route {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.RouteLearned, Pool: m.Pool, Member: m.Name, Text: m.Route})
		}
		kind, known := kinds[m.State]
		if m.State == was.State || !known {
			return
		}
		level := slog.LevelInfo
		if m.State == compile.Down || m.State == compile.Shaky {
			level = slog.LevelWarn
		}
		c.tell(level, admin.Event{Kind: kind, Pool: m.Pool, Member: m.Name, Text: m.Why},
			"from", string(was.State), "version", c.table.Version)
	})
	// In the order of the old report, so that two runs say the same.
	old.Each(func(m *compile.MemberReport) {
		if before[m.ID] != nil {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.MemberRemoved, Pool: m.Pool, Member: m.Name, Text: m.URL})
		}
	})
	for _, p := range c.report.Pools {
		was := slices.IndexFunc(old.Pools, func(o compile.PoolReport) bool { return o.Name == p.Name })
		if p.Usable == 0 && (was < 0 || old.Pools[was].Usable > 0) {
			c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Pool: p.Name,
				Text: fmt.Sprintf("no member of pool %s can serve", p.Name)})
		}
	}
}

// notes tells what an operator should act upon, once.
func (c *Controller) notes(old compile.Report) {
	for _, n := range c.report.Notes {
		if !slices.Contains(old.Notes, n) {
			c.tell(slog.LevelWarn, admin.Event{Kind: admin.Noted, Text: n})
		}
	}
}
