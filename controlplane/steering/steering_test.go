package steering

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/bpf/steer"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/frontend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, enginetest.Leaks()) }

// A loop that is held up gets one connection, which finds both free, and no more.
func TestBusyLoopGetsNothing(t *testing.T) {
	able(t)
	w := start(t, 2, Plan{})
	release := w.hold(0)
	const all = 40
	stuck := 0
	for range all {
		c := w.dial()
		if n := w.status().Listeners[0].Chosen; n > stuck {
			stuck = n
			continue
		}
		w.ask(c)
		_ = c.Close()
		w.until("the connection has ended", func() bool { return w.status().Listeners[1].Open == 0 })
	}
	if l := w.status().Listeners; stuck > 1 || l[0].Waiting != stuck || l[1].Chosen != all-stuck {
		t.Errorf("of %d: %+v", all, l)
	}
	release()
	w.until("what waited is served", func() bool {
		l := w.status().Listeners
		return l[0].Waiting == 0 && l[1].Waiting == 0
	})
}

// While nobody accepts, the least loaded shares exactly, and a hash does not care.
func TestPolicies(t *testing.T) {
	able(t)
	f := func(p Plan, exact bool) {
		t.Helper()
		w := start(t, 2, p)
		r0, r1 := w.hold(0), w.hold(1)
		// How long they have been held counts up to 17 ms (MOST_AT_IT of steer.c).
		held := time.Now()
		w.until("both have been held equally long", func() bool { return time.Since(held) > 20*time.Millisecond })
		for range 60 {
			w.dial()
		}
		q := w.queues()
		if len(q) != 2 || q[0]+q[1] != 60 || exact != (q[0] == 30) && exact || q[0] < 5 {
			t.Errorf("%+v: %d of 60 wait at the listeners", p, q)
		}
		s := w.status()
		if k := w.s.Kernel(); p.Mode == Never && (k.State != kernel.Off || k.Missing == "") ||
			p.Mode != Never && (k.State != kernel.Attached || k.Counts["chosen"] != 60 || k.Has["waiting"] != 60) {
			t.Errorf("%+v: %+v", p, k)
		}
		if steered := p.Mode != Never; steered != (s.State == Steered) || steered != (s.Chosen == 60) {
			t.Errorf("%+v: %+v", p, s)
		}
		r0()
		r1()
	}
	f(Plan{}, true)
	f(Plan{Mode: Require, Policy: "least-loaded"}, true)
	f(Plan{Policy: "hash"}, false)
	f(Plan{Mode: Never, Why: "never in the file"}, false)
}

// Everything is counted once, and what ends is counted off, on loops and by goroutines.
func TestCountsComeToNothing(t *testing.T) {
	able(t)
	for _, loops := range []int{2, 0} {
		w := start(t, loops, Plan{})
		if n := len(w.status().Listeners); n < 2 {
			t.Fatalf("%d listeners", n)
		}
		open := func() (n int) {
			for _, l := range w.status().Listeners {
				n += l.Open
			}
			return n
		}
		for range 3 {
			w.ask(w.dial())
		}
		c := w.dial()
		w.ask(c)
		if open() != 4 {
			t.Errorf("%d loops: %d open, want 4", loops, open())
		}
		_ = c.Close()
		w.until("three are open", func() bool { return open() == 3 })
		w.until("nothing waits", func() bool {
			n := 0
			for _, l := range w.status().Listeners {
				n += l.Waiting
			}
			return n == 0
		})
	}
}

