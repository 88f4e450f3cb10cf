package main

import (
	"context"
	"time"
)

// reloader reloads Catherd with a changed file and rotates its access log.
type reloader struct {
	front   *front
	book    *book
	every   time.Duration
	reloads int // read it when run has returned
}

// run ends with ctx.
func (r *reloader) run(ctx context.Context) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.reloads++
		if err := r.front.reload(r.reloads); err != nil {
			r.book.violate("reload %d: %v", r.reloads, err)
			return
		}
		if err := r.front.rotate(); err != nil {
			r.book.violate("rotate the access log: %v", err)
			return
		}
	}
}
