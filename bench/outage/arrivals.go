package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// loader makes requests arrive.
type loader struct {
	rate  int // a second
	lines *lines
	crowd *crowd
	book  *book
}

// seeding is how many browsers get their session at a time before the load begins.
const seeding = 8

// seed gives every browser its session. One that gets none ends the run: nothing is
// disturbed yet.
func (l *loader) seed(ctx context.Context, sessions int) error {
	errs := make(chan error, seeding)
	for i := range seeding {
		share := sessions / seeding
		if i < sessions%seeding {
			share++
		}
		go func() { errs <- l.seedSome(ctx, i, share) }()
	}
	var first error
	for range seeding {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (l *loader) seedSome(ctx context.Context, part, n int) error {
	for i := range n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b := l.crowd.next()
		r := result{kind: counter, id: fmt.Sprintf("s%d-%05d", part, i), due: time.Now()}
		l.lines.exchange(&r)
		b.visited(&r)
		l.crowd.back(b)
		if r.fault != "" || b.cookie == "" {
			return fmt.Errorf("begin a session: %q, cookie %q", r.fault, b.cookie)
		}
	}
	return nil
}

// run lets requests arrive at the rate until ctx ends, and returns when the last is
// answered or given up. Arrivals are due at fixed times; one that is sent late, because
// the machine was busy, has waited since it was due.
func (l *loader) run(ctx context.Context) {
	random := rand.New(rand.NewPCG(4, uint64(l.rate)))
	var open sync.WaitGroup
	defer open.Wait()
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		r := &result{kind: draw(random), id: fmt.Sprintf("r%07d-%08x", n, random.Uint32()), due: due}
		var b *browser
		if !r.kind.stranger() {
			// All are asking: the requests of a frozen member pile up. The arrival is
			// then somebody's without a session.
			if b = l.crowd.next(); b == nil {
				l.book.crowded()
				if r.kind == counter {
					r.kind = newcomer
				}
			} else {
				r.cookie = b.cookie
			}
		}
		open.Go(func() { l.one(r, b) })
	}
}

// one makes one request of a browser, nil for a stranger.
func (l *loader) one(r *result, b *browser) {
	if r.kind == post {
		l.book.sending(r.id)
	}
	l.lines.exchange(r)
	lost, back := "", false
	if b != nil {
		lost, back = b.visited(r)
		l.crowd.back(b)
	}
	l.book.enter(r, lost, back)
}
