package controlplane

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/table"
)

// judge explains the present table in words that are true now.
func (c *Controller) judge(v *view, now time.Time) compile.Report {
	return compile.Judge(compile.Inputs{
		Now: now, Config: v.cfg, Health: c.runner.Verdicts(), Overrides: v.overrides, Learned: v.learned,
	})
}

// Status implements admin.Controller.
func (c *Controller) Status() admin.Status {
	v, now := c.view.Load(), time.Now()
	report := c.judge(v, now)
	ready, _ := c.Ready()
	s := admin.Status{
		Version: c.o.Version, Revision: c.o.Revision, PID: os.Getpid(),
		Started: c.started, Uptime: now.Sub(c.started).Seconds(),
		Draining: c.draining.Load(), Ready: ready, Engine: c.o.Engine,
		Listeners:  []string{},
		ConfigPath: c.o.ConfigPath, ConfigDigest: v.table.Digest,
		InSync: v.sync.inSync, OutOfSync: v.sync.why,
		TableVersion: v.table.Version, TableBuilt: v.published,
		Notes:     append([]string{}, report.Notes...),
		Overrides: append([]overrides.Override{}, v.overrides...),
		Pools:     []admin.PoolStatus{},
		Elders:    []admin.Elder{},
		Groups:    groups(now, c.ears.Groups(), &v.heard),
		Beacons:   beacons(now, c.ears.Inputs(now).Beacons, &v.heard),
		Sources:   sources(c.ears.Sources()),
		Kernel:    c.o.Kernel.All(),
		Findings:  findings(v.findings, v.heard.Findings),
		Guard:     c.guard.Glance(),
	}
	for _, l := range v.cfg.Listen {
		scheme := "http://"
		if l.TLS.Cert != "" {
			scheme = "https://"
		}
		s.Listeners = append(s.Listeners, scheme+l.Address)
	}
	if c.o.Elders != nil {
		s.Elders = append(s.Elders, c.o.Elders()...)
	}
	for i := range report.Pools {
		if p := poolOf(v.table, report.Pools[i].Name); p != nil {
			s.Pools = append(s.Pools, poolStatus(p, &report.Pools[i], v))
		}
	}
	for k, m := range receivers(&v.heard) {
		if t := s.Member(k.Pool, k.Member); t != nil {
			t.Node = m.Receiver.String()
		}
	}
	s.Sentence, s.Attention = sentence(&s, &report)
	return s
}

// sentence answers whether somebody has to do something.
func sentence(s *admin.Status, r *compile.Report) (text string, attention bool) {
	var parts []string
	members, down, leaving := 0, []string{}, []string{}
	for i := range r.Pools {
		p := &r.Pools[i]
		if p.Usable == 0 {
			parts = append(parts, fmt.Sprintf("no member of pool %s can serve", p.Name))
		}
		for k := range p.Members {
			members++
			switch p.Members[k].State {
			case compile.Down:
				down = append(down, p.Members[k].Name)
			case compile.Leaving:
				leaving = append(leaving, p.Members[k].Name)
			}
		}
	}
	if len(down) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s down (%s)", len(down), count(members, "member"), strings.Join(down, ", ")))
	}
	critical := 0
	for i := range s.Findings {
		if s.Findings[i].Severity == tribes.Critical.String() {
			critical++
		}
	}
	if critical > 0 {
		parts = append(parts, count(critical, "critical finding"))
	}
	if !s.InSync {
		parts = append(parts, "the file differs from what runs")
	}
	if len(s.Notes) > 0 {
		parts = append(parts, count(len(s.Notes), "note"))
	}
	attention = len(parts) > 0
	// Somebody stops a Tomcat on purpose: worth a word, and no trouble.
	if len(leaving) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s stopping (%s)", len(leaving), count(members, "member"), strings.Join(leaving, ", ")))
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; "), attention
	case s.Draining:
		return "stopping", false
	}
	return "all well", false
}

