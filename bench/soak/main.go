package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	catherd       string
	minutes       float64
	pretend, http bool
	version       string
	members       int
	connections   int
	think         time.Duration
	kill, reload  time.Duration
}

func main() {
	var s settings
	flag.StringVar(&s.catherd, "catherd", "bin/catherd", "the `program` to soak")
	flag.Float64Var(&s.minutes, "minutes", 10, "how long the load lasts")
	flag.BoolVar(&s.pretend, "pretend", false, "pretend Tomcats instead of real ones")
	flag.BoolVar(&s.http, "http", false, "members by HTTP instead of AJP")
	flag.StringVar(&s.version, "version", "10.1.34", "release of the real Tomcats")
	flag.IntVar(&s.members, "members", 2, "how many members")
	flag.IntVar(&s.connections, "connections", 64, "how many clients")
	flag.DurationVar(&s.think, "think", 10*time.Millisecond, "mean pause of a client between two requests")
	flag.DurationVar(&s.kill, "kill", 20*time.Second, "from kill to kill")
	flag.DurationVar(&s.reload, "reload", 5*time.Second, "from reload to reload")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	violations, err := soak(ctx, os.Stdout, s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "soak: %v\n", err)
	}
	if err != nil || violations > 0 {
		os.Exit(1)
	}
}
