package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/scenario"
)

var noon = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

// stage is the machine of a scenario and its clock.
type stage struct {
	t   *testing.T
	m   Machine
	now time.Time
}

// TestMachine plays testdata/*.txt. Commands:
//
//	settings every=5s down=3 up=2 slow=30s|auto lost=probe|drain|ignore prove
//	    a new machine; the clock goes on
//	wait DURATION
//	    time passes, nothing is printed
//	ok TEXT, request TEXT, refused TEXT, closed TEXT, late TEXT, status TEXT, odd TEXT
//	    a sample at the time the machine asked for
//	trip DURATION [time|request|ping|kernel]
//	    the data path avoids the member
//	heard [AGE], silent [SINCE], notheard, stop, suspect WHY, reborn [AGE], beacon READY BUSY,
//	fault, owes N SILENCE, answered, asked, kernel ended|refused|unanswered N WHY
//	    events; AGE is the JVM's, SINCE and SILENCE how long ago
//	look
//	    prints the verdict
//	waiting
//	    prints what becomes of requests that wait for the member
func TestMachine(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		return (&stage{t: t, now: noon}).do
	})
}

var fails = map[string]Fail{"refused": Refused, "closed": Closed, "late": Late, "status": BadStatus, "odd": Odd}

var kinds = map[string]Kind{
	"heard": Heard, "silent": Silent, "notheard": NotHeard, "stop": PlannedStop, "suspect": Suspect, "reborn": Reborn,
	"beacon": Beacon, "fault": Fault, "owes": Owes, "answered": Answered, "asked": Asked, "deaf": Deaf, "kernel": Kernel,
}

func (s *stage) do(w []string) string {
	if kind, ok := kinds[w[0]]; ok {
		s.m.Input(s.event(kind, w[1:]))
		return s.look("")
	}
	fail, failed := fails[w[0]]
	switch {
	case w[0] == "settings":
		s.m = NewMachine(s.settings(w[1:]), s.now)
		return s.look("")
	case w[0] == "wait":
		s.now = s.now.Add(s.dur(w[1]))
		return ""
	case w[0] == "waiting":
		v := s.m.Verdict(s.now)
		if why := v.Hopeless(); why != "" {
			return "repeated elsewhere: " + why
		}
		return "waits on"
	case w[0] == "look":
		return s.look("")
	case w[0] == "ok" || w[0] == "request" || failed:
		s.now = later(s.now, s.m.Due())
		extra := ""
		if s.m.Sample(Sample{At: s.now, OK: !failed, Fail: fail, Request: w[0] == "request", Text: strings.Join(w[1:], " ")}) {
			extra = " (trip over)"
		}
		return s.look(extra)
	case w[0] == "trip":
		ends := map[string]Proof{"time": ByTime, "request": ByRequest, "ping": ByPing, "kernel": ByPing}[w[2]]
		s.m.Trip(Trip{At: s.now, Until: s.now.Add(s.dur(w[1])), Ends: ends, Kernel: w[2] == "kernel"})
		return s.look("")
	}
	s.t.Fatalf("unknown command %q", w[0])
	return ""
}

func (s *stage) settings(words []string) Settings {
	set := Settings{Every: 5 * time.Second, Connect: time.Second, Timeout: time.Second, DownAfter: 3, UpAfter: 2}
	for _, kv := range words {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "every":
			set.Every = s.dur(v)
		case "slow":
			if set.SlowStart = ByAge; v != "auto" {
				set.SlowStart = s.dur(v)
			}
		case "down":
			fmt.Sscan(v, &set.DownAfter)
		case "up":
			fmt.Sscan(v, &set.UpAfter)
		case "lost":
			set.Lost = map[string]Lost{"probe": LostProbe, "drain": LostDrain, "ignore": LostIgnore}[v]
		case "prove":
			set.Prove = true
		default:
			s.t.Fatalf("unknown setting %q", k)
		}
	}
	return set
}

func (s *stage) event(kind Kind, w []string) Event {
	e := Event{Kind: kind, At: s.now}
	switch {
	case len(w) == 0:
	case kind == Heard || kind == Reborn:
		e.Alive = s.dur(w[0])
	case kind == Silent:
		e.Since = s.now.Add(-s.dur(w[0]))
	case kind == Owes:
		fmt.Sscan(w[0], &e.Owed)
		e.Since = s.now.Add(-s.dur(w[1]))
	case kind == Kernel:
		e.Sign = map[string]Sign{"ended": Ended, "refused": NotHeeded, "unanswered": Unanswered}[w[0]]
		fmt.Sscan(w[1], &e.Count)
		e.Why = "kernel: " + strings.Join(w[2:], " ")
	case kind == Beacon:
		fmt.Sscan(w[0]+" "+w[1], &e.Ready, &e.Busy)
	default:
		e.Why = strings.Join(w, " ")
	}
	return e
}

// look prints when, what, and when next; then the sentence.
func (s *stage) look(extra string) string {
	const clock = "15:04:05.00"
	v := s.m.Verdict(s.now)
	for flag, set := range map[string]bool{" takes nothing": !v.Usable(), " takes sessions": v.OnlySessions} {
		if set {
			extra += flag
		}
	}
	if s.m.Quick() {
		extra += " quick"
	}
	if v.Share < 100 {
		extra += fmt.Sprintf(" %d%%", v.Share)
	}
	if at := s.m.Step(s.now); !at.IsZero() {
		extra += " step " + at.Format("15:04:05")
	}
	return fmt.Sprintf("%s %-8s next %s%s\n            %s", s.now.Format(clock), v.State, s.m.Due().Format(clock), extra, v.Why(s.now))
}

func (s *stage) dur(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func TestSpan(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	f(-time.Second, "0s")
	f(999*time.Millisecond, "0s")
	f(59*time.Second, "59s")
	f(60*time.Second, "1m")
	f(200*time.Second, "3m 20s")
	f(2*time.Hour+5*time.Minute+9*time.Second, "2h 5m")
	f(76*time.Hour, "3d 4h")
}

func TestFast(t *testing.T) {
	f := func(every, want time.Duration) {
		t.Helper()
		if got := (Settings{Every: every}).Fast(); got != want {
			t.Errorf("every %v: got %v, want %v", every, got, want)
		}
	}
	f(time.Hour, time.Second)
	f(5*time.Second, time.Second)
	f(2*time.Second, 400*time.Millisecond)
	f(500*time.Millisecond, 200*time.Millisecond)
	f(100*time.Millisecond, 100*time.Millisecond)
}

func TestWhyMeasured(t *testing.T) {
	v := Verdict{State: Up, OK: true, Text: "health request 200", Asked: true, Ping: 500 * time.Microsecond, Need: 3, Since: noon, Share: 100,
		Heard: noon.Add(11600 * time.Millisecond)}
	now := noon.Add(12 * time.Second)
	if got, want := v.Why(now), "ping 0.5 ms, health request 200 for 12s, heard 0.4 s ago"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	v.Asked, v.Text, v.Heard = false, "cping ok", time.Time{}
	v.Ready, v.Busy, v.Beacon = 0, 200, noon.Add(-18*time.Second)
	if got, want := v.Why(now), "ping 0.5 ms for 12s, no thread free (200 busy)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// Half a minute later nobody knows.
	if got, want := v.Why(now.Add(time.Second)), "ping 0.5 ms for 13s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
