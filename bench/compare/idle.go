package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/catherd/catherd/bench/load"
)

// openWidth is how many of the silent connections are being opened at a time.
const openWidth = 64

// compareIdle measures one party after the other, each alone and fresh.
func compareIdle(ctx context.Context, f *farm, out, errs io.Writer) error {
	fmt.Fprintf(out, "\n%-14s %12s %12s %14s %12s %12s %8s\n", "", "PSS before", "PSS with", "per connection", "CPU before", "CPU with", "closed")
	for _, name := range f.o.parties {
		if name == direct {
			continue
		}
		p, err := f.openOne(ctx, name)
		if err != nil {
			fmt.Fprintf(out, "not measured: %s\n", name)
			fmt.Fprintln(errs, err)
			continue
		}
		line, err := f.idleOne(ctx, p)
		p.peer.Stop()
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			// Some cannot hold that many; the others go on.
			line = "not measured: " + err.Error()
		}
		fmt.Fprintf(out, "%-14s %s\n", name, line)
	}
	fmt.Fprintln(out, "\nPSS of the proxy's processes; what the kernel keeps for sockets is not in it. CPU in % of one core.")
	return nil
}

func (f *farm) idleOne(ctx context.Context, p *party) (string, error) {
	if err := pause(ctx, f.o.settle); err != nil {
		return "", err
	}
	quiet, err := f.idleCPU(ctx, p)
	if err != nil {
		return "", err
	}
	before, err := load.PSS(p.peer.PID)
	if err != nil {
		return "", err
	}
	idle, err := load.OpenIdle(ctx, p.addr, f.o.idle, openWidth, f.requests[0], f.expect)
	if err != nil {
		return "", err
	}
	defer idle.Close()
	if err := pause(ctx, f.o.rest); err != nil {
		return "", err
	}
	with, err := load.PSS(p.peer.PID)
	if err != nil {
		return "", err
	}
	busy, err := f.idleCPU(ctx, p)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%8.1f MiB %8.1f MiB %10.2f KiB %10.3f %% %10.3f %% %8d",
		mib(before), mib(with), float64(with-before)/1024/float64(f.o.idle), quiet, busy, idle.Closed()), nil
}

// idleCPU is the share of one core, in percent, that a party takes while nobody
// asks it anything.
func (f *farm) idleCPU(ctx context.Context, p *party) (float64, error) {
	before, err := load.Measure(p.peer.PID)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := pause(ctx, f.o.watch); err != nil {
		return 0, err
	}
	after, err := load.Measure(p.peer.PID)
	if err != nil {
		return 0, err
	}
	spent, lost := after.Since(before)
	if lost > 0 {
		return 0, fmt.Errorf("%d of its processes ended while idle", lost)
	}
	return 100 * float64(spent) / float64(time.Since(began)), nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
