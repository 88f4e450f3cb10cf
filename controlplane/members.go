package controlplane

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/overrides"
)

// SetMember implements admin.Controller. When it returns, the data path works
// by the new state or weight.
func (c *Controller) SetMember(ctx context.Context, a admin.Action) (result admin.ActionResult, err error) {
	if e := c.do(ctx, func() { result, err = c.setMember(a) }); e != nil {
		return result, e
	}
	return result, err
}

func (c *Controller) setMember(a admin.Action) (admin.ActionResult, error) {
	if c.frozen {
		return admin.ActionResult{}, busyUpgrading()
	}
	now := time.Now()
	m, err := find(c.cfg, a.Pool, a.Member)
	if err != nil {
		// A found member that has gone is no member, and what was asked of it
		// waits for it. That can be changed and taken back all the same.
		p := c.cfg.Pool(a.Pool)
		if p == nil || !overrides.Any(c.overrides, a.Pool, a.Member, now) {
			return admin.ActionResult{}, err
		}
		m = &config.Member{State: config.StateReady, Weight: p.Discover.Weight}
	}
	present := err == nil
	o := overrides.Override{
		Pool: a.Pool, Member: a.Member, State: a.State, Weight: a.Weight,
		Owner: a.Owner, Reason: a.Reason, Since: now.Truncate(time.Second),
	}
	if a.For > 0 {
		o.Until = now.Add(a.For).Truncate(time.Second)
	}
	if o.Owner == "" {
		o.Owner = "unknown"
	}
	if a.State == "" {
		c.setWeight(o, m.Weight, now)
	} else {
		c.overrides = overrides.Put(c.overrides, o, overrides.State(m.State))
		c.tell(slog.LevelInfo, admin.Event{Kind: admin.OverrideSet, Pool: a.Pool, Member: a.Member, Owner: o.Owner, Text: o.String()})
	}
	var warnings []string
	if err := c.save(); err != nil {
		c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: err.Error()})
		warnings = append(warnings, "it will not outlive the process: "+err.Error())
	}
	c.build()
	result := c.outcome(a, m, present, now)
	if r := c.report.Member(a.Pool, a.Member); present && r == nil {
		warnings = append(warnings, result.Why)
	}
	for _, p := range c.report.Pools {
		if p.Name == a.Pool && p.Fresh == 0 && a.State != overrides.Ready && a.State != "" {
			warnings = append(warnings, "no member of pool "+p.Name+" takes new sessions now")
		}
	}
	result.Warning = strings.Join(warnings, "; ")
	return result, nil
}

// outcome is how the member stands after an action. present tells whether there
// is such a member now.
func (c *Controller) outcome(a admin.Action, m *config.Member, present bool, now time.Time) admin.ActionResult {
	result := admin.ActionResult{Pool: a.Pool, Member: a.Member, TableVersion: c.table.Version}
	if !present {
		result.Why, result.Weight = "it is not there now", m.Weight
		if o, ok := overrides.Find(c.overrides, a.Pool, a.Member, now); ok {
			result.Override = &o
		}
		if o, ok := overrides.FindWeight(c.overrides, a.Pool, a.Member, now); ok {
			result.WeightBy, result.Weight = &o, o.Weight
		}
		return result
	}
	if a.State == overrides.Ready {
		c.runner.ProbeNow(compile.ID(a.Pool, m))
	}
	r := c.report.Member(a.Pool, a.Member)
	if r == nil {
		// The member came with a table that could not be built.
		result.State, result.Weight, result.Why = compile.Checking, m.Weight, "not in use yet: "+c.trouble
		return result
	}
	result.State, result.Weight, result.Why = r.State, r.Weight, r.Why
	result.Override, result.WeightBy = r.Override, r.WeightBy
	return result
}

// setWeight takes an operator's weight in, or back when it is none or that of
// the file.
func (c *Controller) setWeight(o overrides.Override, file int, now time.Time) {
	old, had := overrides.FindWeight(c.overrides, o.Pool, o.Member, now)
	if o.Weight == 0 {
		o.Weight = file
	}
	c.overrides = overrides.PutWeight(c.overrides, o, file)
	e := admin.Event{Kind: admin.OverrideSet, Pool: o.Pool, Member: o.Member, Owner: o.Owner, Text: o.String()}
	switch {
	case o.Weight != file:
	case had:
		e.Kind, e.Text = admin.OverrideEnded, fmt.Sprintf("%s: taken back, file says %d", old, file)
	default:
		return // nothing was asked for, and nothing is
	}
	c.tell(slog.LevelInfo, e)
}

func find(cfg *config.Config, pool, member string) (*config.Member, error) {
	p := cfg.Pool(pool)
	if p == nil {
		var names []string
		for i := range cfg.Pools {
			names = append(names, cfg.Pools[i].Name)
		}
		return nil, &admin.Refusal{Status: http.StatusNotFound, What: fmt.Sprintf("there is no pool %q", pool),
			Cure: "pools are " + strings.Join(names, ", ")}
	}
	m := p.Member(member)
	if m == nil {
		var names []string
		for i := range p.Members {
			names = append(names, p.Members[i].Name)
		}
		return nil, &admin.Refusal{Status: http.StatusNotFound, What: fmt.Sprintf("pool %s has no member %q", pool, member),
			Cure: "members are " + strings.Join(names, ", ")}
	}
	return m, nil
}

// prune ends overrides of members that the configuration does not have: nobody
// could take them back, and a later member of that name is another matter.
func (c *Controller) prune() {
	var kept []overrides.Override
	for _, o := range c.overrides {
		// A member that is found may come any time.
		if p := c.file.Pool(o.Pool); p != nil && p.Discover.On {
			kept = append(kept, o)
			continue
		}
		if _, err := find(c.cfg, o.Pool, o.Member); err == nil {
			kept = append(kept, o)
			continue
		}
		c.tell(slog.LevelWarn, admin.Event{Kind: admin.OverrideEnded, Pool: o.Pool, Member: o.Member, Owner: o.Owner,
			Text: o.String() + ": the configuration has no such member"})
	}
	if len(kept) == len(c.overrides) {
		return
	}
	c.overrides = kept
	if err := c.save(); err != nil {
		c.tell(slog.LevelError, admin.Event{Kind: admin.Trouble, Text: err.Error()})
	}
	c.show()
}
