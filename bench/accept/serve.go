package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/catherd/catherd/controlplane/steering"
	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// loops is how many acceptors the balancer has.
const loops = 2

// balancer is an engine that answers every request itself, because its pool is empty.
type balancer struct {
	engine *dataplane.Engine
	addr   net.Addr
}

// open starts a balancer under a plan.
func open(plan steering.Plan) (*balancer, error) {
	pool := &table.Pool{Name: "empty", Live: new(meter.Pool)}
	t := &table.Table{Version: 1, Pools: []*table.Pool{pool}, Routes: []table.Route{{Pattern: table.Pattern{Kind: table.Prefix, Literal: "/"}, Pool: pool}}}
	if err := t.Seal(); err != nil {
		return nil, err
	}
	e, err := dataplane.New(frontend.Limits{HeaderTimeout: patience, IdleTimeout: patience, HeaderSize: 8 << 10}, loops, func(string, string) {})
	if err != nil {
		return nil, err
	}
	e.Publish(t)
	e.SetSteering(steering.New(plan, slog.New(slog.DiscardHandler)))
	addrs, err := e.Listen([]frontend.Spec{{Address: "127.0.0.1:0"}})
	if err != nil {
		e.Close()
		return nil, err
	}
	return &balancer{e, addrs[0]}, nil
}

// holdUp keeps one loop busy again and again until done is closed.
func (b *balancer) holdUp(o options, done <-chan struct{}) {
	t := time.NewTicker(o.every)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
		}
		ended := make(chan struct{})
		b.engine.Do(0, func() {
			defer close(ended)
			if !o.spin {
				time.Sleep(o.busy)
				return
			}
			for begin := time.Now(); time.Since(begin) < o.busy; {
			}
		})
		<-ended
	}
}

// serve is the balancer's process: it says where it listens, and ends with its input.
func serve(o options, in io.Reader, out io.Writer) error {
	b, err := open(steering.Plan{Mode: o.serve})
	if err != nil {
		return err
	}
	defer b.engine.Close()
	done := make(chan struct{})
	defer close(done)
	go b.holdUp(o, done)
	fmt.Fprintln(out, b.addr)
	_, _ = io.Copy(io.Discard, in)
	return nil
}
