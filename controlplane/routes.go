package controlplane

import (
	"log/slog"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/dataplane/table"
)

// remember reads the routes that an earlier process has learned. A file that
// cannot be read costs nothing but the hints in it.
func (c *Controller) remember() {
	if c.o.OverridesPath == "" {
		return
	}
	r, err := learned.Load(learned.Beside(c.o.OverridesPath))
	if err != nil {
		c.tell(slog.LevelWarn, admin.Event{Kind: admin.Trouble, Text: err.Error() + "; they are learned again"})
		return
	}
	c.learned = r
}

// hint tells the data path's counters of members what was known of their routes
// before. Counters that know better keep to it.
func (c *Controller) hint() {
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			if r, ok := c.learned[m.ID]; ok && m.Live.Route() == nil {
				m.Live.Hint(r.Name, unixNano(r.At))
			}
		}
	}
}

// routes takes in what members have shown since the last tick, and reports whether
// there was anything. What is worth keeping for the next process is noted in unsaved.
func (c *Controller) routes() (news bool) {
	c.hint()
	keep := false
	here := map[table.ID]bool{}
	for _, p := range c.table.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			here[m.ID] = true
			r := m.Live.Route()
			if r == nil {
				continue
			}
			was, is := c.learned[m.ID], learned.Route{Name: r.Name, At: nanoTime(r.At), Hint: r.Hint}
			if was == is {
				continue
			}
			news = true
			keep = keep || was.Name != is.Name || was.At != is.At
			c.learned[m.ID] = is
		}
	}
	if !keep {
		return news
	}
	c.learned.Prune(func(id table.ID) bool { return here[id] })
	c.unsaved = true
	return news
}

// persist begins to write the learned routes when they have changed since they were
// written last, or could not be. It is off the loop, because a disk may take its time;
// the next one begins when the last one has ended, so that the newest stays.
func (c *Controller) persist() {
	if c.saving != nil {
		select {
		case err := <-c.saving:
			c.kept(err)
		default:
			return
		}
	}
	if !c.unsaved || c.o.OverridesPath == "" || c.frozen { // frozen: another process writes the file
		return
	}
	c.unsaved = false
	done, all, path := make(chan error, 1), c.learned.Clone(), learned.Beside(c.o.OverridesPath)
	go func() { done <- all.Save(path) }()
	c.saving = done
}

// settled waits until what is being written is written. From then on the file is
// another one's, or nobody's.
func (c *Controller) settled() {
	if c.saving != nil {
		c.kept(<-c.saving)
	}
}

// kept takes what came of writing the learned routes. What is not kept is tried again
// with the next tick, and told once: it is no trouble before the next start.
func (c *Controller) kept(err error) {
	c.saving = nil
	if err == nil {
		c.forgets = ""
		return
	}
	c.unsaved = true
	if text := err.Error(); text != c.forgets {
		c.forgets = text
		c.tell(slog.LevelWarn, admin.Event{Kind: admin.Trouble, Text: text})
	}
}

// probed is health.Routes: what health requests show of routes.
type probed struct{ c *Controller }

func (p probed) Shown(id table.ID, route string) bool {
	live := p.c.view.Load().live[id]
	return live != nil && live.Saw([]byte(route), time.Now().UnixNano())
}

func (p probed) Doubtful(id table.ID) bool {
	live := p.c.view.Load().live[id]
	if live == nil {
		return false
	}
	r := live.Route()
	return r != nil && r.Hint
}

func (p probed) Doubt(id table.ID) {
	if live := p.c.view.Load().live[id]; live != nil {
		live.Doubt()
	}
}

// doubts doubts the routes of members that went out of use since an old report. Of
// those that come back package health does that: before it takes in what the first
// good answer shows, for answers of the old JVM may come until then.
func (c *Controller) doubts(old *compile.Report) {
	out := map[table.ID]bool{}
	old.Each(func(m *compile.MemberReport) { out[m.ID] = gone(&m.Health) })
	c.report.Each(func(m *compile.MemberReport) {
		if was, known := out[m.ID]; known && !was && gone(&m.Health) {
			probed{c}.Doubt(m.ID)
		}
	})
}

// gone reports whether nothing vouches for the JVM that a member was.
func gone(v *health.Verdict) bool {
	return v.State == health.Down || v.State == health.Leaving || v.Hold
}

// Routes count in nanoseconds of the data path's clock, which has no zone, and
// the zero time is its zero.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func nanoTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
