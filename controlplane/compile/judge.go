package compile

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

// Judge says what each member may take at in.Now and why. It is the part of
// Build that status needs anew whenever it is asked, because sentences such
// as "cping ok for 12s" grow old.
func Judge(in Inputs) Report {
	var r Report
	for i := range in.Config.Pools {
		c := &in.Config.Pools[i]
		p := PoolReport{Name: c.Name, Balance: c.Balance, Sticky: stickyWords(&c.Sticky)}
		routes, notes := assign(c, in.Learned)
		r.Notes = append(r.Notes, notes...)
		for k := range c.Members {
			m := judge(in, c, &c.Members[k])
			m.Route, m.Learned = routes[k].name, routes[k].learned
			p.Members = append(p.Members, m)
		}
		relent(&p)
		if p.Panic = lastResort(&p, c.Health.PanicThreshold); p.Panic != "" {
			r.Notes = append(r.Notes, p.Panic)
		}
		for k := range p.Members {
			if p.Members[k].Take == table.Everything {
				p.Fresh++
			}
			if p.Members[k].Take != table.Nothing {
				p.Usable++
			}
		}
		r.Pools = append(r.Pools, p)
	}
	return r
}

func judge(in Inputs, c *config.Pool, m *config.Member) MemberReport {
	r := MemberReport{
		ID: ID(c.Name, m), Pool: c.Name, Name: m.Name, URL: m.URL.String(),
		Role: m.Role, Weight: m.Weight, FileWeight: m.Weight, Asked: State(m.State), Share: 100, Free: 100,
	}
	if r.Asked == "" {
		r.Asked = Ready
	}
	v, probed := in.Health[r.ID]
	if probed {
		r.Health, r.CheckedAt = v, v.At
		r.Share = min(max(v.Share, 1), 100)
		if c.Balance == config.LeastBusy {
			r.Free = Free(&v, in.Now)
		}
		r.Share = share(r.Share, r.Free)
	}
	wish, why := r.Asked, ""
	if o, ok := overrides.Find(in.Overrides, c.Name, m.Name, in.Now); ok {
		r.Override = &o
		wish, why = State(o.State), o.String()
	} else if wish != Ready {
		why = origin(in.Config, c.Name, m)
	}
	switch {
	case wish == Stop:
		r.State, r.Take, r.Why = Stop, table.Nothing, why
	case probed && !v.Usable():
		r.State, r.Take, r.Why = Checking, table.Nothing, v.Why(in.Now)
		switch v.State {
		case health.Down:
			r.State = Down
		case health.Leaving:
			r.State = Leaving
		}
		if why != "" {
			r.Why += "; " + why
		}
	case wish == Drain:
		r.State, r.Take, r.Why = Drain, table.OnlySessions, why
	case !probed || v.State == health.Checking:
		r.State, r.Take, r.Why = Checking, table.Everything, v.Why(in.Now)+", used all the same"
	default:
		r.State, r.Take, r.Why = Ready, table.Everything, v.Why(in.Now)
		if v.State == health.Shaky {
			r.State = Shaky
		}
		if v.OnlySessions {
			r.Take = table.OnlySessions
		}
		// That nothing is free, the verdict has said by itself.
		if r.Free < 100 && v.Ready > 0 {
			less := ""
			if v.Ready*10 < v.Ready+v.Busy {
				less = "less than "
			}
			r.Why += fmt.Sprintf(", %s%d %% of its threads are free", less, r.Free)
		}
		if r.Override != nil {
			r.Why += "; " + why
		}
	}
	if o, ok := overrides.FindWeight(in.Overrides, c.Name, m.Name, in.Now); ok {
		r.WeightBy, r.Weight = &o, o.Weight
		r.Why += fmt.Sprintf("; %s, file says %d", o.String(), m.Weight)
	}
	return r
}

// origin names the place in the file that asks for a member's state.
func origin(c *config.Config, pool string, m *config.Member) string {
	text := "state: " + m.State
	o := c.Origin("pools." + pool + ".members." + m.Name + ".state")
	switch {
	case o.Line > 0:
		return fmt.Sprintf("%s in %s line %d", text, filepath.Base(o.File), o.Line)
	case o.File != "":
		return text + " in " + filepath.Base(o.File)
	default:
		return text + " in the configuration"
	}
}

func stickyWords(s *config.Sticky) string {
	if s.Off {
		return "none"
	}
	names := append([]string{}, s.Cookie...)
	for _, p := range s.PathParameter {
		names = append(names, ";"+p)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
