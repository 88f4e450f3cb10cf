package controlplane

import (
	"fmt"
	"log/slog"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

// A member that was found and has moved has another name: one made of its address,
// as any process would give it that is started now. So what was asked of it is kept
// under that name, and is found again after a restart.

// wishes are the overrides after moves.
func (c *Controller) wishes(moves []discover.Move) []overrides.Override {
	if len(moves) == 0 {
		return c.overrides
	}
	to := make(map[overrides.Member]string, len(moves))
	for _, m := range moves {
		to[overrides.Member{Pool: m.From.Pool, Name: m.From.Name}] = m.To.Name
	}
	return overrides.Rename(c.overrides, to)
}

// origins are the names that members had before moves, by the present ones.
func origins(moves []discover.Move) map[table.ID]table.ID {
	if len(moves) == 0 {
		return nil
	}
	out := make(map[table.ID]table.ID, len(moves))
	for i := range moves {
		out[idOfFound(&moves[i].To)] = idOfFound(&moves[i].From)
	}
	return out
}

func idOfFound(f *discover.Found) table.ID {
	return compile.ID(f.Pool, &config.Member{Name: f.Name, URL: f.URL})
}

// follow takes what belongs to members along with them, before the table that has
// them at their new places is published. Its route is learned anew from the counters,
// which the table keeps; another Tomcat at the old place has another route.
func (c *Controller) follow(moves []discover.Move) {
	if len(moves) == 0 {
		return
	}
	had := len(c.overrides)
	c.overrides = c.wishes(moves)
	for i := range moves {
		from, to := &moves[i].From, &moves[i].To
		was, is := idOfFound(from), idOfFound(to)
		if p := c.pulses[was]; p != nil {
			c.pulses[is] = p
		}
		delete(c.pulses, was)
		delete(c.learned, was)
		c.tell(slog.LevelInfo, admin.Event{Kind: admin.MemberMoved, Pool: to.Pool, Member: to.Name,
			Text: fmt.Sprintf("it was %s; its Tomcat listens on %s now", from.Name, to.URL)})
	}
	if had == 0 {
		return
	}
	if err := c.save(); err != nil {
		c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: err.Error()})
	}
}
