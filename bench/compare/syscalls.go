package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/catherd/catherd/bench/load"
)

// calls are the system calls of one name.
type calls struct {
	name   string
	count  int64
	failed int64 // of count: those that returned an error, EAGAIN included
}

// compareSyscalls counts system calls with strace, which slows everybody down
// several times: nothing else of this run is worth reading.
func compareSyscalls(ctx context.Context, f *farm, out, errs io.Writer) error {
	if _, err := exec.LookPath("strace"); err != nil {
		return errors.New(`count system calls: "strace" is not there`)
	}
	parties := f.open(ctx, out, errs)
	defer func() { stopAll(parties) }()
	fmt.Fprintf(out, "\n%-14s %8s  %s\n", "", "calls", "for each request, under strace (failed ones)")
	for _, p := range parties {
		if p.peer == nil {
			continue
		}
		all, requests, err := f.trace(ctx, p)
		if err != nil {
			return fmt.Errorf("count system calls of %s: %w", p.name, err)
		}
		fmt.Fprintf(out, "%-14s %s\n", p.name, perRequest(all, requests))
	}
	return nil
}

// trace attaches while the party is quiet, puts load on it for the window and
// detaches again.
func (f *farm) trace(ctx context.Context, p *party) ([]calls, int64, error) {
	tree, err := load.Tree(p.peer.PID)
	if err != nil {
		return nil, 0, err
	}
	dir, err := os.MkdirTemp("", "catherd-bench-strace-")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "counts")
	args := []string{"-f", "-c", "-q", "-o", file}
	for _, pid := range tree {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	var said bytes.Buffer
	cmd := exec.Command("strace", args...)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	requests, err := f.load(ctx, p)
	// The counts are written when strace is asked to end; it then ends by the
	// same signal, so its exit status says nothing.
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	if err != nil {
		return nil, 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	all := parseCounts(text)
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("strace counted nothing: %s", bytes.TrimSpace(said.Bytes()))
	}
	return all, requests, nil
}

// load is a window without anything else being read, from the first request on.
func (f *farm) load(ctx context.Context, p *party) (int64, error) {
	// Time to attach to every thread.
	if err := pause(ctx, f.o.warm+500*time.Millisecond); err != nil {
		return 0, err
	}
	g, err := load.Start(load.Options{
		Addr: p.addr, Conns: f.o.conns, Loops: f.o.loops, Requests: f.requests, Expect: f.expect,
	})
	if err != nil {
		return 0, err
	}
	err = pause(ctx, f.o.seconds)
	counts := g.Stop()
	switch {
	case err != nil:
		return 0, err
	case counts.Failed > 0:
		return 0, fmt.Errorf("%d wrong answers, first: %w", counts.Failed, g.FirstFailure())
	case counts.Requests == 0:
		return 0, errors.New("no answer in the window")
	}
	return counts.Requests, nil
}

// parseCounts reads the table of strace -c: share, seconds, µs a call, calls,
// errors (left empty if none), name; most frequent first.
func parseCounts(text []byte) []calls {
	var all []calls
	for line := range strings.Lines(string(text)) {
		v := strings.Fields(line)
		if len(v) < 5 || len(v) > 6 || v[len(v)-1] == "total" {
			continue
		}
		count, err := strconv.ParseInt(v[3], 10, 64)
		if err != nil {
			continue // the head of the table or its rulers
		}
		c := calls{name: v[len(v)-1], count: count}
		if len(v) == 6 {
			if c.failed, err = strconv.ParseInt(v[4], 10, 64); err != nil {
				continue
			}
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b calls) int { return int(b.count - a.count) })
	return all
}

// perRequest is the sum and those that happen at least once in 50 requests.
func perRequest(all []calls, requests int64) string {
	var sum int64
	var parts []string
	for _, c := range all {
		sum += c.count
		if each := float64(c.count) / float64(requests); each >= 0.02 {
			part := fmt.Sprintf("%s %.2f", c.name, each)
			if failed := float64(c.failed) / float64(requests); failed >= 0.02 {
				part += fmt.Sprintf(" (%.2f)", failed)
			}
			parts = append(parts, part)
		}
	}
	return fmt.Sprintf("%8.2f  %s", float64(sum)/float64(requests), strings.Join(parts, ", "))
}
