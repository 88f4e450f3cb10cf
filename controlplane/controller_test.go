package controlplane

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/meter"
)

func TestStartServesAtOnce(t *testing.T) {
	play(t, two, nil, func(w *world) {
		// The first table was there before any probe; the verdicts changed
		// what is known and not what the data path does.
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
		w.expectEvents(0, "started", "member ready a", "member ready b")
		if len(w.listens) != 1 || w.listens[0][0].Address != ":8080" || w.applied != 1 {
			t.Errorf("listens %v, applied %d", w.listens, w.applied)
		}
		s := w.c.Status()
		w.expect(s.Sentence, "all well")
		if !s.Ready || !s.InSync || s.TableVersion != 1 || s.ConfigDigest == "" || len(s.Pools) != 1 || s.Listeners[0] != "http://:8080" {
			t.Errorf("status %+v", s)
		}
		// An hour in which nothing happens publishes nothing and tells nothing.
		_, last := w.events(0)
		w.pass(time.Hour)
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
		w.expectEvents(last)
		w.expect(w.c.Status().Pools[0].Members[0].Why, "cping ok for 1h")
	})
}

func TestMemberGoesAndComes(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		w.set(func() { w.down["b"] = true })
		w.pass(8 * time.Second) // a probe within 5 s, then two fast ones
		w.expect(w.published(), "2 tables, version 2: a=all b=none")
		seq = w.expectEvents(seq, "member shaky b", "member down b")
		s := w.c.Status()
		w.expect(s.Sentence, "1 of 2 members down (b)")
		m := s.Member("app", "b")
		if !s.Attention || !s.Ready || m.State != compile.Down || !strings.HasPrefix(m.Why, "connect refused, 3 of 3 since ") {
			t.Errorf("member %+v", m)
		}
		w.set(func() { w.down["b"] = false })
		w.pass(8 * time.Second)
		w.expect(w.published(), "3 tables, version 3: a=all b=all")
		w.expectEvents(seq, "member ready b")
	})
}

// When nobody is left, those where somebody answers are used, and that is told.
func TestLastResort(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		w.set(func() { w.sick, w.down["a"], w.down["b"] = true, true, true })
		w.pass(8 * time.Second)
		kinds, _ := w.events(seq)
		if !slices.Contains(kinds, "note") || !strings.HasSuffix(w.published(), "a=all b=all") {
			t.Errorf("%s, events %q", w.published(), kinds)
		}
		s := w.c.Status()
		want := "pool app: 0 of 2 members are well; a, b are used although down (health.panic_threshold: 0%)"
		if !s.Ready || !slices.Contains(s.Notes, want) || w.memberStatus("a").State != compile.Down {
			t.Errorf("ready %v, notes %q", s.Ready, s.Notes)
		}
		w.set(func() { clear(w.down) })
		w.pass(8 * time.Second)
		if s := w.c.Status(); len(s.Notes) != 0 || s.Sentence != "all well" {
			t.Errorf("%q, notes %q", s.Sentence, s.Notes)
		}
	})
}

// Verdicts that come together are one table, not one each.
func TestChangesAreFolded(t *testing.T) {
	file := "listen: 8080\npools:\n  app:\n    members:\n"
	for _, n := range "abcdefghij" {
		file += "      " + string(n) + ": ajp://127.0.0.1:80" + string('0'+(n-'a')) + "9\n"
	}
	play(t, file, nil, func(w *world) {
		w.set(func() {
			for _, n := range "abcdefghi" {
				w.down[string(n)] = true
			}
		})
		w.pass(8 * time.Second)
		w.mu.Lock()
		n := len(w.tables)
		w.mu.Unlock()
		if n < 2 || n > 3 {
			t.Errorf("nine verdicts at the same time made %d tables", n-1)
		}
		if !strings.HasSuffix(w.published(), "i=none j=all") {
			t.Error(w.published())
		}
	})
}

func TestTrip(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		live := w.member("a").Live
		for range 5 {
			live.Fault(meter.FaultDial, time.Now().UnixNano(), "connect refused")
		}
		live.Trip(time.Now().Add(5 * time.Second).UnixNano())
		w.pass(time.Second) // one tick, and the probe it causes
		seq = w.expectEvents(seq, "member avoided a")
		if live.Tripped(time.Now().UnixNano()) {
			t.Error("a ping has shown that somebody listens, and the member is still avoided")
		}
		w.pass(time.Second)
		// The next trip is a time-out: a ping does not end it, a failed probe
		// makes it final.
		w.set(func() { w.down["a"] = true })
		live.Fault(meter.FaultTimeoutHead, time.Now().UnixNano(), "no answer within 60s")
		live.Trip(time.Now().Add(5 * time.Second).UnixNano())
		w.pass(time.Second)
		w.expectEvents(seq, "member avoided a", "member down a")
		w.expect(w.published(), "2 tables, version 2: a=none b=all")
	})
}

