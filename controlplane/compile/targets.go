package compile

import (
	"time"

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
			out = append(out, health.Target{ID: ID(p.Name, m), To: target(m.URL, p.Secret), Settings: settings(c, p, m)})
		}
	}
	return out
}

func settings(c *config.Config, p *config.Pool, m *config.Member) health.Settings {
	s := health.Settings{
		Every:     p.Health.Every,
		Connect:   p.Timeouts.Connect,
		Timeout:   p.Health.Cping,
		DownAfter: p.Health.DownAfter,
		UpAfter:   p.Health.UpAfter,
		SlowStart: slowStart(p.Health.SlowStart),
		Lost:      lostMeans(c, p),
		Prove:     found(c, p, m),
	}
	if p.Health.Request.Path != "" {
		s.Request = &health.Request{
			Path: p.Health.Request.Path, Host: p.Health.Request.Host, Body: p.Health.Request.Body,
			Session: sessions(&p.Sticky),
		}
		for _, r := range p.Health.Request.Expect {
			s.Request.Expect = append(s.Request.Expect, health.Range{From: r.From, To: r.To})
		}
	}
	return s
}

// lost is what silence means, by the word of the language.
var lost = map[string]health.Lost{
	"probe": health.LostProbe, "drain": health.LostDrain, "ignore": health.LostIgnore,
}

// found reports whether the member stands in no file: nobody has vouched for
// it before it was probed. Config.With notes how each such member was found.
func found(c *config.Config, p *config.Pool, m *config.Member) bool {
	return c.Origin("pools."+p.Name+".members."+m.Name+".receiver").Note != ""
}

// lostMeans is what silence means in the group that the pool is heard in.
// Where groups that come into question disagree it makes a probe due, which
// hurts nobody.
func lostMeans(c *config.Config, p *config.Pool) health.Lost {
	word := ""
	for i := range c.Tribes {
		t := &c.Tribes[i]
		switch {
		case p.Discover.Group != "" && p.Discover.Group != t.Group:
		case word == "":
			word = t.LostMeans
		case word != t.LostMeans:
			return health.LostProbe
		}
	}
	return lost[word]
}

// slowStart turns the language's auto, a negative duration, into health's.
func slowStart(d time.Duration) time.Duration {
	if d < 0 {
		return health.ByAge
	}
	return d
}
