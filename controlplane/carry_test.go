package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/meter"
)

// through is what arrives in another process.
func through[T any](t *testing.T, v T) (out T) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// heirOf starts another world with what the first one hands over.
func heirOf(t *testing.T, k Carry, file, state string, down ...string) *world {
	t.Helper()
	next := &world{t: t, file: file, down: map[string]bool{}}
	for _, name := range down {
		next.down[name] = true
	}
	cfg, problems := next.load()
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	var err error
	next.c, err = New(Options{Config: cfg, Publisher: next, Listeners: next, Prober: next, OverridesPath: state, Load: next.load, Carry: &k})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.c.Start(); err != nil {
		t.Fatal(err)
	}
	return next
}

// runs lets a world's controller work until the function is called.
func runs(w *world) (end func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	go w.c.Run(ctx)
	return func() { cancel(); <-w.c.ended }
}

func TestHandOver(t *testing.T) {
	state := filepath.Join(t.TempDir(), "overrides.json")
	play(t, two, func(o *Options) { o.OverridesPath = state }, func(w *world) {
		t := w.t
		w.set(func() { w.down["b"] = true })
		w.pass(time.Minute)
		if _, err := w.c.SetMember(t.Context(), admin.Action{Pool: "app", Member: "a", State: overrides.Drain, Owner: "root"}); err != nil {
			t.Fatal(err)
		}
		w.member("a").Live.Saw([]byte("jvm-a"), time.Now().UnixNano())
		w.pass(2 * time.Second)
		was, version := w.c.Status(), w.c.Status().TableVersion
		k, err := w.c.HandOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Nothing moves any more, and nobody else gets it.
		if _, err := w.c.HandOver(t.Context()); !refusal(err, "under way") {
			t.Errorf("a second one: %v", err)
		}
		if _, err := w.c.SetMember(t.Context(), admin.Action{Pool: "app", Member: "a", State: overrides.Ready}); !refusal(err, "under way") {
			t.Errorf("a change: %v", err)
		}
		if _, err := w.c.Reload(t.Context(), "root"); !refusal(err, "under way") {
			t.Errorf("a reload: %v", err)
		}
		if err := os.Remove(state); err != nil {
			t.Fatal(err)
		}

		next := heirOf(t, through(t, k), two, state)
		is := next.c.Status()
		if is.TableVersion <= version || len(is.Overrides) != 1 {
			t.Errorf("version %d after %d, overrides %+v", is.TableVersion, version, is.Overrides)
		}
		for i, m := range is.Pools[0].Members {
			if o := was.Pools[0].Members[i]; m.State != o.State || m.Route != o.Route {
				t.Errorf("%s was %s with route %q, is %s with %q", m.Name, o.State, o.Route, m.State, m.Route)
			}
		}
		if _, err := os.Stat(state); err == nil {
			t.Error("overrides were written before the other process has let go")
		}
		defer runs(next)()
		if err := next.c.Thaw(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(state); err != nil {
			t.Error(err)
		}
		// If it does not come to that, everything goes on.
		if err := w.c.Thaw(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.c.SetMember(t.Context(), admin.Action{Pool: "app", Member: "a", State: overrides.Ready}); err != nil {
			t.Error(err)
		}
	})
}

func refusal(err error, word string) bool {
	r, ok := errors.AsType[*admin.Refusal](err)
	return ok && strings.Contains(r.What, word)
}

// Who takes over has to reach the members itself, as far as there were some.
func TestFit(t *testing.T) {
	f := func(name, file string, down []string, wantLacks string) {
		t.Helper()
		play(t, two, nil, func(w *world) {
			t := w.t
			w.pass(time.Second)
			k, err := w.c.HandOver(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			next := heirOf(t, through(t, k), file, "", down...)
			defer runs(next)()
			next.pass(2 * time.Second)
			if done, lacks := next.c.Fit(); !done || lacks != wantLacks {
				t.Errorf("%s: %t, lacks %q, want %q", name, done, lacks, wantLacks)
			}
		})
	}
	f("all well", two, nil, "")
	f("one is down", two, []string{"a"}, "")
	f("none is reached", two, []string{"a", "b"}, "app")
	f("one has left the file", strings.Replace(two, "      b: ajp://127.0.0.1:9009\n", "", 1), nil, "")
}

// What one process counted, in parts, is what the next one shows.
func TestTallyIsPassedOn(t *testing.T) {
	play(t, two, nil, func(w *world) {
		t := w.t
		w.pass(time.Minute)
		work := func(w *world, n int) {
			for _, p := range w.c.view.Load().table.Pools {
				p.Live.Requests.Add(uint64(n))
				p.Live.Duration.Observe(int64(n) * int64(time.Millisecond))
				for i := range p.Members {
					m := p.Members[i].Live
					for range n {
						m.Begin(1)
						m.Done(200, 3, 4, 2, int64(time.Hour), int64(3*time.Millisecond))
					}
					m.Sessions[meter.Moved].Add(uint64(n))
					m.Fault(meter.FaultBroken, 1, "broken")
				}
			}
		}
		work(w, 5)
		if _, err := w.c.Reload(t.Context(), "root"); err != nil {
			t.Fatal(err)
		}
		k, err := w.c.HandOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := heirOf(t, through(t, k), two, "")
		defer runs(next)()
		next.settle() // its first probes
		work(next, 2)
		own := next.c.Tally()
		first := w.c.Tally()
		next.c.Count(through(t, first.Since(nil)))
		work(w, 3)
		second := w.c.Tally()
		next.c.Count(through(t, second.Since(first)))
		if d := second.Since(second); len(d) != 0 {
			t.Errorf("since now: %v", d)
		}
		got := next.c.Tally()
		if len(got) < 4 {
			t.Fatalf("%v", got)
		}
		for about, names := range second {
			for name, n := range names {
				if want := n + own[about][name]; got[about][name] != want {
					t.Errorf("%s, %s: %d, want %d", about, name, got[about][name], want)
				}
			}
		}
		if s := next.c.Metrics(); s.ReloadsOK != 1 {
			t.Errorf("%d reloads", s.ReloadsOK)
		}
	})
}

func TestGroupCountersAreAdded(t *testing.T) {
	var b base
	b.add(Tally{"group g": {"heard": 5, "lost": 2}, "process": {"reloads refused": 3}})
	b.add(Tally{"group g": {"heard": 1}})
	s := metrics.Snapshot{ReloadsRefused: 1, Groups: []metrics.Group{{Name: "g", Heard: 10, Junk: 1}, {Name: "h", Heard: 7}}}
	b.on(&s)
	b.on(&metrics.Snapshot{}) // a scrape changes nothing
	want := []metrics.Group{{Name: "g", Heard: 16, Junk: 1, Lost: 2}, {Name: "h", Heard: 7}}
	if !reflect.DeepEqual(s.Groups, want) || s.ReloadsRefused != 4 {
		t.Errorf("%+v", s)
	}
}
