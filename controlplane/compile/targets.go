package compile

import (
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
)

// Targets returns every member as health is to watch it. Stopped ones are
// watched as well, so that the truth is known when they are readied.
func Targets(c *config.Config) []health.Target {
	var out []health.Target
	for i := range c.Pools {
		p := &c.Pools[i]
		for k := range p.Members {
			m := &p.Members[k]
			out = append(out, health.Target{ID: ID(p.Name, m), To: target(m.URL, p.Secret), Settings: settings(p)})
		}
	}
	return out
}

func settings(p *config.Pool) health.Settings {
	s := health.Settings{
		Every:     p.Health.Every,
		Connect:   p.Timeouts.Connect,
		Timeout:   p.Health.Cping,
		DownAfter: p.Health.DownAfter,
		UpAfter:   p.Health.UpAfter,
		SlowStart: p.Health.SlowStart,
	}
	if p.Health.Request.Path != "" {
		s.Request = &health.Request{Path: p.Health.Request.Path, Host: p.Health.Request.Host}
		for _, r := range p.Health.Request.Expect {
			s.Request.Expect = append(s.Request.Expect, health.Range{From: r.From, To: r.To})
		}
	}
	return s
}
