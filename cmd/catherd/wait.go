package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

const (
	// look is how often --wait asks; status is not fresher than a second.
	look = time.Second
	// absence is for how long nobody may answer meanwhile: a restart of the
	// process keeps the drain, and shall not end the waiting.
	absence = 15 * time.Second
)

// waiting is one --wait: what is waited for, and how far it is.
type waiting struct {
	change
	pool, name string
	until      time.Time // when the running process takes the change back; zero: never

	elders time.Time // when processes that were replaced had something, the last time

	counting bool
	base     uint64 // requests of sessions before the first look
	counts
}

// counts is what is left to wait for.
type counts struct {
	inFlight int64
	sessions uint64    // requests of sessions since the first look
	last     time.Time // newest request of a session; zero: none
	now      time.Time // of the running process
	before   string    // what else processes before may bring the member; "" for nothing
}

func (n *counts) String() string {
	text := fmt.Sprintf("%d in flight", n.inFlight)
	if n.last.IsZero() {
		return text + ", no request of a session so far" + n.before
	}
	return text + fmt.Sprintf(", %d requests of sessions meanwhile, the last %s", n.sessions, since(n.now, n.last)) + n.before
}

// waitFact is how a waiting has ended, in the JSON of the command.
type waitFact struct {
	Safe        bool      `json:"safe_to_stop"`
	Why         string    `json:"why"`
	Took        float64   `json:"took_seconds"`
	InFlight    int64     `json:"in_flight"`
	Sessions    uint64    `json:"requests_of_sessions"` // while it was waited
	LastSession time.Time `json:"last_session,omitzero"`
}

// await asks until a member may be stopped, or until it is known that this
// does not come. Not having got there is an outcome like the other one, told
// among the facts, with an exit code that keeps a script from stopping the
// Tomcat.
func await(ctx context.Context, e *env, c *admin.Client, w *waiting, r *admin.ActionResult) error {
	// Ctrl-C ends the waiting, and the message says what it does not end.
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer stop()
	begin := time.Now()
	show := progress{e: e}
	answered := begin
	for {
		s, err := c.Status(ctx)
		passed := time.Since(begin)
		switch {
		case ctx.Err() != nil:
			show.end()
			return failed("interrupted after %s; %s %s", age(passed.Seconds()), w.name, stateWords[w.state].still)
		case errors.Is(err, admin.ErrNobody) && time.Since(answered) < absence:
			pause(ctx, look)
			continue
		case err != nil:
			show.end()
			return err
		}
		answered = time.Now()
		v := w.judge(s)
		if v.now == draining && w.deadline > 0 && passed >= w.deadline {
			v = verdict{overdue, fmt.Sprintf("%s; %s %s", &w.counts, w.name, stateWords[w.state].still)}
		}
		if v.now == draining {
			show.step(v.text, w.inFlight, w.sessions)
			rest := look
			if w.deadline > 0 {
				rest = min(rest, w.deadline-passed)
			}
			pause(ctx, rest)
			continue
		}
		show.end()
		text := fmt.Sprintf("%s after %s; safe to stop\n", v.text, age(passed.Seconds()))
		if v.now != drained {
			text = fmt.Sprintf("not safe to stop after %s: %s\n", age(passed.Seconds()), v.text)
		}
		if err := e.facts(struct {
			*admin.ActionResult
			Wait waitFact `json:"wait"`
		}{r, waitFact{v.now == drained, v.text, passed.Seconds(), w.inFlight, w.sessions, w.last}}, text); err != nil {
			return err
		}
		if v.now != drained {
			return silent(exitFailed)
		}
		return nil
	}
}

// The verdicts about a member that is waited for.
const (
	draining = iota
	drained
	overdue    // the deadline has passed
	notDrained // it takes everything again, or is gone
)

type verdict struct {
	now  int
	text string
}

