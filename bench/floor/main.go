package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run relays until a loop fails.
func run(args []string) error {
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	listen := f.String("listen", "", "address and port to listen on")
	backend := f.String("backend", "", "address and port to relay to")
	loops := f.Int("loops", runtime.NumCPU(), "threads that relay")
	if err := f.Parse(args); err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(*listen)
	if err != nil {
		return fmt.Errorf("read -listen: %w", err)
	}
	to, err := netip.ParseAddrPort(*backend)
	if err != nil {
		return fmt.Errorf("read -backend: %w", err)
	}
	if !at.Addr().Is4() || !to.Addr().Is4() || *loops < 1 {
		return fmt.Errorf("relay %s to %s with %d loops: IPv4 and at least one loop are wanted", at, to, *loops)
	}
	// A waiting loop keeps its place in the scheduler; the runtime needs one, too.
	runtime.GOMAXPROCS(*loops + 1)
	failed := make(chan error)
	for range *loops {
		r, err := open(at, to)
		if err != nil {
			return err
		}
		go func() { failed <- r.run() }()
	}
	return <-failed
}
