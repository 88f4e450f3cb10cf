package health

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Target is one member to be watched.
type Target struct {
	ID       table.ID
	To       table.Target
	Settings Settings
}

// Prober asks a member once. It must return soon after the context ends, and
// must keep nothing of the exchange. It sets Sample.OK, Text and Request; the
// times are the runner's.
type Prober interface {
	Probe(ctx context.Context, t Target) Sample
}

// Probes counts a member's probes, for metrics. The zero value is ready.
type Probes struct {
	OK, Failed               atomic.Uint64
	OKSeconds, FailedSeconds meter.Histogram
}

// Runner watches members: one goroutine each, started by Set, ended by Set
// (when the member is gone) or by Close. Its methods may be called from any
// goroutine.
type Runner struct {
	prober Prober
	notify func()
	clear  func(table.ID)

	ctx  context.Context // ends all probes; cancelled by Close
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex // guards watch and the fields of watcher marked so
	watch map[table.ID]*watcher
}

// watcher is one member's goroutine and what it has found.
type watcher struct {
	stop   context.CancelFunc
	wake   chan struct{} // one place: "look at the fields below"
	probes *Probes

	target  Target  // guarded by Runner.mu
	trip    Trip    // guarded by Runner.mu
	asked   bool    // guarded by Runner.mu: probe at once
	verdict Verdict // guarded by Runner.mu
}

// NewRunner returns a runner that watches nobody yet. notify is called, from
// many goroutines, after a verdict changed in a way that matters to a table or
// to its explanation; it must return at once. clear is called when a sample
// shows that the data path need not avoid a member any longer. The caller
// closes the runner.
func NewRunner(p Prober, notify func(), clear func(table.ID)) *Runner {
	ctx, stop := context.WithCancel(context.Background())
	return &Runner{prober: p, notify: notify, clear: clear, ctx: ctx, stop: stop, watch: map[table.ID]*watcher{}}
}

// Set makes the watched members exactly these. A member that stays keeps what
// is known about it, whatever changed in its settings.
func (r *Runner) Set(targets []Target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	keep := make(map[table.ID]bool, len(targets))
	for _, t := range targets {
		keep[t.ID] = true
		w := r.watch[t.ID]
		if w == nil {
			r.start(t)
			continue
		}
		if !reflect.DeepEqual(w.target, t) {
			w.target = t
			w.poke()
		}
	}
	for id, w := range r.watch {
		if !keep[id] {
			w.stop()
			delete(r.watch, id)
		}
	}
}

// Trip tells the member's goroutine that the data path avoids it.
func (r *Runner) Trip(id table.ID, t Trip) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.watch[id]; w != nil && !w.trip.Until.Equal(t.Until) {
		w.trip = t
		w.poke()
	}
}

// ProbeNow asks the member again at once.
func (r *Runner) ProbeNow(id table.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.watch[id]; w != nil {
		w.asked = true
		w.poke()
	}
}

// Verdicts returns what is believed about each watched member.
func (r *Runner) Verdicts() map[table.ID]Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[table.ID]Verdict, len(r.watch))
	for id, w := range r.watch {
		out[id] = w.verdict
	}
	return out
}

// Probes returns the counters of each watched member.
func (r *Runner) Probes() map[table.ID]*Probes {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[table.ID]*Probes, len(r.watch))
	for id, w := range r.watch {
		out[id] = w.probes
	}
	return out
}

// Close stops all probes and waits for their goroutines.
func (r *Runner) Close() {
	r.mu.Lock()
	r.stop()
	clear(r.watch)
	r.mu.Unlock()
	r.wg.Wait()
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
	w.verdict = m.Verdict(time.Now())
	r.watch[t.ID] = w
	r.wg.Go(func() { r.run(ctx, w, m, t) })
}

// run is a member's goroutine. It ends with ctx.
func (r *Runner) run(ctx context.Context, w *watcher, m Machine, t Target) {
	var trip Trip
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		}
		now := time.Now()

		r.mu.Lock()
		next, newTrip, asked := w.target, w.trip, w.asked
		w.asked = false
		r.mu.Unlock()
		if !reflect.DeepEqual(t, next) {
			t = next
			m.Change(t.Settings, now)
			m.ProbeNow(now)
		}
		if newTrip != trip {
			trip = newTrip
			m.Trip(trip)
		}
		if asked {
			m.ProbeNow(now)
		}

		if !m.Due().After(now) {
			s := r.probe(ctx, t, w.probes)
			if ctx.Err() != nil {
				return
			}
			if m.Sample(s) {
				r.clear(t.ID)
			}
		}
		now = time.Now()
		r.publish(w, m.Verdict(now))
		at := m.Due()
		if step := m.Step(now); !step.IsZero() && step.Before(at) {
			at = step
		}
		timer.Reset(time.Until(at))
	}
}

// probe bounds and counts one probe. The bound is a multiple of the time-outs
// of the steps: it only matters for a Prober that does not keep to them.
func (r *Runner) probe(ctx context.Context, t Target, n *Probes) Sample {
	limit := t.Settings.Connect + t.Settings.Timeout + t.Settings.RequestTimeout() + time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begin := time.Now()
	s := r.prober.Probe(ctx, t)
	s.At = time.Now()
	s.Took = s.At.Sub(begin)
	if s.OK {
		n.OK.Add(1)
		n.OKSeconds.Observe(int64(s.Took))
	} else {
		n.Failed.Add(1)
		n.FailedSeconds.Observe(int64(s.Took))
	}
	return s
}

func (r *Runner) publish(w *watcher, v Verdict) {
	r.mu.Lock()
	changed := !w.verdict.same(v)
	w.verdict = v
	r.mu.Unlock()
	if changed {
		r.notify()
	}
}
