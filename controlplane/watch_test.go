package controlplane

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// debtor is a data path in which one member owes answers.
type debtor struct {
	w  *world
	id table.ID

	mu        sync.Mutex // guards the rest
	owed      meter.Owed
	hang      bool          // the member gives no pong
	began     time.Time     // the newest probe of it
	wake      chan struct{} // closed: a pong that hangs comes
	abandoned []abandon     // every call
}

// abandon is one call, and what the newest table let the member take then.
type abandon struct {
	id   table.ID
	why  string
	take table.Take
	at   time.Time
}

func (d *debtor) Owes(id table.ID) (meter.Owed, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id != d.id {
		return meter.Owed{}, true
	}
	return d.owed, true
}

// Abandon gives back what waits at the first call, but for one request that must
// not be repeated, and nothing later.
func (d *debtor) Abandon(id table.ID, why string) int {
	take := d.w.member("b").Take
	d.mu.Lock()
	defer d.mu.Unlock()
	d.abandoned = append(d.abandoned, abandon{id, why, take, time.Now()})
	n := max(d.owed.Waiting-1, 0)
	d.owed.Waiting -= n
	return n
}

// Probe lets a member that hangs wait until nobody does.
func (d *debtor) Probe(ctx context.Context, t health.Target) health.Sample {
	d.mu.Lock()
	hangs, wake := d.hang && t.ID == d.id, d.wake
	if hangs {
		d.began = time.Now()
	}
	d.mu.Unlock()
	if !hangs {
		return d.w.Probe(ctx, t)
	}
	late := time.NewTimer(t.Settings.Timeout)
	defer late.Stop()
	select {
	case <-wake:
		return d.w.Probe(ctx, t)
	case <-ctx.Done():
	case <-late.C:
	}
	return health.Sample{Text: "no pong within " + t.Settings.Timeout.String(), Fail: health.Late}
}

func (d *debtor) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *debtor) calls() []abandon {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]abandon(nil), d.abandoned...)
}

// owing plays around a member b that owes three answers and has said nothing
// since the beginning.
func owing(t *testing.T, f func(w *world, d *debtor, owed time.Time)) {
	d := &debtor{}
	play(t, two, func(o *Options) {
		d.w, d.id = o.Publisher.(*world), "app/b@ajp://127.0.0.1:9009"
		o.Debts, o.Prober = d, d
	}, func(w *world) {
		w.pass(10 * time.Second)
		owed := time.Now()
		w.member("b").Live.InFlight.Store(3)
		d.set(func() {
			d.owed = meter.Owed{Waiting: 3, Since: owed.UnixNano(), LastByte: owed.Add(-time.Second).UnixNano()}
		})
		f(w, d, owed)
	})
}

// noticed is when the answers that owing owes are seen to be late: whoever had no
// requests looks once a second.
const noticed = time.Second

// A member that owes answers and gives no pong loses what may be taken from it,
// again and again as long as it is frozen; without a second pong it is down.
func TestFrozenMemberIsAbandoned(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		d.set(func() { d.hang = true })
		_, seq := w.events(0)
		w.pass(noticed - 200*time.Millisecond)
		if calls := d.calls(); len(calls) != 0 || w.memberStatus("b").State != compile.Ready {
			t.Fatalf("before its time: %v", calls)
		}
		w.pass(900 * time.Millisecond) // the rest, a glance, and half a second for the pong
		calls := d.calls()
		if len(calls) == 0 {
			t.Fatal("nothing was taken from it")
		}
		first := calls[0]
		if first.id != d.id || first.why == "" || first.at.Sub(owed) >= 1700*time.Millisecond {
			t.Errorf("first call %+v, %s after the last byte", first, first.at.Sub(owed))
		}
		if m := w.memberStatus("b"); m.State != compile.Shaky || !strings.HasPrefix(m.Why, first.why) {
			t.Errorf("%s, %s", m.State, m.Why)
		}
		seq = w.expectEvents(seq, "member shaky b", "requests moved b")
		w.pass(1200 * time.Millisecond) // the second pong
		calls = d.calls()
		w.expect(w.published(), "2 tables, version 2: a=all b=none")
		if m := w.memberStatus("b"); m.State != compile.Down || !strings.HasPrefix(m.Why, first.why) {
			t.Errorf("%s, %s", m.State, m.Why)
		}
		if d := w.c.Status().TableBuilt.Sub(owed); d < 2*time.Second {
			t.Errorf("down %s after the last byte", d)
		}
		seq = w.expectEvents(seq, "member down b")

		// A request that chose it a moment ago is taken as well.
		w.pass(time.Second)
		if more := d.calls(); len(more) < len(calls)+8 {
			t.Errorf("%d calls, and %d a second later", len(calls), len(more))
		}
		// It goes on: two pongs and it is back, and keeps what it has.
		d.set(func() { d.hang, d.owed = false, meter.Owed{} })
		w.member("b").Live.InFlight.Store(0)
		w.pass(2 * time.Second)
		w.expectEvents(seq, "member ready b")
		w.expect(w.published(), "3 tables, version 3: a=all b=all")
		last := len(d.calls())
		w.pass(5 * time.Second)
		if now := len(d.calls()); now != last {
			t.Errorf("%d calls after it is back", now-last)
		}
	})
}