// The plan of a reload counts for addresses that are open, and addresses come and go.
func TestReload(t *testing.T) {
	able(t)
	w := start(t, 2, Plan{})
	before := w.s.Set(Plan{Mode: Never, Why: "never in the file"})
	if err := w.e.Steer(); err != nil || before != (Plan{}) {
		t.Error(before, err)
	}
	c := w.dial()
	w.ask(c)
	if s := w.status(); s.State != Off || s.Why != "never in the file" || len(s.Listeners) != 0 {
		t.Errorf("%+v", s)
	}
	w.s.Set(Plan{Policy: "hash"})
	if err := w.e.Steer(); err != nil {
		t.Error(err)
	}
	// Our own former group may take a moment to let go.
	w.until("it is steered again", func() bool { return w.status().State == Steered })
	_ = c.Close() // it was not counted, so it is not counted off
	d := w.dial()
	w.ask(d)
	w.until("it has ended", func() bool { open, _, _ := w.e.Clients(); return open == 1 })
	s := w.status()
	if s.State != Steered || s.Policy != "hash" || s.Chosen != 1 || s.Listeners[0].Open+s.Listeners[1].Open != 1 {
		t.Errorf("%+v", s)
	}
	since := s.Since
	w.s.Set(Plan{Policy: "least-loaded"})
	if err := w.e.Steer(); err != nil {
		t.Error(err)
	}
	if s := w.status(); s.Policy != "least-loaded" || s.Chosen != 1 || s.Since != since {
		t.Errorf("a change of policy begins anew: %+v", s)
	}

	if _, err := w.e.Listen([]frontend.Spec{{Address: "127.0.0.1:0"}, {Address: "[::1]:0"}}); err != nil {
		t.Fatal(err)
	}
	if all := w.s.Status(); len(all) != 2 || all[1].State != Steered {
		t.Errorf("%+v", all)
	}
	if _, err := w.e.Listen(nil); err != nil {
		t.Fatal(err)
	}
	if all := w.s.Status(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

// A process that was handed the listeners of another one waits until that one has let
// go of them, without either losing a connection.
func TestHandedOver(t *testing.T) {
	able(t)
	fds := listeners(t, 2)
	log := slog.New(slog.DiscardHandler)
	elder, heir := New(Plan{}, log), New(Plan{Mode: Require}, log)
	was, err := elder.Open("a", fds)
	if err != nil {
		t.Fatal(err)
	}
	is, err := heir.Open("a", fds)
	if err != nil {
		t.Fatal(err)
	}
	if err := is.Tend(fds); err != nil {
		t.Fatal(err)
	}
	if s := heir.Status()[0]; s.State != Waiting || s.Cure == "" || is.Load(0) != nil {
		t.Fatalf("%+v", s)
	}
	was.Close()
	// The kernel gives the maps of a closed group back a moment later.
	w := served{T: t, s: heir, e: start(t, 0, Plan{Mode: Never}).e}
	w.until("it is steered", func() bool {
		if err := is.Tend(fds); err != nil {
			t.Fatal(err)
		}
		return heir.Status()[0].State == Steered
	})
	if is.Load(1) == nil || is.Load(2) != nil {
		t.Error("loads of 2 listeners")
	}
	is.Close()
}

// refusing is a kernel that does not let us.
func refusing(p Plan, log *bytes.Buffer) *Steering {
	s := New(p, slog.New(slog.NewTextHandler(log, nil)))
	s.make = func() (group, error) { return nil, errors.New("load the steering: not allowed") }
	s.probe = func() bpf.Feature { return bpf.Feature{Missing: "CAP_BPF", Cure: "run as root"} }
	return s
}

func TestRefused(t *testing.T) {
	var log bytes.Buffer
	s := refusing(Plan{}, &log)
	fds := listeners(t, 2)
	a, err := s.Open("a", fds)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("b", listeners(t, 2)); err != nil {
		t.Fatal(err)
	}
	for _, x := range s.Status() {
		if x.State != Refused || x.Why != "CAP_BPF" || x.Cure != "run as root" {
			t.Errorf("%+v", x)
		}
	}
	if k := s.Kernel(); k.State != kernel.Missing || k.Missing != "CAP_BPF" || k.Cure != "run as root" {
		t.Errorf("%+v", k)
	}
	if n := strings.Count(log.String(), "steering off"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	tried := 0
	s.make = func() (group, error) { tried++; return nil, errors.New("not allowed") }
	if err := a.Tend(fds); err != nil || tried != 0 {
		t.Errorf("tried %d times again, %v", tried, err)
	}
	s.Set(Plan{Mode: Require})
	if err := a.Tend(fds); err == nil || !strings.Contains(err.Error(), "run as root") || tried != 1 {
		t.Errorf("tried %d times, %v", tried, err)
	}
	if _, err := s.Open("c", listeners(t, 2)); err == nil || len(s.Status()) != 2 {
		t.Errorf("%v, %+v", err, s.Status())
	}
	s.Set(Plan{Mode: Never})
	if err := a.Tend(fds); err != nil || s.Status()[0].State != Off {
		t.Errorf("%v, %+v", err, s.Status())
	}
}

// There is nothing to choose with one listener, however many descriptors it has.
func TestAlone(t *testing.T) {
	var log bytes.Buffer
	s := refusing(Plan{Mode: Require}, &log)
	fds := listeners(t, 1)
	a, err := s.Open("a", append(fds, fds[0]))
	if err != nil || s.Status()[0].State != Alone || a.Load(0) != nil {
		t.Errorf("%v, %+v", err, s.Status())
	}
	many := make([]int, steer.Listeners+1)
	copy(many, listeners(t, 2))
	if _, err := s.Open("b", many); err == nil {
		t.Errorf("%d listeners in one group", len(many))
	}
}
