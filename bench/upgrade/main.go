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
	catherd  string
	engine   string
	upgrades int
	every    time.Duration
	clients  int
	rate     int
	patient  int
	megs     int
}

func main() {
	var s settings
	flag.StringVar(&s.catherd, "catherd", "bin/catherd", "the `program`")
	flag.StringVar(&s.engine, "engine", "auto", "auto or std")
	flag.IntVar(&s.upgrades, "upgrades", 20, "how often it is replaced")
	flag.DurationVar(&s.every, "every", 3*time.Second, "from the end of one upgrade to the next")
	flag.IntVar(&s.clients, "clients", 64, "keep-alive clients without a pause")
	flag.IntVar(&s.rate, "rate", 200, "new connections a second")
	flag.IntVar(&s.patient, "patient", 32, "keep-alive clients with pauses")
	flag.IntVar(&s.megs, "download", 200, "MiB of the slow download")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broken, err := run(ctx, os.Stdout, s)
	if err != nil {
		fmt.Fprintf(os.Stderr, "upgrade: %v\n", err)
	}
	if err != nil || broken > 0 {
		os.Exit(1)
	}
}