// A member that is down because nobody answers there loses what waits for it,
// frozen or not, and as long as that is so.
func TestDeadMemberIsAbandoned(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		_, seq := w.events(0)
		w.set(func() { w.down["b"] = true })
		w.pass(noticed + 2*glance)
		calls := d.calls()
		if len(calls) == 0 {
			t.Fatalf("nothing was taken from it: %s", w.memberStatus("b").Why)
		}
		first := calls[0]
		if want := "connect refused while 3 answers are owed"; first.id != d.id || first.why != want || first.take != table.Nothing {
			t.Errorf("first call %+v, want %q after the table", first, want)
		}
		w.expectEvents(seq, "member down b", "requests moved b")
		w.pass(time.Second)
		if more := d.calls(); len(more) < len(calls)+8 {
			t.Errorf("%d calls, and %d a second later", len(calls), len(more))
		}
		w.set(func() { delete(w.down, "b") })
		w.pass(5 * time.Second)
		last := len(d.calls())
		w.pass(5 * time.Second)
		if now := len(d.calls()); now != last || w.memberStatus("b").State != compile.Ready {
			t.Errorf("%d calls after it is back: %s", now-last, w.memberStatus("b").Why)
		}
	})
}

// Whose answers are bad may answer what it has, and what is sent to a member for
// want of a better one stays there.
func TestWhatIsNotAbandoned(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		w.set(func() { w.down["b"], w.sick = true, true })
		w.pass(20 * time.Second)
		if m := w.memberStatus("b"); m.State != compile.Down || len(d.calls()) != 0 {
			t.Errorf("%s, %s; abandoned %v", m.State, m.Why, d.calls())
		}
	})
	owing(t, func(w *world, d *debtor, owed time.Time) {
		w.set(func() { w.down["a"] = true })
		w.pass(10 * time.Second)
		d.set(func() { d.hang = true })
		w.pass(15 * time.Second)
		if m := w.memberStatus("b"); m.State != compile.Down || !strings.HasPrefix(m.Why, "used all the same") {
			t.Fatalf("%s, %s", m.State, m.Why)
		}
		calls := len(d.calls())
		w.pass(5 * time.Second)
		for _, call := range d.calls()[calls:] {
			if call.id == d.id {
				t.Fatalf("%+v, although nobody better is left", call)
			}
		}
	})
}

// A slow page costs one ping: a pong excuses the silence.
func TestSlowMemberIsKept(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		probes := func() uint64 { return w.c.runner.Probes()[d.id].OK.Load() }
		before := probes()
		w.pass(noticed + 2*glance)
		if n := probes() - before; n != 1 {
			t.Errorf("%d pings", n)
		}
		if m := w.memberStatus("b"); m.State != compile.Ready || len(d.calls()) != 0 {
			t.Errorf("%s, %s, abandoned %v", m.State, m.Why, d.calls())
		}
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
	})
}

