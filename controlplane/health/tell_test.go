package health

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// bubble runs f around a runner that watches the member "a", which has
// answered once. told counts how often somebody was told of a change.
func bubble(t *testing.T, f func(o *oracle, r *Runner, told *atomic.Int32)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{bad: map[table.ID]bool{}, begin: time.Now()}
		var told atomic.Int32
		r := NewRunner(o, func() { told.Add(1) }, func(table.ID) {})
		defer r.Close()
		r.Set([]Target{watched("a")})
		synctest.Wait()
		o.take()
		told.Store(0)
		f(o, r, &told)
	})
}

func state(t *testing.T, r *Runner, want State) {
	t.Helper()
	synctest.Wait()
	if v := r.Verdicts()["a"]; v.State != want {
		t.Errorf("state %v, want %v: %s", v.State, want, v.Why(time.Now()))
	}
}

func TestHeartbeatsTellNobody(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, told *atomic.Int32) {
		for range 8 {
			r.Tell("a", Event{Kind: Heard, At: time.Now(), Alive: time.Hour})
			time.Sleep(500 * time.Millisecond)
		}
		synctest.Wait()
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times, want once for the first heartbeat", n)
		}
		equal(t, o.take())
		if v := r.Verdicts()["a"]; time.Since(v.Heard) != 500*time.Millisecond {
			t.Errorf("heard %v ago", time.Since(v.Heard))
		}
		// It falls silent: shaky and probed at once; then it is heard again.
		r.Tell("a", Event{Kind: Silent, At: time.Now(), Since: time.Now().Add(-3 * time.Second)})
		state(t, r, Shaky)
		equal(t, o.take(), "a 4s")
		r.Tell("a", Event{Kind: Heard, At: time.Now()})
		state(t, r, Up)
		if n := told.Load(); n != 3 {
			t.Errorf("told %d times, want 3", n)
		}
	})
}

// A planned stop is acted upon although a probe waits for an answer.
func TestStopWhileAProbeHangs(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, _ *atomic.Int32) {
		o.mu.Lock()
		o.hang = true
		o.mu.Unlock()
		time.Sleep(5*time.Second + 100*time.Millisecond)
		state(t, r, Up)
		begin := time.Now()
		r.Tell("a", Event{Kind: PlannedStop, At: begin})
		state(t, r, Leaving)
		if !time.Now().Equal(begin) {
			t.Errorf("it took %v", time.Since(begin))
		}
		// The probe that hung asked about what was true before: a new one was
		// begun at once.
		equal(t, o.take(), "a 5s", "a 5s")
		o.mu.Lock()
		o.hang = false
		o.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		r.Tell("a", Event{Kind: Reborn, At: time.Now(), Alive: time.Second})
		time.Sleep(time.Second)
		state(t, r, Up)
	})
}

// A frozen member is found within half a second, and is back within one after
// it wakes.
func TestFrozen(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, _ *atomic.Int32) {
		hang := func(on bool) { o.mu.Lock(); o.hang = on; o.mu.Unlock() }
		hang(true)
		time.Sleep(time.Second)
		r.Tell("a", Event{Kind: Owes, At: time.Now(), Since: time.Now().Add(-time.Second), Owed: 12})
		synctest.Wait()
		o.mu.Lock()
		quick := o.quick
		o.mu.Unlock()
		if !quick {
			t.Error("the question was a whole probe")
		}
		time.Sleep(4 * time.Second) // the bound of two quick probes that keep to no time-out
		state(t, r, Down)
		if v := r.Verdicts()["a"]; !v.Frozen {
			t.Error("down and not frozen")
		}
		time.Sleep(20 * time.Second)
		hang(false)
		time.Sleep(2 * time.Second)
		state(t, r, Up)
	})
}

func TestEventsOfNobody(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, told *atomic.Int32) {
		r.Tell("b", Event{Kind: PlannedStop, At: time.Now()})
		state(t, r, Up)
		if n := told.Load(); n != 0 || len(r.Verdicts()) != 1 {
			t.Error("an event of a member that nobody watches had an effect")
		}
	})
}

// What waits for a goroutine is bounded, and the newest is kept.
func TestInbox(t *testing.T) {
	w := &watcher{}
	for i := range 3 * maxInbox {
		w.take(Event{Kind: []Kind{Fault, Suspect}[i%2], At: noon.Add(time.Duration(i))})
	}
	if len(w.inbox) != maxInbox {
		t.Errorf("%d events wait, want %d", len(w.inbox), maxInbox)
	}
	if last := w.inbox[maxInbox-1]; last.Kind != Suspect || !last.At.Equal(noon.Add(3*maxInbox-1)) {
		t.Errorf("the newest is %v", last)
	}
	before := len(w.inbox)
	w.take(Event{Kind: Suspect, At: noon.Add(time.Hour)})
	if len(w.inbox) != before || !w.inbox[before-1].At.Equal(noon.Add(time.Hour)) {
		t.Error("a repeated event was not folded into the one that waits")
	}
}