// A connector that is paused belongs to a Tomcat that begins to stop: it is probed
// at once, and a pong on a new connection ends what the data path has against it.
func TestPausedConnectorIsProbed(t *testing.T) {
	play(t, two, nil, func(w *world) {
		w.pass(2 * time.Second)
		live := w.member("a").Live
		probes := func() uint64 { return w.c.runner.Probes()["app/a@ajp://127.0.0.1:8009"].OK.Load() }
		before := probes()
		live.InFlight.Store(1)
		live.Fault(meter.FaultPaused, time.Now().UnixNano(), "the connector is paused")
		w.pass(tick)
		if n := probes() - before; n != 1 {
			t.Errorf("%d probes after the fault", n)
		}
		live.Fault(meter.FaultPaused, time.Now().UnixNano(), "the connector is paused")
		live.Trip(time.Now().Add(5 * time.Second).UnixNano())
		w.pass(tick)
		if live.Tripped(time.Now().UnixNano()) {
			t.Error("a ping was answered, and the member is still avoided")
		}
	})
}

// A member that is in no table yet can be spoken of.
func TestOperatorBeforeTheTable(t *testing.T) {
	play(t, two, nil, func(w *world) {
		err := w.c.do(w.t.Context(), func() {
			w.c.report = compile.Report{} // as if no table with it could be built
			w.c.cfg.Pool("app").Member("b").Name = "a"
			r, err := w.c.setMember(admin.Action{Pool: "app", Member: "a", State: overrides.Drain, Owner: "eve"})
			if err != nil || !strings.HasPrefix(r.Why, "not in use yet: ") || r.Warning == "" || r.Weight != 1 {
				t.Errorf("%+v, %v", r, err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOperator(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	keep := func(o *Options) { o.OverridesPath = path }
	play(t, two, keep, func(w *world) {
		_, seq := w.events(0)
		ask := func(member string, state overrides.State, d time.Duration) admin.ActionResult {
			t.Helper()
			r, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: member, State: state, Owner: "root", Reason: "deploy", For: d})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := ask("a", overrides.Drain, 30*time.Minute)
		// The command has worked when it returns: no folding, no waiting.
		w.expect(w.published(), "2 tables, version 2: a=own b=all")
		if r.State != compile.Drain || !strings.HasPrefix(r.Why, "drain until ") || r.TableVersion != 2 || r.Warning != "" {
			t.Errorf("result %+v", r)
		}
		r = ask("b", overrides.Stop, 0)
		w.expect(r.Warning, "no member of pool app takes new sessions now")
		if ok, why := w.c.Ready(); ok || why != "no member of pool app takes new sessions" {
			t.Errorf("ready %v %q", ok, why)
		}
		seq = w.expectEvents(seq, "override set a", "member drain a", "override set b", "member stop b")

		kept, err := overrides.Load(path)
		if err != nil || len(kept) != 2 {
			t.Errorf("kept %v, %v", kept, err)
		}
		w.pass(30*time.Minute + 2*time.Second)
		w.expect(w.published(), "4 tables, version 4: a=all b=none")
		seq = w.expectEvents(seq, "override ended a", "member ready a")
		if kept, _ := overrides.Load(path); len(kept) != 1 {
			t.Errorf("kept %v", kept)
		}
		// The next process begins with what is kept.
	})
	play(t, two, keep, func(w *world) {
		w.expect(w.published(), "1 tables, version 1: a=all b=none")
		_, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: "b", State: overrides.Ready, Owner: "root"})
		if err != nil {
			t.Fatal(err)
		}
		w.expect(w.published(), "2 tables, version 2: a=all b=all")
		if kept, err := overrides.Load(path); err != nil || len(kept) != 0 {
			t.Errorf("kept %v, %v", kept, err)
		}
		f := func(pool, member, what, cure string) {
			t.Helper()
			_, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: pool, Member: member, State: overrides.Stop})
			var r *admin.Refusal
			if !errors.As(err, &r) || r.Status != 404 || r.What != what || r.Cure != cure {
				t.Errorf("got %v", err)
			}
		}
		f("shop", "a", `there is no pool "shop"`, "pools are app")
		f("app", "c", `pool app has no member "c"`, "members are a, b")
	})
}

func TestOverridesThatCannotBeKept(t *testing.T) {
	play(t, two, func(o *Options) { o.OverridesPath = "/proc/none/overrides.json" }, func(w *world) {
		r, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: "a", State: overrides.Drain, Owner: "root"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Warning, "it will not outlive the process: ") {
			t.Errorf("warning %q", r.Warning)
		}
		w.expect(w.published(), "2 tables, version 2: a=own b=all")
	})
}

func TestLearnedRoutes(t *testing.T) {
	play(t, "listen: 8080\nbackends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n", nil, func(w *world) {
		_, seq := w.events(0)
		route := []byte("tomcat1")
		w.member("127.0.0.1-8009").Live.Saw(route, time.Now().UnixNano())
		w.pass(time.Second)
		if got := w.member("127.0.0.1-8009").Route; got != "tomcat1" {
			t.Errorf("route %q", got)
		}
		seq = w.expectEvents(seq, "route learned 127.0.0.1-8009")
		w.member("127.0.0.1-9009").Live.Saw(route, time.Now().UnixNano())
		w.pass(time.Second)
		w.expectEvents(seq, "note")
		if s := w.c.Status(); len(s.Notes) != 1 || s.Sentence != "1 note" {
			t.Errorf("notes %q, %q", s.Notes, s.Sentence)
		}
		e := w.c.Explain(compile.Question{Method: "GET", Path: "/", Cookies: []string{"JSESSIONID=1.tomcat1"}})
		w.expect(e.Member+" "+e.Outcome, "127.0.0.1-8009 stayed")
	})
}

func TestRatesAndSessions(t *testing.T) {
	play(t, two, nil, func(w *world) {
		live := w.member("a").Live
		w.pass(time.Second)
		for range 5 {
			for range 20 {
				live.Begin(time.Now().UnixNano())
				live.Done(200, 0, 10, time.Now().UnixNano(), 1e6, 1e6)
			}
			live.Sessions[meter.Kept].Add(1)
			w.pass(time.Second)
		}
		m := w.memberStatus("a")
		if m.Rate < 15 || m.Rate > 21 || m.Requests != 100 || m.SessionsSeen != 5 || m.Statuses["2xx"] != 100 {
			t.Errorf("member %+v", m)
		}
		seen := m.LastSession
		w.pass(time.Minute)
		m = w.memberStatus("a")
		if m.Rate != 0 || !m.LastSession.Equal(seen) || time.Since(seen) < time.Minute {
			t.Errorf("rate %v, last session %v", m.Rate, m.LastSession)
		}
	})
}

func TestDrainAndEnd(t *testing.T) {
	play(t, two, nil, func(w *world) {
		c := w.c
		_, seq := w.events(0)
		c.Drain()
		c.Drain()
		w.expectEvents(seq, "stopping")
		if ok, why := c.Ready(); ok || why != "stopping" {
			t.Errorf("ready %v %q", ok, why)
		}
		w.expect(c.Status().Sentence, "stopping")
		// After the end every command is refused and nothing hangs.
		w.end()
		var r *admin.Refusal
		if _, err := c.SetMember(w.t.Context(), admin.Action{}); !errors.As(err, &r) || r.Status != 503 {
			t.Errorf("after the end: %v", err)
		}
		if _, err := c.Reload(w.t.Context(), "root"); !errors.As(err, &r) || r.Status != 503 {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestNewAndStartRefuse(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a controller without anything")
	}
	w := &world{t: t, file: two, noListen: true}
	cfg, _ := w.load()
	o := Options{Config: cfg, Publisher: w, Listeners: w, Prober: w}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err == nil || err.Error() != "open listeners: address taken" {
		t.Errorf("start: %v", err)
	}
	broken := *cfg
	broken.Routes = nil
	broken.Pools = append(broken.Pools, broken.Pools[0])
	o.Config = &broken
	if _, err := New(o); err == nil {
		t.Error("two pools of one name")
	}
	o.Config, o.OverridesPath = cfg, t.TempDir()
	if _, err := New(o); err == nil {
		t.Error("overrides that are a folder")
	}
}

func TestMetrics(t *testing.T) {
	play(t, two, func(o *Options) { o.Dropped = func() uint64 { return 3 } }, func(w *world) {
		problems, err := testutil.GatherAndLint(metrics.New(w.c))
		if err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		s := w.c.Metrics()
		if s.Dropped != 3 || !s.InSync || !s.LastReloadOK || len(s.Probes) != 2 {
			t.Errorf("snapshot %+v", s)
		}
	})
}
