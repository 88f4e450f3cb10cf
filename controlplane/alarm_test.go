package controlplane

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/events"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/dataplane/table"
)

// wiretap is a kernel whose events are made of paper.
type wiretap struct {
	out chan []events.Event

	mu      sync.Mutex // guards the rest
	refuse  error
	watched []string
	closed  bool
	dropped []table.ID // whose idle connections were looked at
}

func (k *wiretap) open(members []netip.AddrPort) (kernel.Source, error) {
	if k.refuse != nil {
		return nil, k.refuse
	}
	return k, k.Set(members)
}

func (k *wiretap) Set(members []netip.AddrPort) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watched = nil
	for _, m := range members {
		k.watched = append(k.watched, m.String())
	}
	slices.Sort(k.watched)
	return nil
}

func (k *wiretap) Batches() <-chan []events.Event { return k.out }
func (k *wiretap) Lost() uint64                   { return 2 }

func (k *wiretap) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return nil
}

func (k *wiretap) DropEnded(id table.ID) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropped = append(k.dropped, id)
	return 1
}

func (k *wiretap) members() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.watched, " ")
}

// tell sends events of a member, all at once.
func (k *wiretap) tell(member string, kinds ...events.Kind) {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	var batch []events.Event
	for _, kind := range kinds {
		batch = append(batch, events.Event{Kind: kind, Member: netip.MustParseAddrPort(member), At: time.Duration(now.Nano())})
	}
	k.out <- batch
	synctest.Wait()
}

// tapped plays around a kernel that tells events.
func tapped(t *testing.T, file string, env map[string]string, f func(w *world, k *wiretap)) {
	var k *wiretap
	play(t, file, func(o *Options) {
		k = &wiretap{out: make(chan []events.Event)}
		o.Events, o.Idle = k.open, k
		o.Getenv = func(name string) string { return env[name] }
	}, func(w *world) { f(w, k) })
}

func burst(n int, kind events.Kind) []events.Kind { return slices.Repeat([]events.Kind{kind}, n) }