// A heartbeat wakes the goroutine only when it says something new: it is the
// first, it ends a silence, or it comes after the word that the member stops.
func TestHeartbeatsThatWake(t *testing.T) {
	w, now := &watcher{}, noon
	f := func(kind Kind, after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		if got := w.take(Event{Kind: kind, At: now}); got != want {
			t.Errorf("kind %d at %s: woken %v, want %v", kind, now.Sub(noon), got, want)
		}
	}
	f(Heard, 0, true)
	f(Heard, 500*time.Millisecond, false)
	f(Silent, 3*time.Second, true)
	f(Heard, time.Second, true)
	f(Heard, 500*time.Millisecond, false)
	f(PlannedStop, 0, true)
	f(Heard, 100*time.Millisecond, true) // an echo
	f(Heard, 400*time.Millisecond, true) // it goes on
	f(Heard, 500*time.Millisecond, false)
	f(Reborn, time.Second, true)
	f(Heard, 500*time.Millisecond, true)
	f(Heard, 500*time.Millisecond, false)
	if !w.heard.Equal(now) {
		t.Errorf("heard at %v, want %v", w.heard, now)
	}
}

// What is told with a new member is taken in before its first probe: a young JVM
// begins slowly, however fast its first pong is.
func TestNewsComeBeforeTheFirstProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{bad: map[table.ID]bool{}, begin: time.Now()}
		r := NewRunner(o, func() {}, func(table.ID) {})
		defer r.Close()
		young, old := watched("a"), watched("b")
		for _, w := range []*Target{&young, &old} {
			w.Settings.Prove, w.Settings.SlowStart = true, ByAge
		}
		r.Set([]Target{young, old},
			Told{"a", Event{Kind: Heard, At: time.Now(), Alive: 2 * time.Second}},
			Told{"b", Event{Kind: Heard, At: time.Now(), Alive: time.Hour}},
			Told{"nobody", Event{Kind: Heard, At: time.Now()}})
		synctest.Wait()
		if a, b := r.Verdicts()["a"], r.Verdicts()["b"]; a.State != Up || a.Share != 10 || b.State != Up || b.Share != 100 {
			t.Errorf("the young one is %v with %d %%, the old one %v with %d %%", a.State, a.Share, b.State, b.Share)
		}
	})
}

// When nobody listens any more, neither silence nor old heartbeats mean anything.
func TestDeafForgetsHeartbeats(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, told *atomic.Int32) {
		r.Tell("a", Event{Kind: Heard, At: time.Now(), Alive: time.Hour})
		r.Tell("a", Event{Kind: Silent, At: time.Now(), Since: time.Now()})
		state(t, r, Shaky)
		r.Tell("a", Event{Kind: Deaf, At: time.Now()})
		state(t, r, Up)
		if v := r.Verdicts()["a"]; !v.Heard.IsZero() || !v.Silent.IsZero() {
			t.Errorf("heard %v, silent %v", v.Heard, v.Silent)
		}
		r.Tell("a", Event{Kind: NotHeard, At: time.Now()})
		synctest.Wait()
		if !r.Verdicts()["a"].Unheard {
			t.Error("it is not missed")
		}
		r.Tell("a", Event{Kind: Deaf, At: time.Now()})
		synctest.Wait()
		if r.Verdicts()["a"].Unheard {
			t.Error("it is missed although nobody listens")
		}
	})
}

// A doubt that was told a moment ago is settled by a probe like the first one,
// and nobody reads of it.
func TestAnOldDoubtIsNotShown(t *testing.T) {
	bubble(t, func(o *oracle, r *Runner, told *atomic.Int32) {
		time.Sleep(time.Second)
		r.Tell("a", Event{Kind: Suspect, At: time.Now(), Why: "somebody says so", Again: true})
		state(t, r, Up)
		equal(t, o.take(), "a 1s")
		if n := told.Load(); n != 0 {
			t.Errorf("told %d times", n)
		}
		o.set("a", true)
		time.Sleep(time.Second)
		r.Tell("a", Event{Kind: Suspect, At: time.Now(), Why: "somebody says so", Again: true})
		synctest.Wait()
		equal(t, o.take(), "a 2s")
	})
}
