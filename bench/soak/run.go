package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// soak runs everything and returns how many promises were broken. Whatever it started
// has ended when it returns.
func soak(ctx context.Context, out io.Writer, s settings) (violations int, err error) {
	if s.members < 2 || s.connections < 1 || s.minutes <= 0 {
		return 0, errors.New("at least two members, one connection and some time are needed")
	}
	dir, err := os.MkdirTemp("", "catherd-soak-")
	if err != nil {
		return 0, fmt.Errorf("create folder: %v", err)
	}
	defer os.RemoveAll(dir)
	farm, err := startFarm(ctx, s)
	if err != nil {
		return 0, err
	}
	defer closeAll(farm)
	f, err := newFront(dir, farm, s.http)
	if err != nil {
		return 0, err
	}
	defer f.stop() // a second time when all went well: harmless
	if err := f.start(ctx, s.catherd); err != nil {
		return 0, err
	}
	r := &run{settings: s, farm: farm, front: f, book: newBook(), began: time.Now(), out: out}
	r.book.tell = func(text string) { r.say("VIOLATION %s", text) }
	if err := r.before(ctx); err != nil {
		return 0, err
	}
	r.load(ctx)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return r.verdict(ctx)
}

// run is one soak.
type run struct {
	settings
	farm  []member
	front *front
	book  *book
	began time.Time
	mu    sync.Mutex // guards out
	out   io.Writer

	descriptors, goroutines int // before the load
	readings                []reading
	reloads                 int
}

func (r *run) length() time.Duration { return time.Duration(r.minutes * float64(time.Minute)) }

// say prints one line with the time since the load began.
func (r *run) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "%6.0fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// before notes what an idle Catherd has open.
func (r *run) before(ctx context.Context) (err error) {
	if r.descriptors, err = descriptors(r.front.run.PID); err != nil {
		return fmt.Errorf("count descriptors: %v", err)
	}
	r.goroutines, err = r.countGoroutines(ctx)
	return err
}

func (r *run) countGoroutines(ctx context.Context) (int, error) {
	numbers, err := r.front.metrics(ctx)
	n, ok := numbers["go_goroutines"]
	if err == nil && !ok {
		err = errors.New("no go_goroutines among the metrics")
	}
	return int(n), err
}

// load runs the clients and the disturbances for the whole length.
func (r *run) load(ctx context.Context) {
	protocol := "AJP"
	if r.http {
		protocol = "HTTP"
	}
	kind := "Tomcats " + r.version
	if r.pretend {
		kind = "pretend Tomcats"
	}
	r.say("%d clients, %d %s over %s, a kill every %v, a reload every %v, for %v",
		r.connections, r.members, kind, protocol, r.kill, r.reload, r.length())
	ctx, cancel := context.WithTimeout(ctx, r.length())
	defer cancel()
	go func() { // ends with the load: cancel is deferred
		select {
		case <-r.front.gone():
			r.book.violate("Catherd ended: %v; its log ends:\n%s", r.front.run.Err(), r.front.tail())
			cancel()
		case <-ctx.Done():
		}
	}()
	var all sync.WaitGroup
	var workers []*worker
	for n := range r.connections {
		w := newWorker(n, r.front.listen, r.think, r.book)
		workers = append(workers, w)
		all.Go(func() { w.run(ctx) })
	}
	k := &killer{farm: r.farm, front: r.front, workers: workers, book: r.book, every: r.kill, out: r.say}
	all.Go(func() { k.run(ctx) })
	re := &reloader{front: r.front, book: r.book, every: r.reload}
	all.Go(func() { re.run(ctx) })
	r.watch(ctx)
	all.Wait()
	r.reloads = re.reloads
}

// watch samples memory every second and prints a line every ten, until ctx ends.
func (r *run) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	requests := 0
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		memory, err := rss(r.front.run.PID)
		if err != nil {
			continue // it has ended, which is entered elsewhere
		}
		r.readings = append(r.readings, reading{at: time.Since(r.began), rss: memory})
		if n%10 != 0 {
			continue
		}
		l := r.book.look()
		open, _ := descriptors(r.front.run.PID) // for the line only
		r.say("%d requests (%d/s), %s in, %s out, p50 %v p99 %v max %v, lost %d, halved %d, left %d, rss %s, fds %d, violations %d",
			l.requests, (l.requests-requests)/10, mib(l.in), mib(l.out), l.median.Round(100*time.Microsecond),
			l.p99.Round(time.Millisecond), l.slowest.took().Round(time.Millisecond),
			l.counts[lost], l.counts[halved], l.counts[left], mib(memory), open, l.violations)
		requests = l.requests
	}
}
