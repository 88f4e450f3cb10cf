package controlplane

import (
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
		Overrides: c.overrides, Learned: c.learned, Digest: digest, Moved: c.moved,
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
	c.trouble, c.moved = "", nil
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
	c.doubts(&old)
	c.changes(old)
	c.turned(&old)
	c.notes(old)
	c.abandon(time.Now())
}

// adopt makes a table the present one.
func (c *Controller) adopt(t *table.Table, report compile.Report) {
	c.table, c.report, c.print = t, report, compile.Fingerprint(t)
	c.built = time.Now()
	c.published = c.built
	c.show()
	c.overlook()
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

// notes tells what an operator should act upon, once.
func (c *Controller) notes(old compile.Report) {
	for _, n := range c.report.Notes {
		if !slices.Contains(old.Notes, n) {
			c.tell(slog.LevelWarn, admin.Event{Kind: admin.Noted, Text: n})
		}
	}
}
