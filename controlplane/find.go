package controlplane

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/tribes"
)

// findEvery is how often the cluster is looked over for what is wrong with it.
const findEvery = 2 * time.Second

// find looks for what is wrong with the cluster, and tells what is new.
func (c *Controller) find(now time.Time) {
	quiet := len(c.file.Tribes) == 0 && len(c.hear.findings) == 0 && len(c.hear.result.Findings) == 0 && len(c.hear.said) == 0
	if quiet || now.Sub(c.hear.checked) < findEvery {
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
