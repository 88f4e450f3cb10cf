package health

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
)

// Probes counts a member's probes, for metrics. The zero value is ready.
type Probes struct {
	OK, Failed               atomic.Uint64
	OKSeconds, FailedSeconds meter.Histogram
}

// watcher is one member's goroutine and what it has found.
type watcher struct {
	stop   context.CancelFunc
	wake   chan struct{} // one place: "look at the fields below"
	probes *Probes

	target  Target    // guarded by Runner.mu
	trip    Trip      // guarded by Runner.mu
	inbox   []Event   // guarded by Runner.mu: not yet taken in, oldest first
	heard   time.Time // guarded by Runner.mu: newest heartbeat
	steady  bool      // guarded by Runner.mu: one heartbeat more says nothing new
	left    time.Time // guarded by Runner.mu: newest planned stop
	verdict Verdict   // guarded by Runner.mu
}

// maxInbox bounds what waits for a goroutine; it takes everything at once.
const maxInbox = 64

// take is called with Runner.mu held. It reports whether the goroutine has to
// be woken.
func (w *watcher) take(e Event) bool {
	switch e.Kind {
	case Heard:
		w.heard = later(w.heard, e.At)
		if w.steady {
			return false
		}
		// Just after a planned stop a heartbeat may be an echo: the next one
		// counts.
		w.steady = e.At.Sub(w.left) >= echo
	case PlannedStop:
		w.left, w.steady = e.At, false
	case Reborn, Silent, NotHeard:
		w.steady = false
	case Deaf:
		w.heard, w.steady = time.Time{}, false
	}
	if n := len(w.inbox); n > 0 && w.inbox[n-1].Kind == e.Kind && e.Kind != Kernel {
		w.inbox[n-1] = e // the newer one says it all
		return true
	}
	if len(w.inbox) == maxInbox {
		w.inbox = w.inbox[:copy(w.inbox, w.inbox[1:])]
	}
	w.inbox = append(w.inbox, e)
	return true
}

// poke never blocks: one pending wake-up is as good as many.
func (w *watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// start is called with r.mu held.
func (r *Runner) start(t Target) {
	ctx, stop := context.WithCancel(r.ctx)
	w := &watcher{stop: stop, wake: make(chan struct{}, 1), probes: &Probes{}, target: t}
	m := NewMachine(t.Settings, time.Now())
	r.resume(t.ID, &m, time.Now())
	w.verdict = m.Verdict(time.Now())
	r.watch[t.ID] = w
	r.wg.Go(func() { r.run(ctx, w, m, t) })
}

// flight is a probe that is under way.
type flight struct {
	began  time.Time
	cancel context.CancelFunc
	done   chan Sample // one place: the goroutine never waits
}

// run is a member's goroutine. It ends with ctx. A probe runs beside it, so
// that an event is taken in while a member lets a probe wait.
func (r *Runner) run(ctx context.Context, w *watcher, m Machine, t Target) {
	var (
		trip  Trip
		probe flight
		inbox []Event
		jar   jar
	)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var sample *Sample
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		case s := <-probe.done:
			probe.cancel()
			probe, sample = flight{}, &s
		}
		now := time.Now()

		r.mu.Lock()
		next, newTrip := w.target, w.trip
		inbox = append(inbox[:0], w.inbox...)
		w.inbox = w.inbox[:0]
		r.mu.Unlock()
		changed := !reflect.DeepEqual(t, next)
		if changed {
			t = next
			m.Change(t.Settings, now)
			m.ProbeNow(now)
			jar.Session = Session{}
		}
		if newTrip != trip {
			trip = newTrip
			m.Trip(trip)
		}
		for _, e := range inbox {
			m.Input(e)
			if e.Kind == Reborn {
				jar.empty()
			}
		}
		// After the events: they may have made the sample worthless.
		if sample != nil && !m.Worthless(sample.began()) {
			if m.Sample(*sample) {
				r.clear(t.ID)
			}
			jar.take(t.ID, sample, m.Gone(), r.routes)
		}
		if probe.done != nil && (changed || m.Worthless(probe.began)) {
			probe.cancel()
			probe = flight{}
		}
		if probe.done == nil && !m.Due().After(now) {
			probe = r.launch(ctx, t, jar.cookie(t.ID, r.routes), m.Quick(), w.probes)
		}
		r.publish(w, m.Verdict(now))
		at := m.Step(now)
		if probe.done == nil && (at.IsZero() || m.Due().Before(at)) {
			at = m.Due()
		}
		if at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(at))
		}
	}
}

// launch starts a probe. Its goroutine ends soon after ctx or cancel.
func (r *Runner) launch(ctx context.Context, t Target, cookie string, quick bool, n *Probes) flight {
	t.Cookie = cookie
	if quick {
		t.Quick = true
		t.Settings.Timeout = t.Settings.Quick()
		t.Settings.Connect = min(t.Settings.Connect, t.Settings.Timeout)
	}
	// The bound is a multiple of the time-outs of the steps: it only matters
	// for a Prober that does not keep to them.
	limit := t.Settings.Connect + t.Settings.Timeout + t.Settings.RequestTimeout() + time.Second
	if quick {
		limit = 2 * t.Settings.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	f := flight{began: time.Now(), cancel: cancel, done: make(chan Sample, 1)}
	r.wg.Go(func() {
		s := r.prober.Probe(ctx, t)
		s.At = time.Now()
		s.Took = s.At.Sub(f.began)
		if ctx.Err() == context.Canceled {
			return // nobody wants to know any more
		}
		n.count(&s)
		f.done <- s
	})
	return f
}

func (n *Probes) count(s *Sample) {
	if s.OK {
		n.OK.Add(1)
		n.OKSeconds.Observe(int64(s.Took))
	} else {
		n.Failed.Add(1)
		n.FailedSeconds.Observe(int64(s.Took))
	}
}

func (r *Runner) publish(w *watcher, v Verdict) {
	r.mu.Lock()
	changed := !w.verdict.same(&v)
	w.verdict = v
	r.mu.Unlock()
	if changed {
		r.notify()
	}
}
