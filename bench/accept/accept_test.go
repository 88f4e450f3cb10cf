package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/steering"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"-rate", "500", "-spin"}, io.Discard)
	if err != nil || o.rate != 500 || !o.spin || o.busy != 50*time.Millisecond || o.serve != "" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rate", "0"}, {"-rounds", "-1"}, {"-every", "0s"}, {"x"}, {"-nothing"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestFigures(t *testing.T) {
	var waits []time.Duration
	for i := range 200 {
		waits = append(waits, time.Duration(200-i)*time.Millisecond)
	}
	f := figure(waits, 3)
	if f.clients != 203 || f.failed != 3 || f.mean != 100500*time.Microsecond || f.p50 != 100*time.Millisecond ||
		f.p99 != 198*time.Millisecond || f.most != 200*time.Millisecond {
		t.Errorf("%+v", f)
	}
	if f := figure(nil, 1); f.clients != 1 || f.p99 != 0 {
		t.Errorf("%+v", f)
	}
	m := medians([]figures{{clients: 1, p99: 3}, {clients: 2, failed: 1, p99: 1}, {clients: 3, p99: 2}})
	if m.clients != 6 || m.failed != 1 || m.p99 != 2 {
		t.Errorf("%+v", m)
	}
}

func TestJudge(t *testing.T) {
	hash := figures{mean: 10, p99: 100}
	f := func(want bool, steered figures) {
		t.Helper()
		var out bytes.Buffer
		if got := judge(&out, hash, steered); got != want || want == strings.Contains(out.String(), "NOT") {
			t.Errorf("%+v: %v, %s", steered, got, out.String())
		}
	}
	f(true, figures{mean: 10, p99: 70})
	f(false, figures{mean: 10, p99: 71})
	f(false, figures{mean: 11, p99: 10})
	f(false, figures{mean: 1, p99: 1, failed: 1})
}

// A whole round in this process: every client is answered, and the loop was held up.
func TestRound(t *testing.T) {
	b, err := open(steering.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.engine.Close()
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.holdUp(options{busy: time.Millisecond, every: 5 * time.Millisecond, spin: true}, done)
	}()
	f := arrive(context.Background(), b.addr.String(), 400, 250*time.Millisecond, rand.New(rand.NewPCG(1, 1)))
	close(done)
	<-ended
	if f.clients < 50 || f.failed != 0 || f.mean <= 0 || f.p99 < f.p50 {
		t.Errorf("%+v", f)
	}
	if f := arrive(context.Background(), "127.0.0.1:1", 1000, 5*time.Millisecond, rand.New(rand.NewPCG(1, 1))); f.failed != f.clients {
		t.Errorf("nobody there: %+v", f)
	}
}

// The balancer's process says where it is and ends with its input.
func TestServe(t *testing.T) {
	in, give := io.Pipe()
	take, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(options{serve: steering.Never, every: time.Hour}, in, out) }()
	line := make([]byte, len("127.0.0.1:"))
	if _, err := io.ReadFull(take, line); err != nil || string(line) != "127.0.0.1:" {
		t.Fatalf("%q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, take) }()
	_ = give.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = out.Close()
}