// A member whose process died is out at once: its connections end, the probe that
// is made for that is refused. No time passes.
func TestDeadMemberIsOutByTheKernel(t *testing.T) {
	tapped(t, two, nil, func(w *world, k *wiretap) {
		if k.members() != "127.0.0.1:8009 127.0.0.1:9009" {
			t.Fatalf("watched: %s", k.members())
		}
		w.pass(time.Second)
		_, seq := w.events(0)
		b := w.member("b")
		b.Live.Open.Store(64)
		b.Live.Idle.Store(60)
		w.set(func() { w.down["b"] = true })
		began := time.Now()
		k.tell("127.0.0.1:9009", append(burst(3, events.Reset), burst(61, events.Closed)...)...)
		if got := w.memberStatus("b"); got.State != compile.Down || !strings.HasPrefix(got.Why, "connect refused after kernel: 3 resets and 61 ends in 1 ms, since ") {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		if take := w.member("b").Take; take != table.Nothing || time.Since(began) != 0 {
			t.Errorf("the table lets it take %d, after %v", take, time.Since(began))
		}
		if len(k.dropped) != 1 || k.dropped[0] != b.ID {
			t.Errorf("dropped %v", k.dropped)
		}
		w.expectEvents(seq, "member avoided b", "member down b")

		// What its probes and others meet there now is no news.
		version := w.published()
		k.tell("127.0.0.1:9009", events.Refused, events.Refused, events.Reset, events.Reset, events.Reset)
		w.expect(w.published(), version)
		w.expect(w.memberStatus("a").Why[:8], "cping ok")
	})
}

// A refused connect of a request is a witness; the probe's refusal the second one.
func TestRefusedConnectHasItAsked(t *testing.T) {
	tapped(t, two, nil, func(w *world, k *wiretap) {
		w.pass(time.Second)
		w.set(func() { w.down["b"] = true })
		k.tell("127.0.0.1:9009", events.Refused)
		if got := w.memberStatus("b"); got.State != compile.Down {
			t.Errorf("%s: %s", got.State, got.Why)
		}
	})
}

// Whoever answers stays, whatever is told of it, and is avoided no longer than
// until its answer: Tomcat closes idle connections in one round.
func TestLivingMemberStays(t *testing.T) {
	tapped(t, two, nil, func(w *world, k *wiretap) {
		w.pass(time.Second)
		_, seq := w.events(0)
		b := w.member("b")
		b.Live.Open.Store(64)
		for range 50 {
			k.tell("127.0.0.1:9009", burst(64, events.Closed)...)
			if b.Live.Tripped(time.Now().UnixNano()) || w.member("b").Take != table.Everything {
				t.Fatal("it answers and is avoided")
			}
			w.pass(100 * time.Millisecond)
			k.tell("127.0.0.1:9009", events.Refused, events.SYNAgain, events.Lost)
			w.pass(100 * time.Millisecond)
		}
		if got := w.memberStatus("b"); got.State != compile.Ready {
			t.Errorf("%s: %s", got.State, got.Why)
		}
		// Ten seconds of that are one story.
		kinds, _ := w.events(seq)
		if len(kinds) != 1 {
			t.Errorf("events: %q", kinds)
		}
	})
}

// A trip of the data path's own is not ended by the kernel's word and a pong.
func TestOwnTripStays(t *testing.T) {
	tapped(t, two, nil, func(w *world, k *wiretap) {
		w.pass(time.Second)
		b := w.member("b")
		b.Live.Open.Store(3)
		until := time.Now().Add(time.Minute).UnixNano()
		b.Live.Trip(until)
		k.tell("127.0.0.1:9009", burst(3, events.Reset)...)
		if b.Live.NotBefore.Load() != until {
			t.Error("the trip has been ended or moved")
		}
	})
}

// Members that come and go are watched and not, and so is everybody when the file
// says never.
func TestWatchFollowsTheFile(t *testing.T) {
	tapped(t, two, nil, func(w *world, k *wiretap) {
		reload := func(file, want string) {
			t.Helper()
			w.set(func() { w.file = file })
			if _, err := w.c.Reload(w.t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.expect(k.members(), want)
		}
		reload(strings.Replace(two, "b: ajp://127.0.0.1:9009", `b: "http://[::ffff:10.0.0.9]:8080"`, 1), "10.0.0.9:8080 127.0.0.1:8009")
		if s := w.c.Status().Kernel; len(s) != 1 || s[0].State != kernel.Attached || s[0].Has["addresses"] != 2 || s[0].Counts["lost"] != 2 {
			t.Errorf("status: %+v", s)
		}
		reload(two+"kernel: {events: never}\n", "10.0.0.9:8080 127.0.0.1:8009")
		if s := w.c.Status().Kernel; len(s) != 1 || s[0].State != kernel.Off || !k.closed {
			t.Errorf("status: %+v", s)
		}
	})
}

// Without the kernel's help everything runs, and says what is missing.
func TestNoKernelEvents(t *testing.T) {
	refuse := errors.New("attach: not allowed")
	for _, c := range []struct {
		env   map[string]string
		state kernel.State
		why   string
	}{{nil, kernel.Missing, ""}, {map[string]string{"KERNEL": "off"}, kernel.Off, "KERNEL=off in the environment"}} {
		play(t, two, func(o *Options) {
			k := &wiretap{refuse: refuse}
			o.Events, o.Getenv = k.open, func(name string) string { return c.env[name] }
		}, func(w *world) {
			s := w.c.Status().Kernel
			if len(s) != 1 || s[0].State != c.state || s[0].Missing == "" || c.why != "" && s[0].Missing != c.why {
				t.Errorf("status: %+v", s)
			}
			w.pass(time.Second)
			w.set(func() { w.down["b"] = true })
			w.pass(20 * time.Second)
			w.expect(string(w.memberStatus("b").State), string(compile.Down))
		})
	}
}

// Where the file requires the events, nothing is served without them.
func TestRequiredKernelEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, file: two + "kernel: {events: require}\n", down: map[string]bool{}}
		cfg, problems := w.load()
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		k := &wiretap{refuse: errors.New("attach: not allowed")}
		c, err := New(Options{Config: cfg, Publisher: w, Listeners: w, Prober: w, Events: k.open})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err == nil || !strings.Contains(err.Error(), "kernel.events is require") || len(w.listens)+len(w.tables) != 0 {
			t.Errorf("start: %v, %d listens", err, len(w.listens))
		}
	})
}
