package controlplane

import (
	"log/slog"
	"net/netip"
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
	loads    map[table.ID]time.Time // newest beacon that health was told of
	findings []tribes.Finding
	said     []discover.Finding // those of discover that were told
	checked  time.Time          // newest look for findings
	next     *time.Timer
}

// told is what health has been told of a member's node.
type told struct {
	id      tribes.ID
	state   tribes.State
	since   time.Time
	suspect time.Time
	missing bool // nobody is heard for it
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
	if changed {
		c.cfg = r.Config
		c.runner.Set(compile.Targets(c.cfg))
	}
	c.ears.Ask(c.file, r.Candidates)
	c.lookAround(in.Heard)
	c.inform(now)
	if changed {
		c.build()
	} else {
		c.show()
	}
	c.again(sooner(r.Next, stray(in.Heard, now)), now)
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

// lookAround has the processes of this host looked for while the connector of a
// node is not known.
func (c *Controller) lookAround(heard []discover.Heard) {
	if len(c.hear.result.Waiting) == 0 && len(c.hear.result.Nobody) == 0 {
		return
	}
	now := time.Now()
	if now.Sub(c.looked) < 500*time.Millisecond {
		return
	}
	c.looked = now
	receivers := make([]netip.AddrPort, 0, len(heard))
	for i := range heard {
		receivers = append(receivers, heard[i].Receiver)
	}
	c.ears.Look(receivers)
}

// inform tells health what its members' nodes say of themselves.
func (c *Controller) inform(now time.Time) {
	type at struct {
		group    string
		receiver netip.AddrPort
	}
	nodes := map[at]*tribes.Node{}
	groups := c.ears.Groups()
	for i := range groups {
		g := &groups[i]
		for k := range g.Nodes {
			nodes[at{g.Group, g.Nodes[k].Receiver}] = &g.Nodes[k]
		}
	}
	seen := map[table.ID]bool{}
	for _, m := range c.hear.result.Matches {
		n := nodes[at{m.Group, m.Receiver}]
		id, ok := c.idOf(m.Pool, m.Member)
		if n == nil || !ok || seen[id] {
			continue
		}
		seen[id] = true
		c.informOf(id, n, m.Sure, now)
		c.ears.Keep(m.Group, m.Receiver, c.hear.told[id].state == tribes.Alive && m.Sure)
	}
	c.missing(seen, groups, now)
	for _, l := range c.hear.result.Loads {
		if id, ok := c.idOf(l.Pool, l.Member); ok && l.At.After(c.hear.loads[id]) {
			c.hear.loads[id] = l.At
			c.runner.Tell(id, health.Event{Kind: health.Beacon, At: l.At, Ready: l.Ready, Busy: l.Busy})
		}
	}
}

// informOf tells health of one node. What is not sure to be the member's is a
// reason to probe it, and no more.
func (c *Controller) informOf(id table.ID, n *tribes.Node, sure bool, now time.Time) {
	was, known := c.hear.told[id]
	is := told{id: n.ID, state: n.State, since: n.Since, suspect: n.SuspectAt}
	if n.ForeignAt.After(is.suspect) {
		is.suspect = n.ForeignAt
	}
	c.hear.told[id] = is
	if known && is.suspect.After(was.suspect) {
		c.runner.Tell(id, health.Event{Kind: health.Suspect, At: now, Why: "somebody at another address speaks in its name"})
	}
	if !sure {
		if known && (is.id != was.id || is.state != was.state) {
			c.runner.Tell(id, health.Event{Kind: health.Suspect, At: now, Why: "a node of its host has changed"})
		}
		return
	}
	if known && is.id != was.id && was.id != (tribes.ID{}) {
		c.reborn(id)
		c.runner.Tell(id, health.Event{Kind: health.Reborn, At: now, Alive: n.Age})
	}
	switch n.State {
	case tribes.Alive:
		c.runner.Tell(id, health.Event{Kind: health.Heard, At: n.LastHeard, Alive: n.Age})
	case tribes.Silent:
		c.runner.Tell(id, health.Event{Kind: health.Silent, At: now, Since: n.LastHeard})
	case tribes.Leaving:
		if !known || was.state != tribes.Leaving || was.id != is.id {
			c.runner.Tell(id, health.Event{Kind: health.PlannedStop, At: now})
		}
	}
}

// missing tells health of members that name a receiver which nobody has heard
// although their group is listened to.
func (c *Controller) missing(seen map[table.ID]bool, groups []tribes.GroupSight, now time.Time) {
	if !listening(groups, now) {
		return
	}
	for i := range c.cfg.Pools {
		p := &c.cfg.Pools[i]
		for k := range p.Members {
			m := &p.Members[k]
			id := compile.ID(p.Name, m)
			if m.Receiver == "" || seen[id] || c.hear.told[id].missing {
				continue
			}
			c.hear.told[id] = told{missing: true}
			c.runner.Tell(id, health.Event{Kind: health.NotHeard, At: now})
		}
	}
}

// listening reports whether every group has been listened to for long enough to
// have heard everybody.
func listening(groups []tribes.GroupSight, now time.Time) bool {
	for i := range groups {
		if f := &groups[i].Facts; !f.Joined || now.Sub(f.Since) < 2*groups[i].DropAfter {
			return false
		}
	}
	return len(groups) > 0
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

// findEvery is how often the cluster is looked over for what is wrong with it.
const findEvery = 2 * time.Second

// find looks for what is wrong with the cluster, and tells what is new.
func (c *Controller) find(now time.Time) {
	if len(c.file.Tribes) == 0 || now.Sub(c.hear.checked) < findEvery {
		return
	}
	c.hear.checked = now
	found := tribes.Findings(tribes.Situation{Now: now, Groups: c.ears.Groups(), Members: c.sights(), Local: c.ears.Local()})
	for _, f := range found {
		known := func(o tribes.Finding) bool { return o.Code == f.Code && o.Group == f.Group && o.Subject == f.Subject }
		if !slices.ContainsFunc(c.hear.findings, known) {
			level := slog.LevelWarn
			if f.Severity == tribes.Info {
				level = slog.LevelInfo
			}
			c.tell(level, admin.Event{Kind: admin.Found, Text: f.What}, "subject", f.Subject, "cause", f.Cause, "cure", f.Cure)
		}
	}
	c.hear.findings = found
	for _, f := range c.hear.result.Findings {
		if !slices.Contains(c.hear.said, f) {
			c.tell(slog.LevelWarn, admin.Event{Kind: admin.Found, Text: f.What}, "subject", f.Subject, "cure", f.Cure)
		}
	}
	c.hear.said = slices.Clone(c.hear.result.Findings)
}

// sights is what findings look at of each member.
func (c *Controller) sights() (out []tribes.MemberSight) {
	matches := map[discover.Key]discover.Match{}
	for _, m := range c.hear.result.Matches {
		if m.Sure {
			matches[discover.Key{Pool: m.Pool, Member: m.Member}] = m
		}
	}
	verdicts := c.runner.Verdicts()
	for i := range c.cfg.Pools {
		p := &c.cfg.Pools[i]
		for k := range p.Members {
			m := &p.Members[k]
			s := tribes.MemberSight{Name: p.Name + "/" + m.Name, Pool: p.Name}
			s.Host, _ = netip.ParseAddr(m.URL.Host) // a name has no address here
			if t, ok := matches[discover.Key{Pool: p.Name, Member: m.Name}]; ok {
				s.Group, s.Receiver = t.Group, t.Receiver
			} else if m.Receiver != "" {
				s.Receiver, _ = netip.ParseAddrPort(m.Receiver)
				s.Group = c.groupOf(p)
			}
			if v, ok := verdicts[compile.ID(p.Name, m)]; ok && !v.At.IsZero() {
				s.Routable, s.Since, s.Ever = v.OK, v.Since, !v.OKAt.IsZero()
				if !v.OK {
					s.Problem = v.Text
				}
			}
			out = append(out, s)
		}
	}
	return out
}

// groupOf is the group in which a pool's members are expected.
func (c *Controller) groupOf(p *config.Pool) string {
	switch {
	case p.Discover.Group != "":
		return p.Discover.Group
	case len(c.file.Tribes) == 1:
		return c.file.Tribes[0].Group
	}
	return ""
}
