package controlplane

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/dataplane/table"
)

// kinds are the events of a member that came into a state.
var kinds = map[compile.State]admin.Kind{
	compile.Ready: admin.MemberReady, compile.Down: admin.MemberDown,
	compile.Drain: admin.MemberDrain, compile.Stop: admin.MemberStop,
	compile.Shaky: admin.MemberShaky, compile.Leaving: admin.MemberLeaving,
	compile.Checking: admin.MemberChecking,
}

// takes says in a word what a member may take.
var takes = map[table.Take]string{table.Everything: "all", table.OnlySessions: "sessions", table.Nothing: "none"}

// changes tells how members differ between an old report and the present one.
func (c *Controller) changes(old compile.Report) {
	before := map[table.ID]*compile.MemberReport{}
	old.Each(func(m *compile.MemberReport) { before[m.ID] = m })
	c.report.Each(func(m *compile.MemberReport) {
		was := before[m.ID]
		delete(before, m.ID)
		if was == nil {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.MemberAdded, Pool: m.Pool, Member: m.Name,
				To: string(m.State), Takes: takes[m.Take], Text: m.URL})
			return
		}
		if m.Learned && m.Route != was.Route {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.RouteLearned, Pool: m.Pool, Member: m.Name, Text: m.Route}, "was", was.Route)
		}
		c.change(was, m)
	})
	// In the order of the old report, so that two runs say the same.
	old.Each(func(m *compile.MemberReport) {
		if before[m.ID] != nil {
			c.tell(slog.LevelInfo, admin.Event{Kind: admin.MemberRemoved, Pool: m.Pool, Member: m.Name,
				From: string(m.State), Text: m.URL})
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

// change tells in one line that a member has another state, or that it may take
// more or less in the same state: whoever is down may be used for want of a
// better one, and who is not heard may lose its new sessions.
func (c *Controller) change(was, m *compile.MemberReport) {
	e := admin.Event{Kind: kinds[m.State], Pool: m.Pool, Member: m.Name,
		From: string(was.State), To: string(m.State), Takes: takes[m.Take], Text: m.Why}
	switch {
	case m.State != was.State:
	case m.Take != was.Take:
		e.Kind, e.From, e.To, e.Takes = admin.MemberTakes, takes[was.Take], takes[m.Take], ""
	default:
		return
	}
	level := slog.LevelInfo
	if m.State == compile.Down || m.State == compile.Shaky {
		level = slog.LevelWarn
	}
	c.tell(level, e, "version", c.table.Version)
}
