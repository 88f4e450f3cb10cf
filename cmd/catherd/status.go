package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/overrides"
)

func statusCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "status [POOL[/MEMBER]]",
		Short: "show what runs and how well",
		Long: "Shows every pool and member with its state and the reason. The exit code is 3\n" +
			"when something needs attention; with -q it is all there is.",
		Example:           "  catherd status app/tomcat1",
		Args:              between(0, 1),
		ValidArgsFunction: completeMembers(e),
		RunE:              verb(e, status),
	}
}

func status(ctx context.Context, e *env, args []string) error {
	_, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	attention := s.Attention
	var shown any = s
	if len(args) > 0 {
		if shown, attention, err = narrow(s, args[0]); err != nil {
			return err
		}
	}
	if err := e.facts(shown, statusText(s, args)); err != nil {
		return err
	}
	if attention {
		return silent(exitUnhealthy)
	}
	return nil
}

// narrow cuts the status down to one pool or one member, and returns that part.
func narrow(s *admin.Status, word string) (part any, attention bool, err error) {
	for i := range s.Pools {
		if p := &s.Pools[i]; p.Name == word {
			s.Pools = s.Pools[i : i+1]
			down := p.Usable == 0
			for _, m := range p.Members {
				down = down || m.State == compile.Down
			}
			return p, down, nil
		}
	}
	pool, name, err := find(s, word)
	if err != nil {
		return nil, false, err
	}
	m := *s.Member(pool, name)
	for i := range s.Pools {
		if s.Pools[i].Name == pool {
			s.Pools = s.Pools[i : i+1]
			s.Pools[0].Members = []admin.MemberStatus{m}
			break
		}
	}
	return &m, m.State == compile.Down, nil
}

// statusText is the status as a table.
func statusText(s *admin.Status, args []string) string {
	var b strings.Builder
	sentence := s.Sentence
	if s.Attention {
		sentence = "ATTENTION: " + sentence
	}
	fmt.Fprintf(&b, "catherd %s  up %s  config %s  %s\n", s.Version, age(s.Uptime), s.ConfigDigest, sentence)
	if len(args) == 0 {
		for _, l := range s.Listeners {
			fmt.Fprintf(&b, "listen %s\n", l)
		}
		if !s.InSync {
			fmt.Fprintf(&b, "file   differs from what runs: %s\n", s.OutOfSync)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "note   %s\n", n)
		}
	}
	now := clock(s)
	for _, p := range s.Pools {
		fmt.Fprintf(&b, "pool %s  %s, sticky %s   %.0f req/s   p50 %s   p99 %s\n", p.Name, p.Balance, p.Sticky,
			p.Rate, millis(p.P50), millis(p.P99))
		t := table{indent: "  "}
		t.row("MEMBER", "STATE", ">IN FLIGHT", ">REQ/S", ">P99", ">REQUESTS", ">FAULTS", ">LAST SESSION", "WHY")
		for i := range p.Members {
			m := &p.Members[i]
			t.row(m.Name, string(m.State), fmt.Sprint(m.InFlight), fmt.Sprintf("%.0f", m.Rate), millis(m.P99),
				fmt.Sprint(m.Requests), fmt.Sprint(m.Faults), since(now, m.LastSession), m.Why)
		}
		b.WriteString(t.String())
	}
	if len(args) == 0 {
		for _, o := range s.Overrides {
			if s.Member(o.Pool, o.Member) == nil {
				fmt.Fprintf(&b, "waits  %s/%s is not there: %s; %s takes it back\n", o.Pool, o.Member, o, takeBack(o))
			}
		}
		for i := range s.Groups {
			g := &s.Groups[i]
			fmt.Fprintf(&b, "tribes %s  %s", g.Group, heardCounts(g))
			if !g.Joined || g.Problem != "" || !g.DeafSince.IsZero() {
				fmt.Fprintf(&b, "  %s", joined(g, now))
			}
			b.WriteString("\n")
		}
		for _, source := range s.Sources {
			if source.Problem != "" {
				fmt.Fprintf(&b, "source %s of pool %s: %s\n", source.Name, source.Pool, source.Problem)
			}
		}
		b.WriteString(findingLines(s.Findings))
	}
	return b.String()
}

// takeBack is the command that ends an override.
func takeBack(o overrides.Override) string {
	if o.Weight != 0 {
		return fmt.Sprintf("catherd weight %s/%s --reset", o.Pool, o.Member)
	}
	return fmt.Sprintf("catherd ready %s/%s", o.Pool, o.Member)
}

// millis shows seconds as milliseconds; nothing measured is "-".
func millis(s float64) string {
	switch {
	case s <= 0:
		return "-"
	case s < 0.01:
		return fmt.Sprintf("%.1f ms", s*1000)
	default:
		return fmt.Sprintf("%.0f ms", s*1000)
	}
}

// since shows how long ago something was.
func since(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return age(max(now.Sub(at).Seconds(), 0)) + " ago"
}

// age shows seconds with the two largest units.
func age(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd %dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
