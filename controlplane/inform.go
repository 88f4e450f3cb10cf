package controlplane

import (
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/table"
)

// told is what health has been told of a member's node.
type told struct {
	sight
	id      tribes.ID
	state   tribes.State
	suspect time.Time // newest stop that was not believed and has been asked about
	foreign time.Time // newest use of its id by others, the same
	asked   time.Time // when
	guesses []guess   // nodes that may be its own, when none is for sure
	missing bool      // nobody is heard for it
}

// sight is where a node is heard.
type sight struct {
	group    string
	receiver netip.AddrPort
}

// guess is a node that may be a member's.
type guess struct {
	sight
	id    tribes.ID
	state tribes.State
}

// rumour is what all sockets of one group together have heard of a node.
type rumour struct {
	*tribes.Node           // as it was heard last
	suspect      time.Time // newest stop that was not believed
	foreign      time.Time // newest use of its id by others
}

// How often one member is asked because of what others say in its name.
const (
	askAgain   = 900 * time.Millisecond // a view gives the reason once a second
	foreignFor = time.Minute            // a Tomcat with two ways into the group is no news
	sameStory  = time.Minute            // what was said in that time is not said again
)

// inform tells health what its members' nodes say of themselves.
func (c *Controller) inform(now time.Time) {
	for _, n := range c.gossip(now) {
		c.runner.Tell(n.ID, n.Event)
	}
}

// gossip is what health has to be told of members; it is good until the next
// call.
func (c *Controller) gossip(now time.Time) []health.Told {
	c.hear.news = c.hear.news[:0]
	groups := c.ears.Groups()
	rumours := gather(groups)
	seen := c.ofNodes(rumours, now)
	c.missing(seen, groups, now)
	c.unheard(seen, groups, rumours, now)
	for _, l := range c.hear.result.Loads {
		if id, ok := c.idOf(l.Pool, l.Member); ok && l.At.After(c.hear.loads[id]) {
			c.hear.loads[id] = l.At
			c.say(id, health.Event{Kind: health.Beacon, At: l.At, Ready: l.Ready, Busy: l.Busy})
		}
	}
	return c.hear.news
}

func (c *Controller) say(id table.ID, e health.Event) {
	c.hear.news = append(c.hear.news, health.Told{ID: id, Event: e})
}