func poolOf(t *table.Table, name string) *table.Pool {
	for _, p := range t.Pools {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func poolStatus(p *table.Pool, r *compile.PoolReport, v *view) admin.PoolStatus {
	duration := p.Live.Duration.Snapshot()
	q := duration.Quantiles()
	s := admin.PoolStatus{
		Name: p.Name, Balance: r.Balance, Sticky: r.Sticky, Fresh: r.Fresh, Usable: r.Usable,
		Requests: p.Live.Requests.Load(), Retries: p.Live.Retries.Load(),
		NoMember: p.Live.NoMember.Load(), QueueFull: p.Live.QueueFull.Load(),
		P50: q.P50, P99: q.P99, Members: []admin.MemberStatus{},
	}
	for i := range r.Members {
		m := memberStatus(&r.Members[i], v)
		s.Rate += m.Rate
		s.Members = append(s.Members, m)
	}
	return s
}

func memberStatus(r *compile.MemberReport, v *view) admin.MemberStatus {
	s := admin.MemberStatus{
		Name: r.Name, URL: r.URL, Origin: v.cfg.Origin("pools." + r.Pool + ".members." + r.Name + ".url").String(), Route: r.Route, RouteLearned: r.Learned, Role: r.Role, Weight: r.Weight,
		Share: r.Share, State: r.State, Why: r.Why, Asked: r.Asked, Override: r.Override,
		FileWeight: r.FileWeight, WeightBy: r.WeightBy,
		Checked: r.CheckedAt, CheckTook: r.Health.Took.Seconds(),
		Statuses: map[string]uint64{}, FaultKinds: map[string]uint64{}, Sessions: map[string]uint64{},
	}
	live := v.live[r.ID]
	if live == nil {
		return s
	}
	n := live.Read()
	s.InFlight, s.Requests, s.Retries = n.InFlight, n.Requests, n.Retries
	s.Statuses = map[string]uint64{
		"none": n.NoAnswer, "1xx": n.Status1xx, "2xx": n.Status2xx, "3xx": n.Status3xx, "4xx": n.Status4xx, "5xx": n.Status5xx,
	}
	s.FaultKinds, s.Sessions = n.Faults, n.Sessions
	for _, k := range n.Faults {
		s.Faults += k
	}
	for outcome, k := range n.Sessions {
		if outcome != "new" {
			s.SessionsSeen += k
		}
	}
	if n.LastUsed > 0 {
		s.LastRequest = time.Unix(0, n.LastUsed)
	}
	if f := n.LastFault; f != nil {
		s.LastFault = &admin.LastFault{Kind: f.Kind, Text: f.Text, At: time.Unix(0, f.At)}
	}
	s.Connections = admin.Connections{Open: n.Open, Idle: n.Idle, InUse: max(n.Open-n.Idle, 0)}
	s.Queue = n.Queued
	s.P50, s.P99 = n.Total.P50, n.Total.P99
	b := v.pulses[r.ID]
	s.Rate, s.LastSession, s.SessionsOpen = b.rate, b.session, b.alive
	return s
}

// Events implements admin.Controller.
func (c *Controller) Events(after uint64) []admin.Event { return c.events.After(after) }

// Config implements admin.Controller.
func (c *Controller) Config() []byte { return config.Expand(c.view.Load().cfg) }

// Explain implements admin.Controller.
func (c *Controller) Explain(q compile.Question) compile.Explanation {
	v, now := c.view.Load(), time.Now()
	report := c.judge(v, now)
	return compile.Explain(v.table, &report, q, now)
}

// Ready implements admin.Controller.
func (c *Controller) Ready() (ok bool, why string) {
	if c.draining.Load() {
		return false, "stopping"
	}
	r := &c.view.Load().report
	if !r.Servable() {
		for _, p := range r.Pools {
			if p.Fresh == 0 {
				return false, "no member of pool " + p.Name + " takes new sessions"
			}
		}
		return false, "there is no pool"
	}
	return true, ""
}

// Metrics implements metrics.Source.
func (c *Controller) Metrics() metrics.Snapshot {
	v, now := c.view.Load(), time.Now()
	s := metrics.Snapshot{
		Table: v.table, Report: c.judge(v, now), Probes: c.runner.Probes(), Overrides: map[string]int{},
		ReloadsOK: v.sync.ok, ReloadsRefused: v.sync.refused,
		LastReloadOK: v.sync.lastOK, LastSuccess: v.sync.lastSuccess, InSync: v.sync.inSync,
		Version: c.o.Version, Revision: c.o.Revision, Kernel: c.o.Kernel.All(),
	}
	for _, o := range v.overrides {
		s.Overrides[o.Kind()]++
	}
	c.tribesMetrics(&s, v, now)
	if c.o.Dropped != nil {
		s.Dropped = c.o.Dropped()
	}
	c.base.on(&s)
	return s
}
