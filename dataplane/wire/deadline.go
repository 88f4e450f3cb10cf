package wire

import (
	"sync"
	"sync/atomic"
	"time"
)

// Tick is how often the Watchdog looks at its deadlines.
const Tick = 100 * time.Millisecond

// fired marks a Deadline whose time-out has been delivered and not yet taken note of.
const fired = -1

// Deadline bounds the waiting in one direction of one connection. Arming it is
// one atomic exchange; the runtime's timers are touched only when it expires,
// which makes it cheap enough for every read and write of every request.
type Deadline struct {
	at atomic.Int64 // Watchdog time, nanoseconds; 0 unarmed; fired

	// mu orders an expiry with the owner's clean-up after it. It is taken only
	// when a deadline has expired.
	mu  sync.Mutex
	wd  *Watchdog
	set func(time.Time) error // SetReadDeadline or SetWriteDeadline of the connection
}

// past is a moment that makes a pending read or write return at once.
var past = time.Unix(1, 0)

// arm starts the clock. dur <= 0 waits for ever.
func (d *Deadline) arm(dur time.Duration) {
	var at int64
	if dur > 0 {
		// The clock may be a tick behind: without the tick on top a deadline
		// could fire early.
		at = d.wd.clock() + int64(dur+Tick)
	}
	if d.at.Swap(at) == fired {
		d.clear()
	}
	if at > 0 {
		d.wd.mark()
	}
}

// disarm stops the clock and reports whether it had run out.
func (d *Deadline) disarm() bool {
	if d.at.Load() == 0 {
		return false
	}
	if d.at.Swap(0) != fired {
		return false
	}
	d.clear()
	return true
}

// clear undoes an expiry, so that the connection can be used again. The lock
// waits for an expiry that is still being delivered.
func (d *Deadline) clear() {
	d.mu.Lock()
	_ = d.set(time.Time{})
	d.mu.Unlock()
}

// expire delivers the time-out when it is due, and returns the moment of one
// that is not, 0 for none.
func (d *Deadline) expire(now int64) int64 {
	at := d.at.Load()
	if at <= 0 {
		return 0
	}
	if at > now {
		return at
	}
	d.mu.Lock()
	if d.at.CompareAndSwap(at, fired) {
		_ = d.set(past)
	}
	d.mu.Unlock()
	return 0
}

// Watchdog expires the deadlines of all connections registered with it and
// keeps a coarse clock for them. One goroutine, stopped by Stop.
//
// While deadlines are being armed it looks every Tick. When none has been armed
// for a while, the earliest one is known, and it sleeps until then: an idle
// process, and one with thousands of idle connections, costs nothing.
type Watchdog struct {
	now     atomic.Int64 // nanoseconds since start, at the last tick
	touched atomic.Bool  // a deadline has been armed since the last tick
	asleep  atomic.Bool  // now is old, and nobody looks until the earliest deadline

	start  time.Time
	due    []*Deadline // room for tick
	shards [64]shard
	next   atomic.Uint32
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
}

// shard spreads registration, which happens once per connection.
type shard struct {
	mu    sync.Mutex // guards conns
	conns map[*Conn]struct{}
	_     [40]byte
}

// NewWatchdog starts a watchdog. Stop ends its goroutine.
func NewWatchdog() *Watchdog {
	w := &Watchdog{start: time.Now(), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	w.now.Store(1)
	for i := range w.shards {
		w.shards[i].conns = make(map[*Conn]struct{})
	}
	go w.run()
	return w
}

// clock is the time for a deadline that is about to be armed.
func (w *Watchdog) clock() int64 {
	if w.asleep.Load() {
		w.rouse()
	}
	return w.now.Load()
}

// mark tells that a deadline has been armed. It comes after the arming: either
// the watchdog finds the mark before it falls asleep, or the mark's maker finds
// it asleep.
func (w *Watchdog) mark() {
	if !w.touched.Load() {
		w.touched.Store(true)
	}
	if w.asleep.Load() {
		w.rouse()
	}
}

// rouse ends a sleep and sets the clock.
func (w *Watchdog) rouse() {
	w.now.Store(int64(time.Since(w.start)))
	w.asleep.Store(false)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// quietTicks is how many ticks without a new deadline come before a sleep.
const quietTicks = 5

func (w *Watchdog) run() {
	defer close(w.done)
	t := time.NewTimer(Tick)
	defer t.Stop()
	for quiet := 0; ; {
		select {
		case <-w.stop:
			return
		case <-w.wake:
			quiet = 0
		case <-t.C:
		}
		w.asleep.Store(false)
		earliest := w.tick(int64(time.Since(w.start)))
		wait := Tick
		if quiet++; w.touched.Swap(false) {
			quiet = 0
		}
		if quiet >= quietTicks {
			wait = w.sleep(earliest)
		}
		t.Reset(wait)
	}
}

// sleep announces a sleep until the earliest deadline and returns its length.
// Whoever armed one meanwhile has left a mark, or sees the announcement.
func (w *Watchdog) sleep(earliest int64) time.Duration {
	w.asleep.Store(true)
	if w.touched.Load() {
		w.asleep.Store(false)
		return Tick
	}
	if earliest == 0 {
		return time.Hour
	}
	return max(Tick, time.Duration(earliest-w.now.Load()))
}

// tick moves the clock to now, expires what is due and returns the earliest
// deadline that is left, 0 for none.
//
// An event loop that registers a connection waits for a shard's lock, so nothing is
// delivered under it: each time-out wakes somebody. A connection that is closed in
// between does not mind.
func (w *Watchdog) tick(now int64) (earliest int64) {
	w.now.Store(now)
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		for c := range s.conns {
			earliest = sooner(earliest, w.look(&c.R, now))
			earliest = sooner(earliest, w.look(&c.W, now))
		}
		s.mu.Unlock()
		for _, d := range w.due {
			earliest = sooner(earliest, d.expire(now))
		}
		clear(w.due)
		w.due = w.due[:0]
	}
	return earliest
}

// look returns the moment of d, 0 for none, or notes that it is due.
func (w *Watchdog) look(d *Deadline, now int64) int64 {
	at := d.at.Load()
	switch {
	case at <= 0:
		return 0
	case at <= now:
		w.due = append(w.due, d)
		return 0
	}
	return at
}

// sooner is the earlier of two moments of which 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Each calls f for every registered connection. f must not block.
func (w *Watchdog) Each(f func(*Conn)) {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		for c := range s.conns {
			f(c)
		}
		s.mu.Unlock()
	}
}

// Stop ends the watchdog; deadlines armed afterwards never fire.
func (w *Watchdog) Stop() {
	close(w.stop)
	<-w.done
}

func (w *Watchdog) add(c *Conn) {
	c.shard = w.next.Add(1) % uint32(len(w.shards))
	s := &w.shards[c.shard]
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
}

func (w *Watchdog) remove(c *Conn) {
	s := &w.shards[c.shard]
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}
