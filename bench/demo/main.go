package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// settings are the flags.
type settings struct {
	check, pretend, anyPorts bool
	catherd                  string
}

func main() {
	var s settings
	flag.BoolVar(&s.check, "check", false, "ten requests, kill the node that holds the session, one more; exit 0 or 1")
	flag.BoolVar(&s.pretend, "pretend", false, "use the pretend Tomcats even where real ones could run")
	flag.BoolVar(&s.anyPorts, "any-ports", false, "use free ports instead of the reference's")
	flag.StringVar(&s.catherd, "catherd", "bin/catherd", "the `program` to run in front")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := demo(ctx, os.Stdout, s); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// demo runs until ctx ends or, with -check, until the check is done. Whatever it
// started is stopped when it returns.
func demo(ctx context.Context, out io.Writer, s settings) error {
	dir, err := os.MkdirTemp("", "catherd-demo-")
	if err != nil {
		return fmt.Errorf("create folder: %v", err)
	}
	defer os.RemoveAll(dir)
	farm, err := newFarm(ctx, out, dir, s)
	if err != nil {
		return err
	}
	defer farm.close()
	front, err := plan(dir, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "starting %s\n", farm.kind)
	if err := farm.start(ctx); err != nil {
		return stopped(ctx, err)
	}
	if err := front.start(ctx, s.catherd, farm); err != nil {
		return stopped(ctx, err)
	}
	defer front.stop()
	if s.check {
		return check(ctx, out, farm, front)
	}
	guide(out, farm, front, s.catherd)
	err = watch(ctx, out, farm, front)
	fmt.Fprintln(out, "\nstopping")
	return err
}

// stopped hides the errors that come from being asked to stop.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
