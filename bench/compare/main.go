package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/catherd/catherd/bench/peers"
)

// options are the flags.
type options struct {
	catherd string
	parties []string
	rounds  int
	seconds time.Duration
	warm    time.Duration
	conns   int
	loops   int
	size    int
	post    int
	packet  int
	sticky  bool
	idle    int
	start   bool
	calls   bool
	save    string

	// How long an idle party is left alone: after the start, after the
	// connections were opened, and while its CPU is watched.
	settle, rest, watch time.Duration
}

// direct is the party without a proxy.
const direct = "direct"

var usual = []string{direct, "catherd-ajp", "catherd-http", "haproxy", "mod_jk"}

func parse(args []string, errs io.Writer) (options, error) {
	o := options{settle: 2 * time.Second, rest: 5 * time.Second, watch: 10 * time.Second}
	var parties string
	var all bool
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.catherd, "catherd", "bin/catherd", "`path` of the catherd program")
	f.StringVar(&parties, "parties", strings.Join(usual, ","), "who takes part: direct, "+strings.Join(peers.Names(), ", "))
	f.BoolVar(&all, "all", false, "everybody takes part")
	f.IntVar(&o.rounds, "rounds", 5, "rounds; -start starts everybody as many times")
	f.DurationVar(&o.warm, "warm", 500*time.Millisecond, "load before each measured window")
	seconds := f.Float64("seconds", 3, "length of each measured window in seconds")
	f.IntVar(&o.conns, "conns", 64, "keep-alive connections")
	f.IntVar(&o.loops, "loops", 1, "threads of the generator")
	f.IntVar(&o.size, "size", 1024, "body bytes of each answer")
	f.IntVar(&o.post, "post", 0, "body bytes of each request; 0 sends GET")
	f.IntVar(&o.packet, "packet", 8192, "AJP packet size on both sides in bytes, a multiple of 1024")
	f.BoolVar(&o.sticky, "sticky", true, "send a session cookie and follow it")
	f.IntVar(&o.idle, "idle", 0, "instead of load: hold this many silent connections")
	f.BoolVar(&o.start, "start", false, "instead of load: time from start to first good answer")
	f.BoolVar(&o.calls, "syscalls", false, "instead of measuring: count system calls for each request with strace")
	f.StringVar(&o.save, "save", "", "also write the result to bench/result/`NAME`.txt")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.seconds = time.Duration(*seconds * float64(time.Second))
	o.parties = strings.Split(parties, ",")
	if all {
		o.parties = append([]string{direct}, peers.Names()...)
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("read arguments: %q is not a flag", f.Arg(0))
	case o.rounds < 1 || o.conns < 1 || o.loops < 1 || o.seconds <= 0 || o.warm < 0 || o.size < 0 || o.post < 0 || o.idle < 0:
		return o, errors.New("read arguments: counts and times must be positive")
	case o.packet < 8192 || o.packet > 65536 || o.packet%1024 != 0:
		return o, fmt.Errorf("read arguments: packet size %d is no multiple of 1024 between 8192 and 65536", o.packet)
	case o.save != "" && o.save != filepath.Base(o.save):
		return o, fmt.Errorf("read arguments: -save takes a name, not the path %q", o.save)
	}
	for _, name := range o.parties {
		if _, err := peers.Find(name); name != direct && err != nil {
			return o, err
		}
	}
	if slices.ContainsFunc(o.parties, func(n string) bool { return strings.HasPrefix(n, "catherd") }) {
		// Proxies run in directories of their own.
		abs, err := filepath.Abs(o.catherd)
		if err != nil {
			return o, err
		}
		o.catherd = abs
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	// Generator and members each sit in a thread of their own, mostly inside
	// system calls; with a processor to spare for each none waits for another.
	runtime.GOMAXPROCS(runtime.NumCPU() + o.loops + 4)
	restore, note := useCubic()
	defer restore()
	var text bytes.Buffer
	both := io.MultiWriter(out, &text)
	describe(both, o, note)
	f, err := openFarm(o)
	if err != nil {
		return err
	}
	defer f.close()
	switch {
	case o.start:
		err = compareStart(ctx, f, both, errs)
	case o.calls:
		err = compareSyscalls(ctx, f, both, errs)
	case o.idle > 0:
		err = compareIdle(ctx, f, both, errs)
	default:
		err = compareLoad(ctx, f, both, errs)
	}
	if err != nil || o.save == "" {
		return err
	}
	file := filepath.Join("bench", "result", o.save+".txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("save result: %w", err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("save result: %w", err)
	}
	fmt.Fprintf(out, "\nsaved as %s\n", file)
	return nil
}

// pause waits, but not longer than the run lives.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.New("stopped before the end")
	}
}
