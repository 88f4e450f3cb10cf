package health

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// oracle is a Prober that answers what it is told.
type oracle struct {
	mu    sync.Mutex
	asked []string // "ID at seconds", guarded by mu
	bad   map[table.ID]bool
	begin time.Time
	hang  bool
	quick bool // of the newest probe
}

func (o *oracle) Probe(ctx context.Context, t Target) Sample {
	o.mu.Lock()
	o.asked = append(o.asked, string(t.ID)+" "+Span(time.Since(o.begin)))
	o.quick = t.Quick
	bad, hang := o.bad[t.ID], o.hang
	o.mu.Unlock()
	if hang {
		<-ctx.Done()
		return Sample{Text: "no answer", Fail: Late}
	}
	if bad {
		return Sample{Text: "connect refused"}
	}
	return Sample{OK: true, Text: "cping ok"}
}

func (o *oracle) set(id table.ID, bad bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bad[id] = bad
}

func (o *oracle) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := slices.Sorted(slices.Values(o.asked))
	o.asked = nil
	return out
}

func watched(id table.ID) Target {
	return Target{ID: id, Settings: Settings{Every: 5 * time.Second, Connect: time.Second, Timeout: time.Second, DownAfter: 3, UpAfter: 2}}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{bad: map[table.ID]bool{"b": true}, begin: time.Now()}
		var told atomic.Int32
		var cleared []table.ID
		r := NewRunner(o, func() { told.Add(1) }, func(id table.ID) { cleared = append(cleared, id) })
		r.Set([]Target{watched("a"), watched("b")})
		synctest.Wait()
		equal(t, o.take(), "a 0s", "b 0s")
		if v := r.Verdicts(); v["a"].State != Up || v["b"].State != Down {
			t.Errorf("after the first probes: %v", v)
		}
		if n := told.Load(); n != 2 {
			t.Errorf("told %d times", n)
		}

		// Nothing changes: nobody is told, everybody is asked again.
		time.Sleep(11 * time.Second)
		synctest.Wait()
		equal(t, o.take(), "a 10s", "a 5s", "b 1s", "b 3s", "b 7s")
		if n := told.Load(); n != 2 {
			t.Errorf("told %d times although nothing changed", n)
		}

		// a trips: it is asked at once, and a failure is enough.
		o.set("a", true)
		r.Trip("a", Trip{At: time.Now(), Until: time.Now().Add(5 * time.Second)})
		synctest.Wait()
		equal(t, o.take(), "a 11s")
		if v := r.Verdicts(); v["a"].State != Down {
			t.Errorf("after a trip and a failed probe: %v", v["a"])
		}

		// b is taken out and a's address changes: a is asked at once, b never.
		o.set("a", false)
		next := watched("a")
		next.To.Addr = "127.0.0.2:1"
		r.Set([]Target{next})
		synctest.Wait()
		equal(t, o.take(), "a 11s")
		time.Sleep(time.Second)
		synctest.Wait()
		equal(t, o.take(), "a 11s")
		if v := r.Verdicts(); len(v) != 1 || v["a"].State != Up {
			t.Errorf("after two good probes: %v", v)
		}

		// A connect-failure trip ends with a ping.
		r.Trip("a", Trip{At: time.Now(), Until: time.Now().Add(5 * time.Second), Ends: ByPing})
		synctest.Wait()
		if !slices.Equal(cleared, []table.ID{"a"}) {
			t.Errorf("cleared: %v", cleared)
		}
		r.ProbeNow("a")
		r.ProbeNow("nobody")
		synctest.Wait()
		equal(t, o.take(), "a 12s", "a 12s")
		p := r.Probes()["a"]
		if ok, bad := p.OK.Load(), p.Failed.Load(); ok != 7 || bad != 1 {
			t.Errorf("counted %d good and %d failed probes", ok, bad)
		}
		r.Close()
		r.Set([]Target{watched("late")})
		if len(r.Verdicts()) != 0 {
			t.Error("a closed runner watches somebody")
		}
	})
}

// A member that never answers must not hold up Close or another member.
func TestRunnerClosesWhileAProbeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{bad: map[table.ID]bool{}, begin: time.Now(), hang: true}
		r := NewRunner(o, func() {}, func(table.ID) {})
		r.Set([]Target{watched("a")})
		synctest.Wait()
		begin := time.Now()
		r.Close()
		if d := time.Since(begin); d != 0 {
			t.Errorf("closing took %v", d)
		}
	})
}
