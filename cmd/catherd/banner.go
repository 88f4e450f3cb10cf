package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
)

// firstLook is how long the start block waits for the first probes. Clients
// are served meanwhile.
const firstLook = 1500 * time.Millisecond

// announce says that the process serves: to systemd at once, to people with
// what the first probes found.
func (x *process) announce(ctx context.Context, status, socket string) {
	took := time.Since(x.begin)
	s := x.ctl.Status()
	notifyReady(s.Sentence)
	if x.e.terminal {
		x.banner(ctx, took, status)
	} else {
		x.log.Info("serving", "listeners", x.serving(&s), "status", status, "socket", socket,
			"config", s.ConfigDigest, "path", s.ConfigPath, "ready_ms", took.Milliseconds())
	}
	watchdog(ctx, func() string { return x.ctl.Status().Sentence })
}

// serving are the addresses with the ports that were really opened.
func (x *process) serving(s *admin.Status) []string {
	out := make([]string, 0, len(s.Listeners))
	addrs := x.front.Addrs()
	for i, l := range s.Listeners {
		scheme, _, _ := strings.Cut(l, "://")
		if i < len(addrs) {
			l = scheme + "://" + addrs[i].String()
		}
		out = append(out, l)
	}
	return out
}

// banner is the start block of a terminal.
func (x *process) banner(ctx context.Context, took time.Duration, status string) {
	s := x.ctl.Status()
	var b strings.Builder
	what := x.plan.path
	if what == "" {
		what = "from the command line"
	}
	fmt.Fprintf(&b, "catherd %s   config %s (%s)\n", s.Version, what, s.ConfigDigest)
	for _, l := range x.serving(&s) {
		fmt.Fprintf(&b, "  serving   %s\n", l)
	}
	if status != "" {
		fmt.Fprintf(&b, "  status    %sapi/v1/status\n", status)
	}
	fmt.Fprint(x.e.stderr, b.String())
	for deadline := time.Now().Add(firstLook); checking(&s) && time.Now().Before(deadline) && pause(ctx, 10*time.Millisecond); {
		s = x.ctl.Status()
	}
	if ctx.Err() != nil {
		return
	}
	fmt.Fprintf(x.e.stderr, "%sready in %d ms\n", poolLines(&s), took.Milliseconds())
}

func checking(s *admin.Status) bool {
	for _, p := range s.Pools {
		for _, m := range p.Members {
			if m.State == compile.Checking {
				return true
			}
		}
	}
	return false
}

// poolLines shows each member with what is known of it.
func poolLines(s *admin.Status) string {
	var b strings.Builder
	for _, p := range s.Pools {
		head, width := "pool "+p.Name, 0
		for _, m := range p.Members {
			width = max(width, len(member(&m)))
		}
		for _, m := range p.Members {
			state := string(m.State)
			if m.State == compile.Ready && m.CheckTook > 0 {
				state += fmt.Sprintf(" in %.1f ms", m.CheckTook*1000)
			} else if m.State != compile.Ready {
				state += ": " + m.Why
			}
			fmt.Fprintf(&b, "  %-9s %-*s   %s\n", head, width, member(&m), state)
			head = ""
		}
	}
	return b.String()
}

func member(m *admin.MemberStatus) string {
	text := m.Name + " " + strings.Replace(m.URL, "://", " ", 1)
	switch {
	case m.Route == "":
		return text + " (route not known yet)"
	case m.RouteLearned:
		return text + " (route " + m.Route + ", learned)"
	}
	return text + " (route " + m.Route + ")"
}

// place is where a problem is, for a log line.
func place(p config.Problem) string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}