// gather puts together what is heard of each node. A group may be listened to
// on several interfaces: what was heard last counts.
func gather(groups []tribes.GroupSight) map[sight]rumour {
	out := map[sight]rumour{}
	for i := range groups {
		g := &groups[i]
		for k := range g.Nodes {
			n := &g.Nodes[k]
			r, known := out[sight{g.Group, n.Receiver}]
			if !known || n.LastHeard.After(r.LastHeard) {
				r.Node = n
			}
			r.suspect, r.foreign = later(r.suspect, n.SuspectAt), later(r.foreign, n.ForeignAt)
			out[sight{g.Group, n.Receiver}] = r
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// ofNodes says what the nodes behind members have to say, vouches for them, and
// returns the members that have any.
func (c *Controller) ofNodes(rumours map[sight]rumour, now time.Time) map[table.ID]bool {
	sure := map[table.ID]sight{}
	guesses := map[table.ID][]sight{}
	keep := map[sight]bool{}
	var order []table.ID // as discovery has them
	for _, m := range c.hear.result.Matches {
		at := sight{m.Group, m.Receiver}
		r, heard := rumours[at]
		id, ok := c.idOf(m.Pool, m.Member)
		if !heard || !ok {
			continue
		}
		was, known := sure[id]
		if !known && guesses[id] == nil {
			order = append(order, id)
		}
		if !m.Sure {
			guesses[id] = append(guesses[id], at)
			continue
		}
		keep[at] = r.State == tribes.Alive
		if !known || better(rumours[was], r) {
			sure[id] = at
		}
	}
	seen := make(map[table.ID]bool, len(order))
	for _, id := range order {
		seen[id] = true
		if at, ok := sure[id]; ok {
			c.informOf(id, at, rumours[at], now)
		} else {
			c.guessAt(id, guesses[id], rumours, now)
		}
	}
	c.keep(keep)
	return seen
}

// better reports whether another node says more of a member than the one that is
// known: one that is heard more than one that is not, and of one receiver in
// several groups the one that was heard last.
func better(known, other rumour) bool {
	if known.Receiver == other.Receiver {
		return other.LastHeard.After(known.LastHeard)
	}
	return known.State != tribes.Alive && other.State == tribes.Alive
}

// keep vouches for nodes, and no longer for those it vouched for before.
func (c *Controller) keep(nodes map[sight]bool) {
	for at := range c.hear.kept {
		if !nodes[at] {
			c.ears.Keep(at.group, at.receiver, false)
		}
	}
	for at, yes := range nodes {
		if yes {
			c.ears.Keep(at.group, at.receiver, true)
		} else {
			delete(nodes, at)
		}
	}
	c.hear.kept = nodes
}

// informOf tells health of the node that is a member's for sure.
func (c *Controller) informOf(id table.ID, at sight, n rumour, now time.Time) {
	was, known := c.hear.told[id]
	known = known && !was.missing
	is := told{sight: at, id: n.ID, state: n.State}
	c.doubt(id, &is, was, known, n.suspect, n.foreign, now)
	c.hear.told[id] = is
	if known && is.id != was.id && was.id != (tribes.ID{}) {
		probed{c}.Doubt(id)
		c.say(id, health.Event{Kind: health.Reborn, At: now, Alive: n.Age})
	}
	switch n.State {
	case tribes.Alive:
		c.say(id, health.Event{Kind: health.Heard, At: n.LastHeard, Alive: n.Age})
	case tribes.Silent:
		c.say(id, health.Event{Kind: health.Silent, At: now, Since: n.LastHeard})
	case tribes.Leaving:
		if !known || was.state != tribes.Leaving || was.id != is.id {
			c.say(id, health.Event{Kind: health.PlannedStop, At: now})
		}
	}
}

// guessAt tells health of nodes one of which may be the member's. What is not
// sure is a reason to probe it, and no more.
func (c *Controller) guessAt(id table.ID, at []sight, rumours map[sight]rumour, now time.Time) {
	was, known := c.hear.told[id]
	if was.missing || known && was.guesses == nil {
		// It was missed, or had a node for sure: that means nothing any more.
		c.say(id, health.Event{Kind: health.Deaf, At: now})
		known = false
	}
	is := told{sight: at[0]}
	var suspect, foreign time.Time
	for _, s := range at {
		r := rumours[s]
		is.guesses = append(is.guesses, guess{s, r.ID, r.State})
		suspect, foreign = later(suspect, r.suspect), later(foreign, r.foreign)
	}
	c.doubt(id, &is, was, known, suspect, foreign, now)
	c.hear.told[id] = is
	if known && !slices.Equal(was.guesses, is.guesses) {
		c.say(id, health.Event{Kind: health.Suspect, At: now, Why: "a node of its host has changed"})
	}
}

// doubt has a member asked in whose name others speak: at once, and no more
// often than once a second.
func (c *Controller) doubt(id table.ID, is *told, was told, known bool, suspect, foreign, now time.Time) {
	if !known {
		is.suspect, is.foreign = suspect, foreign
		return
	}
	is.suspect, is.foreign, is.asked = was.suspect, was.foreign, was.asked
	news := suspect.After(was.suspect) || foreign.Sub(was.foreign) >= foreignFor
	if !news || now.Sub(was.asked) < askAgain {
		return // the tick comes back to it
	}
	is.suspect, is.foreign, is.asked = suspect, later(foreign, was.foreign), now
	c.say(id, health.Event{Kind: health.Suspect, At: now, Why: "somebody at another address speaks in its name",
		Again: now.Sub(was.asked) < sameStory})
}

// missing tells health of members that name a receiver which nobody has heard
// although their group is listened to.
func (c *Controller) missing(seen map[table.ID]bool, groups []tribes.GroupSight, now time.Time) {
	still := map[table.ID]bool{}
	for i := range c.cfg.Pools {
		p := &c.cfg.Pools[i]
		if !listening(groups, c.groupOf(p), now) {
			continue
		}
		for k := range p.Members {
			m := &p.Members[k]
			if m.Receiver == "" {
				continue
			}
			id := compile.ID(p.Name, m)
			still[id] = !seen[id]
			if seen[id] || c.hear.told[id].missing {
				continue
			}
			if t, known := c.hear.told[id]; known && t.receiver.IsValid() {
				continue // it was heard, and is forgotten by now: that is silence
			}
			c.hear.told[id] = told{missing: true}
			c.say(id, health.Event{Kind: health.NotHeard, At: now})
		}
	}
	for id, t := range c.hear.told {
		if t.missing && !still[id] {
			c.forget(id, now)
		}
	}
}

// unheard takes back what was told of members of whom nothing can be heard any
// more: their group is not listened to, or the node turned out to be another's.
func (c *Controller) unheard(seen map[table.ID]bool, groups []tribes.GroupSight, rumours map[sight]rumour, now time.Time) {
	for id, t := range c.hear.told {
		if seen[id] || t.missing {
			continue
		}
		_, there := rumours[t.sight]
		if there || !slices.ContainsFunc(groups, func(g tribes.GroupSight) bool { return g.Group == t.group }) {
			c.forget(id, now)
		}
	}
}

// forget takes back all that was told of a member.
func (c *Controller) forget(id table.ID, now time.Time) {
	delete(c.hear.told, id)
	c.say(id, health.Event{Kind: health.Deaf, At: now})
}

// listening reports whether a group, all of them when it is not known, has been
// listened to for long enough to have heard everybody. Where it cannot be joined
// nothing comes in, and a finding says so.
func listening(groups []tribes.GroupSight, group string, now time.Time) bool {
	joined := false
	for i := range groups {
		g := &groups[i]
		if group != "" && g.Group != group || !g.Facts.Joined {
			continue
		}
		if now.Sub(g.Facts.Since) < 2*g.DropAfter {
			return false
		}
		joined = true
	}
	return joined
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
