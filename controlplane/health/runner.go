package health

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// Target is one member to be watched.
type Target struct {
	ID       table.ID
	To       table.Target
	Settings Settings

	// Quick asks a Prober only whether the member is alive, over the protocol
	// and without the health request. The runner sets it, and shortens the
	// time-outs of Settings with it.
	Quick bool
	// Cookie goes with the health request; empty: none. The runner sets it.
	Cookie string
}

// Prober asks a member once. It must return soon after the context ends, and
// must keep nothing of the exchange. It sets Sample.OK, Text, Fail, Ping,
// Session and Request; the times are the runner's.
type Prober interface {
	Probe(ctx context.Context, t Target) Sample
}

// Runner watches members: one goroutine each, and one more while a probe is
// under way, started by Set, ended by Set (when the member is gone) or by
// Close. Its methods may be called from any goroutine.
type Runner struct {
	prober Prober
	notify func()
	clear  func(table.ID)
	routes Routes

	ctx  context.Context // ends all probes; cancelled by Close
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex // guards watch and the fields of watcher marked so
	watch map[table.ID]*watcher

	carried map[table.ID]Carried // guarded by mu; see Carry
}

// NewRunner returns a runner that watches nobody yet. notify is called, from
// many goroutines, after a verdict changed in a way that matters to a table or
// to its explanation; it must return at once. clear is called when a sample
// shows that the data path need not avoid a member any longer. The caller
// closes the runner.
func NewRunner(p Prober, notify func(), clear func(table.ID)) *Runner {
	ctx, stop := context.WithCancel(context.Background())
	return &Runner{prober: p, notify: notify, clear: clear, routes: nobody{}, ctx: ctx, stop: stop, watch: map[table.ID]*watcher{}}
}

// Learn has r told of the sessions that members begin for health requests. Call it
// before Set.
func (r *Runner) Learn(routes Routes) { r.routes = routes }

// Set makes the watched members exactly these. A member that stays keeps what
// is known about it, whatever changed in its settings. What is told of members is
// handed on as Tell does, to new ones before they are probed for the first time:
// how old its JVM is decides what the first answer is worth.
func (r *Runner) Set(targets []Target, news ...Told) {
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
	for _, n := range news {
		r.tell(n.ID, n.Event)
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

// Tell hands an event to the member's goroutine. Of a member that nobody
// watches nothing is kept. A heartbeat that says nothing new wakes nobody and
// allocates nothing.
func (r *Runner) Tell(id table.ID, e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(id, e)
}

// tell is called with mu held.
func (r *Runner) tell(id table.ID, e Event) {
	if w := r.watch[id]; w != nil && w.take(e) {
		w.poke()
	}
}

// ProbeNow asks the member again at once.
func (r *Runner) ProbeNow(id table.ID) { r.Tell(id, Event{Kind: Asked, At: time.Now()}) }

// Verdicts returns what is believed about each watched member.
func (r *Runner) Verdicts() map[table.ID]Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[table.ID]Verdict, len(r.watch))
	for id, w := range r.watch {
		v := w.verdict
		v.Heard = later(v.Heard, w.heard)
		out[id] = v
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
