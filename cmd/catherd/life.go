package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// osSignals are those that a running process follows.
func osSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 8)
	signal.Notify(c, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR1)
	return c, func() { signal.Stop(c) }
}

// live follows signals until one of them, or ctx, ends the process and the
// requests in flight have been answered.
func (x *process) live(ctx context.Context, wg *sync.WaitGroup, signals <-chan os.Signal) error {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var ended chan int64 // set when draining has begun
	cut := func() {}
	end := func(how func(context.Context) int64) {
		limit, stop := context.WithTimeout(context.Background(), x.shutdown())
		cut = stop
		ended = make(chan int64, 1)
		x.ending.Store(true)
		x.ctl.Drain()
		wg.Go(func() { ended <- how(limit) })
	}
	drain := func() {
		notifyStopping()
		end(x.engine.Drain)
	}
	defer func() { cut() }()
	var next *heir // set when somebody has taken over
	var counts <-chan time.Time
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			if ended == nil {
				drain()
			}
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				wg.Go(func() { x.reload(working, "SIGHUP") })
			case syscall.SIGUSR1:
				if err := x.access.Reopen(); err != nil {
					x.log.Error("access log", "reason", err.Error())
				}
			default:
				if ended == nil {
					drain()
				} else {
					cut()
				}
			}
		case next = <-x.handed:
			x.mute()
			if ended == nil {
				end(x.engine.Retire)
			}
			t := time.NewTicker(200 * time.Millisecond)
			defer t.Stop()
			counts = t.C
		case <-counts:
			if err := x.give(next); err != nil {
				x.log.Debug("counters", "reason", err.Error())
				counts = nil // it has ended
			}
		case n := <-ended:
			if next != nil {
				if counts != nil {
					_ = x.give(next)
				}
				_ = next.link.Close()
			}
			if n > 0 {
				x.log.Warn("connections cut", "count", n, "after", x.shutdown().String())
			}
			x.log.Info("stopped", "uptime", time.Since(x.begin).Round(time.Second).String())
			return nil
		}
	}
}
