package accesslog

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/access"
)

const (
	// slots is how many records may wait: at 100 000 requests a second, four
	// times what comes between two looks.
	slots = 8192
	// batch is the size in bytes at which lines are written.
	batch = 64 << 10

	busy = 20 * time.Millisecond // between two looks when there was something
	// patience is how many looks find nothing before the next one waits for a
	// record.
	patience = 10
	// complain is the least time between two complaints.
	complain = time.Minute
)

// Writer is a running access log. Its methods may be called from any
// goroutine.
type Writer struct {
	ring atomic.Pointer[access.Ring] // nil while nothing has ever been logged
	lost atomic.Uint64               // records that could not be written

	next    atomic.Pointer[sink] // for the goroutine to change to
	changed chan struct{}        // next has been set
	stop    chan struct{}
	ended   sync.WaitGroup
	closing sync.Once

	mu sync.Mutex // guards o
	o  Options

	// What follows belongs to the goroutine.
	sink     *sink
	buf      []byte
	pending  uint64 // records in buf
	told     time.Time
	reported uint64
	err      error // newest write that failed, until it is told
}

// Open makes a Writer and opens its file. An error names the file and what
// helps. Close ends it.
func Open(o Options) (*Writer, error) {
	s, err := o.open()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Writer{o: o, sink: s, changed: make(chan struct{}, 1), stop: make(chan struct{})}
	if s.w != nil {
		w.ring.Store(access.NewRing(slots))
	}
	w.ended.Go(w.run)
	return w, nil
}

// Ring is where the data plane leaves its records; nil when there is no log.
func (w *Writer) Ring() *access.Ring {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.o.writes() {
		return nil
	}
	return w.ring.Load()
}

// Set changes where and how is written. The new file is opened before the old
// one is given up; after an error nothing has changed. Ask for Ring again.
func (w *Writer) Set(o Options) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.Log, o.Stdout = w.o.Log, w.o.Stdout
	if o.same(w.o) {
		return nil
	}
	if o.writes() && w.ring.Load() == nil {
		w.ring.Store(access.NewRing(slots)) // before the goroutine looks
	}
	if err := w.change(o); err != nil {
		return err
	}
	w.o = o
	return nil
}

// Reopen opens the file again by its name, for those who have renamed it. The
// old file is used on when that is impossible.
func (w *Writer) Reopen() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.change(w.o)
}

// change leaves a new sink for the goroutine. It never waits for the disk to
// take lines.
func (w *Writer) change(o Options) error {
	s, err := o.open()
	if err != nil {
		return err
	}
	if unused := w.next.Swap(s); unused != nil {
		unused.close()
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return nil
}

// Dropped is how many records were lost: because the ring was full or because
// writing was impossible.
func (w *Writer) Dropped() uint64 {
	n := w.lost.Load()
	if r := w.ring.Load(); r != nil {
		n += r.Dropped()
	}
	return n
}

// Close writes what there is and closes the file.
func (w *Writer) Close() error {
	w.closing.Do(func() { close(w.stop) })
	w.ended.Wait()
	return w.err
}

// run is the goroutine; Close ends it.
func (w *Writer) run() {
	t := time.NewTimer(busy)
	defer t.Stop()
	var rec access.Record
	var woken <-chan struct{}
	for quiet := 0; ; {
		select {
		case <-w.stop:
			w.take(&rec)
			w.report(true)
			if s := w.next.Swap(nil); s != nil {
				s.close()
			}
			w.sink.close()
			return
		case <-w.changed:
		case <-woken:
			// Others are likely to follow: they are written together.
			woken, quiet = nil, 0
			t.Reset(busy)
			continue
		case <-t.C:
		}
		quiet++
		if w.take(&rec) {
			quiet = 0
		}
		w.report(false)
		ring := w.ring.Load()
		switch {
		case quiet <= patience:
			t.Reset(busy)
		case ring == nil: // nothing to look for until there is a change
		case ring.Doze():
			woken = ring.Woken()
			if w.Dropped() != w.reported { // still to be told
				t.Reset(complain)
			}
		default:
			t.Reset(busy)
		}
	}
}

// take writes every record there is, and says whether there was one.
func (w *Writer) take(rec *access.Record) (some bool) {
	if s := w.next.Swap(nil); s != nil {
		w.sink.close()
		w.sink = s
	}
	ring := w.ring.Load()
	if ring == nil {
		return false
	}
	// Bounded, so that a change of the sink is seen under any load.
	for range slots {
		if !ring.Take(rec) {
			break
		}
		some = true
		if w.sink.w == nil || w.sink.skips(rec) {
			continue
		}
		w.buf = w.sink.line(w.buf, rec)
		w.pending++
		if len(w.buf) >= batch {
			w.flush()
		}
	}
	w.flush()
	return some
}

// flush hands the lines over in one write.
func (w *Writer) flush() {
	if w.pending == 0 {
		return
	}
	if _, err := w.sink.w.Write(w.buf); err != nil {
		w.err = err
		w.lost.Add(w.pending)
	}
	w.buf, w.pending = w.buf[:0], 0
}

// report says once a minute, and at the end, that records were lost.
func (w *Writer) report(last bool) {
	n := w.Dropped()
	if n == w.reported || !last && time.Since(w.told) < complain {
		return
	}
	attrs := []any{"records", n - w.reported, "in_all", n}
	if w.err != nil {
		attrs = append(attrs, "reason", w.err.Error())
		w.err = nil
	}
	w.o.Log.Warn("access records dropped", attrs...)
	w.told, w.reported = time.Now(), n
}
