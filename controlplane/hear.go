package controlplane

import (
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/cluster"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/table"
)

// hearing is what the controller knows of what is heard. It belongs to whoever
// builds.
type hearing struct {
	result   discover.Result
	files    []discover.Listed
	told     map[table.ID]told
	kept     map[sight]bool         // nodes that are vouched for
	loads    map[table.ID]time.Time // newest beacon that health was told of
	news     []health.Told          // of gossip, to be used again
	findings []tribes.Finding
	said     []discover.Finding // those of discover that were told
	checked  time.Time          // newest look for findings
	look     looking            // at this host's processes
	next     *time.Timer
}

// newEars makes the ears of a controller.
func (c *Controller) newEars() ears {
	o := cluster.Options{
		Notify: c.heard, Tell: c.clusterEvent, Prober: c.o.Prober, Getenv: c.o.Getenv, Log: c.log,
	}
	if c.o.ears != nil {
		return c.o.ears(o)
	}
	return cluster.New(o)
}

// heard asks for a look at what is heard. It never blocks.
func (c *Controller) heard() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// clusterEvent tells what happened in a group.
func (c *Controller) clusterEvent(e tribes.Event) {
	level := slog.LevelInfo
	switch e.Kind {
	case tribes.Suspected, tribes.Foreign, tribes.Conflicting, tribes.SharedID, tribes.TableFull, tribes.Overrun, tribes.Deaf:
		level = slog.LevelWarn
	}
	c.tell(level, admin.Event{Kind: admin.Cluster, Text: e.Text}, "event", e.Kind.String())
}

// resolve finds the members that a file's configuration has now.
func (c *Controller) resolve(file *config.Config, now time.Time) (discover.Inputs, discover.Result) {
	in := c.ears.Inputs(now)
	in.Prev = c.hear.result.Found
	in.Serving = map[discover.Key]bool{}
	verdicts := c.runner.Verdicts()
	for i := range c.cfg.Pools {
		p := &c.cfg.Pools[i]
		for k := range p.Members {
			if v, ok := verdicts[compile.ID(p.Name, &p.Members[k])]; ok && !v.At.IsZero() {
				in.Serving[discover.Key{Pool: p.Name, Member: p.Members[k].Name}] = v.OK
			}
		}
	}
	return in, discover.Resolve(file, in)
}

// listen looks at what is heard: it takes new members in and tells health about
// the others.
func (c *Controller) listen(now time.Time) {
	in, r := c.resolve(c.file, now)
	changed := !slices.Equal(r.Found, c.hear.result.Found) || !reflect.DeepEqual(in.Files, c.hear.files)
	c.hear.result, c.hear.files = r, in.Files
	c.ears.Ask(c.file, r.Candidates)
	look := c.lookAround(&in, now)
	if changed {
		c.cfg = r.Config
		c.follow(r.Moves)
		c.moved = origins(r.Moves)
		c.runner.Set(compile.Targets(c.cfg), c.gossip(now)...)
		c.build()
		if len(r.Moves) > 0 && c.routes() {
			c.build()
		}
	} else {
		c.inform(now)
		c.show()
	}
	c.again(sooner(look, sooner(r.Next, stray(in.Heard, now))), now)
}

// turned has discovery look again when a member that was found has begun or
// ceased to answer since an old report: whether it may have moved depends on that,
// and the verdict may be the last thing that is heard of it.
func (c *Controller) turned(old *compile.Report) {
	if len(c.hear.result.Found) == 0 {
		return
	}
	was := map[table.ID]bool{}
	old.Each(func(m *compile.MemberReport) { was[m.ID] = m.Health.OK })
	c.report.Each(func(m *compile.MemberReport) {
		ok, known := was[m.ID]
		if known && ok != m.Health.OK && slices.ContainsFunc(c.hear.result.Found, func(f discover.Found) bool {
			return f.Pool == m.Pool && f.Name == m.Name
		}) {
			c.heard()
		}
	})
}

// stray is when to look again because of nodes that were heard once only: no
// event tells of the second time.
func stray(heard []discover.Heard, now time.Time) time.Time {
	if !slices.ContainsFunc(heard, func(h discover.Heard) bool { return h.Stray }) {
		return time.Time{}
	}
	if len(heard) > crowd {
		return now.Add(time.Second) // a flood of strangers must not keep us busy
	}
	return now.Add(200 * time.Millisecond)
}

// crowd is more nodes than a cluster of Tomcats has.
const crowd = 64

// sooner is the earlier of two times of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// again looks once more when time alone changes what is heard.
func (c *Controller) again(at, now time.Time) {
	if c.hear.next != nil {
		c.hear.next.Stop()
		c.hear.next = nil
	}
	if !at.IsZero() {
		c.hear.next = time.AfterFunc(max(at.Sub(now), time.Millisecond), c.heard)
	}
}

// idOf names a member of the running configuration.
func (c *Controller) idOf(pool, member string) (table.ID, bool) {
	p := c.cfg.Pool(pool)
	if p == nil {
		return "", false
	}
	m := p.Member(member)
	if m == nil {
		return "", false
	}
	return compile.ID(pool, m), true
}