// judge says how far it is. Times are those of the running process, which may
// have been started after the last request of a session: then the window begins
// with the process.
func (w *waiting) judge(s *admin.Status) verdict {
	m := s.Member(w.pool, w.name)
	if m == nil {
		return verdict{notDrained, fmt.Sprintf("there is no member %s any more", w.name)}
	}
	w.count(s, m)
	w.ask(s, m)
	switch {
	case gone(m.State) && w.inFlight == 0 && w.before == "":
		return verdict{drained, string(m.State) + ": " + m.Why}
	case gone(m.State):
	case m.State == compile.Drain || m.State == compile.Stop:
	case m.Override == nil && !w.until.IsZero() && !w.now.Before(w.until):
		return verdict{notDrained, fmt.Sprintf("--for %s is over and %s is %s again; %s", w.period, w.name, m.State, &w.counts)}
	default:
		return verdict{notDrained, fmt.Sprintf("%s was taken back, %s is %s (%s)", w.state, w.name, m.State, m.Why)}
	}
	from := m.LastSession
	if from.IsZero() {
		from = s.Started
	}
	if w.elders.After(from) {
		from = w.elders // nobody says which sessions they saw, and when
	}
	left := w.quiet - w.now.Sub(from)
	if m.State == compile.Stop {
		left = 0 // a session that asks now is sent elsewhere
	}
	if w.inFlight == 0 && left <= 0 && w.before == "" {
		return verdict{drained, stateWords[w.state].done}
	}
	text := w.counts.String()
	if left > 0 {
		text += fmt.Sprintf(", %s to go if none comes", age(left.Seconds()+1))
	}
	return verdict{draining, text}
}

// count takes in the numbers of the member.
func (w *waiting) count(s *admin.Status, m *admin.MemberStatus) {
	if !w.counting || m.SessionsSeen < w.base {
		// The first look, or another process that counts anew.
		w.counting, w.base = true, m.SessionsSeen
	}
	w.counts = counts{inFlight: m.InFlight, sessions: m.SessionsSeen - w.base, last: m.LastSession, now: clock(s)}
}

// ask takes in what processes that were replaced have left for the member. What an
// operator has asked for since then they do not know: an idle connection of theirs may
// still bring a request, if only one.
func (w *waiting) ask(s *admin.Status, m *admin.MemberStatus) {
	var idle, inFlight int64
	silent := false
	for i := range s.Elders {
		o := &s.Elders[i]
		silent = silent || !o.Known
		if !gone(m.State) {
			idle += o.Idle
		}
		inFlight += o.InFlight[m.URL]
	}
	w.inFlight += inFlight
	if silent {
		w.before += ", a process before has not said what it has left"
	}
	if idle > 0 {
		w.before += fmt.Sprintf(", %s of a process before, each good for one request more", plural(int(idle), "connection"))
	}
	if w.before != "" || inFlight > 0 {
		w.elders = w.now
	}
}

// gone reports whether nobody gets through to a member any more: its sessions
// are at others, whatever the drain says.
func gone(s compile.State) bool { return s == compile.Down || s == compile.Leaving }

// progress tells how far a waiting is: on a terminal in one line that changes,
// elsewhere with a line whenever a number has changed.
type progress struct {
	e        *env
	told     bool
	inFlight int64
	sessions uint64
}

func (p *progress) step(text string, inFlight int64, sessions uint64) {
	switch {
	case p.e.quiet:
		return
	case p.e.terminal:
		fmt.Fprintf(p.e.stderr, "\r\x1b[K  %s", text)
	case !p.told || inFlight != p.inFlight || sessions != p.sessions:
		fmt.Fprintf(p.e.stderr, "  %s\n", text)
	}
	p.told, p.inFlight, p.sessions = true, inFlight, sessions
}

// end leaves the terminal as it was.
func (p *progress) end() {
	if p.told && p.e.terminal && !p.e.quiet {
		fmt.Fprint(p.e.stderr, "\r\x1b[K")
	}
}