// An answer that comes after all is told once, and brings a frozen member back
// with one pong.
func TestAnsweredIsToldOnce(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		d.set(func() { d.hang, d.wake = true, make(chan struct{}) })
		w.pass(noticed + 1800*time.Millisecond)
		if m := w.memberStatus("b"); m.State != compile.Down {
			t.Fatalf("%s, %s", m.State, m.Why)
		}
		// It answers while a ping is under way, and the pong comes later.
		for asked := false; !asked; {
			w.pass(10 * time.Millisecond)
			d.set(func() { asked = time.Since(d.began) < 20*time.Millisecond })
		}
		d.set(func() { d.owed = meter.Owed{LastByte: time.Now().UnixNano()} })
		w.pass(2 * glance)
		if m := w.memberStatus("b"); m.State != compile.Down {
			t.Errorf("an answer alone brought it back: %s, %s", m.State, m.Why)
		}
		pong := time.Now()
		d.set(func() { d.hang = false; close(d.wake) })
		for w.memberStatus("b").State == compile.Down {
			w.pass(10 * time.Millisecond)
		}
		// Two pongs would be a while apart.
		if took := time.Since(pong); took > 2*fold {
			t.Errorf("back %s after an answer and a pong", took)
		}
		w.pass(time.Second)
		var owes bool
		if err := w.c.do(w.t.Context(), func() { owes = w.c.pulses[d.id].owes }); err != nil || owes {
			t.Errorf("it is still taken for a debtor: %v, %v", owes, err)
		}
		if m := w.memberStatus("b"); m.State != compile.Ready {
			t.Errorf("%s, %s", m.State, m.Why)
		}
	})
}

// Debts that end without a byte, because they were taken away or their clients
// gave up, are no answer: the question stays, and one pong is not enough.
func TestGivenUpIsNotAnswered(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		d.set(func() { d.hang = true })
		w.pass(noticed + 3*glance)
		d.set(func() { d.owed.Waiting, d.owed.Since = 0, 0 })
		w.pass(1500 * time.Millisecond)
		if m := w.memberStatus("b"); m.State != compile.Down {
			t.Fatalf("%s, %s", m.State, m.Why)
		}
		d.set(func() { d.hang = false })
		pong := time.Now()
		for w.memberStatus("b").State == compile.Down {
			w.pass(10 * time.Millisecond)
		}
		if took := time.Since(pong); took < 150*time.Millisecond {
			t.Errorf("back %s after the first pong", took)
		}
	})
}

// A data path that does not know a member owes nothing for it.
func TestDebtsOfNobody(t *testing.T) {
	owing(t, func(w *world, d *debtor, owed time.Time) {
		d.set(func() { d.id, d.hang = "app/x", true })
		w.pass(10 * time.Second)
		if calls := d.calls(); len(calls) != 0 || w.memberStatus("b").State != compile.Ready {
			t.Errorf("abandoned %v", calls)
		}
	})
}

// A member whose threads are all taken is late with every pong and down for it. It keeps
// what it has as long as answers come, and loses it when they cease, or when nobody
// listens there any more.
func TestBusyMemberKeepsItsRequests(t *testing.T) {
	for _, ends := range []string{"silent", "refused"} {
		owing(t, func(w *world, d *debtor, owed time.Time) {
			d.set(func() { d.hang = true })
			answers := func(n int) {
				for range n {
					w.pass(glance)
					now := time.Now()
					d.set(func() {
						d.owed = meter.Owed{Waiting: 200, Since: now.Add(-300 * time.Millisecond).UnixNano(), LastByte: now.Add(-10 * time.Millisecond).UnixNano()}
					})
				}
			}
			answers(200)
			if m := w.memberStatus("b"); m.State != compile.Down || len(d.calls()) != 0 {
				t.Fatalf("%s, %s; abandoned %d times", m.State, m.Why, len(d.calls()))
			}
			if ends == "silent" {
				w.pass(lively - 3*glance)
				if calls := d.calls(); len(calls) != 0 {
					t.Errorf("abandoned %d times, before its time", len(calls))
				}
				w.pass(4 * glance)
			} else {
				w.set(func() { w.down["b"] = true })
				d.set(func() { d.hang = false })
				answers(60)
			}
			if len(d.calls()) == 0 {
				t.Errorf("%s: nothing was taken from it: %s", ends, w.memberStatus("b").Why)
			}
		})
	}
}
