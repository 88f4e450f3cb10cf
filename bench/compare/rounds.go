package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/catherd/catherd/bench/load"
)

// sample is one party's window in one round.
type sample struct {
	requests int64
	failed   int64
	rate     float64 // good answers a second
	cpu      float64 // µs of CPU for each good answer; 0 for direct
}

// compareLoad is the closed-loop run.
func compareLoad(ctx context.Context, f *farm, out, errs io.Writer) error {
	parties := f.open(ctx, out, errs)
	defer func() { stopAll(parties) }()
	if len(parties) == 0 {
		return errors.New("compare under load: nobody could be started")
	}
	steal := stealClock()
	samples := make([][]sample, len(parties))
	for round := range f.o.rounds {
		for i := range parties {
			// Rotated: who is first in this round is last in the next.
			n := (i + round) % len(parties)
			s, err := f.measure(ctx, parties[n])
			if err != nil {
				return fmt.Errorf("measure %s: %w", parties[n].name, err)
			}
			fmt.Fprintf(errs, "round %d  %-14s %8.0f req/s  %7.1f µs/req\n", round+1, parties[n].name, s.rate, s.cpu)
			samples[n] = append(samples[n], s)
		}
	}
	rows := make([]row, len(parties))
	for i, p := range parties {
		rows[i] = row{name: p.name, samples: samples[i]}
	}
	printTable(out, rows, f.o.size)
	fmt.Fprintf(out, "\nsteal time of the whole run: %s\n", steal())
	return nil
}

// measure puts load on one party and looks at a window of it.
func (f *farm) measure(ctx context.Context, p *party) (sample, error) {
	g, err := load.Start(load.Options{
		Addr: p.addr, Conns: f.o.conns, Loops: f.o.loops, Requests: f.requests, Expect: f.expect,
	})
	if err != nil {
		return sample{}, err
	}
	defer g.Stop()
	if err := pause(ctx, f.o.warm); err != nil {
		return sample{}, err
	}
	before, err := look(g, p)
	if err != nil {
		return sample{}, err
	}
	if err := pause(ctx, f.o.seconds); err != nil {
		return sample{}, err
	}
	after, err := look(g, p)
	if err != nil {
		return sample{}, err
	}
	c := after.counts.Sub(before.counts)
	if c.Requests == 0 {
		return sample{}, fmt.Errorf("no good answer, first failure: %w", g.FirstFailure())
	}
	spent, lost := after.usage.Since(before.usage)
	if lost > 0 {
		return sample{}, fmt.Errorf("%d of its processes ended in the window", lost)
	}
	return sample{
		requests: c.Requests, failed: c.Failed,
		rate: float64(c.Requests) / after.at.Sub(before.at).Seconds(),
		cpu:  float64(spent) / float64(time.Microsecond) / float64(c.Requests),
	}, nil
}

// reading is everything read at one end of a window.
type reading struct {
	at     time.Time
	counts load.Counts
	usage  load.Usage
}

func look(g *load.Generator, p *party) (reading, error) {
	var r reading
	if p.peer != nil {
		u, err := load.Measure(p.peer.PID)
		if err != nil {
			return r, err
		}
		r.usage = u
	}
	r.at, r.counts = time.Now(), g.Counts()
	return r, nil
}
