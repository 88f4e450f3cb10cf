package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/peers"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"-seconds", "0.25", "-parties", "direct,haproxy", "-size", "0"}, io.Discard)
	if err != nil || o.seconds != 250*time.Millisecond || !slices.Equal(o.parties, []string{"direct", "haproxy"}) || !o.sticky {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parse([]string{"-all"}, io.Discard); err != nil || len(o.parties) != 1+len(peers.Names()) {
		t.Errorf("%+v, %v", o, err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		if _, err := parse(args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	f("squid", "-parties", "squid")
	f("positive", "-rounds", "0")
	f("positive", "-seconds", "-1")
	f("multiple of 1024", "-packet", "8193")
	f("not the path", "-save", "../x")
	f("not a flag", "round")
	f("not defined", "-round", "1")
}

func TestMedian(t *testing.T) {
	f := func(want float64, v ...float64) {
		t.Helper()
		if got := median(v); got != want {
			t.Errorf("median of %v: %v, want %v", v, got, want)
		}
	}
	f(0)
	f(4, 4)
	f(2, 9, 1, 2)
	f(2.5, 9, 1, 2, 3)
}

func TestTable(t *testing.T) {
	rows := []row{
		{name: direct, samples: []sample{{1000, 0, 100, 0}, {1000, 0, 110, 0}}},
		{name: "catherd-ajp", samples: []sample{{500, 0, 50, 10}, {500, 0, 60, 16}}},
		{name: "haproxy", samples: []sample{{400, 0, 40, 20}, {400, 0, 30, 40}}},
		{name: "mod_jk", samples: []sample{{100, 3, 10, 100}, {100, 0, 10, 200}}},
	}
	var out bytes.Buffer
	printTable(&out, rows, 1<<17)
	const want = `
               requests/s     CPU µs/request (min-max)   /haproxy    /mod_jk   failed   CPU µs/MiB
direct                105                            -          -          -        0            -
catherd-ajp            55             13.0 (10.0-16.0)       0.45       0.09        0          104
haproxy                35             30.0 (20.0-40.0)       1.00       0.20        0          240
mod_jk                 10          150.0 (100.0-200.0)       5.00       1.00        3         1200
warning: mod_jk gave wrong answers; its line is no result
note: without a proxy the same load gets 1.9 times the requests of catherd-ajp; below 2 the requests/s column says little, the CPU column stands
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestParseSteal(t *testing.T) {
	f := func(line string, steal, all int64, ok bool) {
		t.Helper()
		if s, a, k := parseSteal(line); s != steal || a != all || k != ok {
			t.Errorf("%q: %d %d %v, want %d %d %v", line, s, a, k, steal, all, ok)
		}
	}
	f("cpu  1 2 3 4 5 6 7 8 9 10", 8, 36, true)
	f("cpu0 1 2 3 4 5 6 7 8 9 10", 0, 0, false)
	f("cpu  1 2 3 4 5 6 7", 0, 0, false)
	f("cpu  1 2 3 4 5 6 7 x", 0, 0, false)
	f("", 0, 0, false)
}

func testFarm(t *testing.T, o options) *farm {
	t.Helper()
	f, err := openFarm(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return f
}

// A whole run without a proxy, and with one that is not there.
func TestCompareLoad(t *testing.T) {
	f := testFarm(t, options{
		parties: []string{direct, "catherd-ajp"}, catherd: "/nowhere/catherd", rounds: 2, sticky: true,
		seconds: 50 * time.Millisecond, conns: 4, loops: 1, size: 100, post: 10, packet: 8192,
	})
	var out bytes.Buffer
	if err := compareLoad(context.Background(), f, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "not measured: catherd-ajp") || !strings.Contains(out.String(), "\ndirect ") || strings.Contains(out.String(), "warning") {
		t.Errorf("got\n%s", out.String())
	}
	f.o.parties = f.o.parties[1:]
	if err := compareLoad(context.Background(), f, io.Discard, io.Discard); err == nil {
		t.Error("nobody there: no word of it")
	}
}

// served counts the answers of all members.
func (f *farm) served() int64 {
	var n int64
	for _, s := range f.servers {
		n += s.Served()
	}
	return n
}

// This process stands in for a proxy: generator and members are in it as well,
// so it must be seen to spend CPU.
func TestMeasureSeesCPU(t *testing.T) {
	f := testFarm(t, options{seconds: 50 * time.Millisecond, conns: 4, loops: 1, size: 100, packet: 8192})
	p := &party{name: "self", peer: &peers.Peer{PID: os.Getpid()}, addr: f.setup.HTTP[0].Addr}
	s, err := f.measure(context.Background(), p)
	if err != nil || s.requests == 0 || s.failed != 0 || s.cpu <= 0 || s.rate <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if served := f.served(); served < s.requests {
		t.Errorf("counted %d, members served %d", s.requests, served)
	}
	// Answers of another size than expected are no result.
	f.expect.Length++
	if s, err := f.measure(context.Background(), p); err == nil || !strings.Contains(err.Error(), "want 101") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestIdle(t *testing.T) {
	f := testFarm(t, options{idle: 50, size: 100, packet: 8192, settle: 1, rest: 1, watch: time.Millisecond})
	p := &party{name: "self", peer: &peers.Peer{PID: os.Getpid()}, addr: f.setup.HTTP[0].Addr}
	line, err := f.idleOne(context.Background(), p)
	if err != nil || strings.Count(line, "MiB") != 2 || strings.Count(line, "%") != 2 || !strings.HasSuffix(line, " 0") {
		t.Errorf("%q, %v", line, err)
	}
	if n := f.served(); n != 50 {
		t.Errorf("served %d, want 50", n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.idleOne(ctx, p); err == nil {
		t.Error("went on after the end")
	}
}

func TestCompareStartNamesTheMissing(t *testing.T) {
	f := testFarm(t, options{parties: []string{direct, "catherd-http"}, catherd: "/nowhere/catherd", rounds: 1, packet: 8192})
	var out bytes.Buffer
	if err := compareStart(context.Background(), f, &out, io.Discard); err != nil || !strings.Contains(out.String(), "not measured: catherd-http") {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

func TestDescribe(t *testing.T) {
	var out bytes.Buffer
	o := options{parties: []string{direct, "catherd-ajp"}, catherd: "/nowhere/catherd", rounds: 2, seconds: time.Second}
	describe(&out, o, "cubic")
	for _, want := range []string{"machine  ", "kernel  ", "congestion control cubic", "catherd-ajp", "config ", "not there", "2 rounds of 1s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
