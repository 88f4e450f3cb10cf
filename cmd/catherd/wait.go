package main

import (
	"context"
	"fmt"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// look is how often drain --wait asks; status is not fresher than a second.
const look = time.Second

// await asks until a drained member may be stopped.
func await(ctx context.Context, e *env, c *admin.Client, f change, pool, name string) error {
	// Ctrl-C ends the waiting, and the message says what it does not end.
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer stop()
	begin := time.Now()
	progress := e.terminal && !e.quiet
	done := func(text string) {
		if progress {
			fmt.Fprint(e.stderr, "\r\x1b[K")
		}
		if !e.quiet && !e.json() {
			fmt.Fprintf(e.stdout, "%s after %s; safe to stop\n", text, age(time.Since(begin).Seconds()))
		}
	}
	for {
		s, err := c.Status(ctx)
		if ctx.Err() != nil {
			return failed("interrupted; %s still drains", name)
		}
		if err != nil {
			return err
		}
		v := judge(s, pool, name, f.quiet)
		switch v.now {
		case drained:
			done(v.text)
			return nil
		case notDraining:
			return failed("%s: %s", name, v.text)
		}
		if progress {
			fmt.Fprintf(e.stderr, "\r\x1b[K  %s", v.text)
		}
		pause(ctx, look)
	}
}

// The verdicts about a draining member.
const (
	draining = iota
	drained
	notDraining
)

type verdict struct {
	now  int
	text string
}

// judge says how far a drain has come. Times are those of the running process,
// which may have been started after the last request of a session: then the
// window begins with the process.
func judge(s *admin.Status, pool, name string, quiet time.Duration) verdict {
	m := s.Member(pool, name)
	switch {
	case m == nil:
		return verdict{notDraining, "the member is no longer in the configuration"}
	case gone(m.State) && m.InFlight == 0:
		return verdict{drained, string(m.State) + ": " + m.Why}
	case gone(m.State):
	case m.State != compile.Drain && m.State != compile.Stop:
		return verdict{notDraining, fmt.Sprintf("no longer drains, it is %s (%s)", m.State, m.Why)}
	}
	now := clock(s)
	from, last := m.LastSession, since(now, m.LastSession)
	if from.IsZero() {
		from = s.Started
	}
	still := now.Sub(from)
	if m.InFlight == 0 && still >= quiet {
		return verdict{drained, "drained"}
	}
	text := fmt.Sprintf("%d in flight, last request of a session %s", m.InFlight, last)
	if left := quiet - still; left > 0 {
		text += fmt.Sprintf(", %s to go if none comes", age(left.Seconds()+1))
	}
	return verdict{draining, text}
}

// gone reports whether nobody gets through to a member any more: its sessions
// are at others, whatever the drain says.
func gone(s compile.State) bool { return s == compile.Down || s == compile.Leaving }
