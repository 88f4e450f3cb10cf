package compile

import (
	"fmt"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/table"
)

// asGood is how far apart the newest good probes of two members may lie for
// one to be as good a last resort as the other. To send everything to the
// single best would be the end of it.
const asGood = 10 * time.Second

// relent gives members that are not heard new sessions all the same when
// there would be nowhere else to put them: silence may be the network's.
func relent(p *PoolReport) {
	others := false
	for k := range p.Members {
		others = others || p.Members[k].Take == table.Everything
	}
	for k := range p.Members {
		m := &p.Members[k]
		switch {
		case m.State != Shaky || m.Take != table.OnlySessions:
		case others:
			m.Why += "; takes only its own sessions (lost_means: drain)"
		default:
			m.Take = table.Everything
			m.Why += "; takes new sessions all the same, because there is nobody else for them (lost_means: drain)"
		}
	}
}

// lastResort makes members take requests although they are down, when fewer
// than threshold percent of those that operators want in use can serve, or
// none. Only members where something answers, if badly or late, are any use.
// It returns the sentence that says so, "" when nothing was changed. A
// negative threshold means never.
func lastResort(p *PoolReport, threshold int) string {
	wanted, well := 0, 0
	var best *MemberReport
	for k := range p.Members {
		m := &p.Members[k]
		if m.wish() != Ready {
			continue
		}
		wanted++
		switch {
		case m.Take == table.Everything:
			well++
		case m.Health.LastResort() && (best == nil || better(m, best)):
			best = m
		}
	}
	if threshold < 0 || best == nil || well > 0 && well*100 >= threshold*wanted {
		return ""
	}
	lead, names := "nobody better is left", []string{}
	if well > 0 {
		lead = "too few are left"
	}
	for k := range p.Members {
		m := &p.Members[k]
		if m.wish() != Ready || !m.Health.LastResort() || answers(m) != answers(best) ||
			m.Health.OKAt.Before(best.Health.OKAt.Add(-asGood)) {
			continue
		}
		m.Take, m.Resort = table.Everything, true
		m.Why = "used all the same, " + lead + ": " + m.Why
		names = append(names, m.Name)
	}
	return fmt.Sprintf("pool %s: %d of %d members are well; %s used although down (health.panic_threshold: %d%%)",
		p.Name, well, wanted, verb(names), threshold)
}

// better reports whether a is the less bad of two members that are down.
func better(a, b *MemberReport) bool {
	if x, y := answers(a), answers(b); x != y {
		return x
	}
	return a.Health.OKAt.After(b.Health.OKAt)
}

// answers reports whether somebody answers at all, be it badly.
func answers(m *MemberReport) bool { return m.Health.OK || m.Health.Fail == health.BadStatus }

// wish is what the operator wants of the member, else the file.
func (m *MemberReport) wish() State {
	if m.Override != nil {
		return State(m.Override.State)
	}
	return m.Asked
}

func verb(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}
