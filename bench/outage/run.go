package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// warm is how long the load runs before anything happens: JSPs are compiled, and
// connections made, by then.
const warm = 3 * time.Second

// run does everything and returns how many promises were broken; for others than Catherd
// that is 0. Whatever it started has ended when it returns. The last line that it writes
// is the verdict, however it ends: a result without one was cut off.
func run(ctx context.Context, out io.Writer, s settings) (broken int, err error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	end := "BROKEN  the run ended before its time"
	defer func() { fmt.Fprintln(out, end) }()
	broken, err = measure(ctx, out, s)
	end = ending(s.front, broken, err)
	return broken, err
}

// ending is the last line.
func ending(front string, broken int, err error) string {
	switch {
	case err != nil:
		first, _, _ := strings.Cut(err.Error(), "\n")
		return "BROKEN  the run did not come to its end: " + first
	case front != catherd:
		return "SHOWN   nothing is promised for " + front
	case broken > 0:
		return fmt.Sprintf("BROKEN  %d in all", broken)
	}
	return "PASS"
}

// measure is run without its last line.
func measure(ctx context.Context, out io.Writer, s settings) (broken int, err error) {
	dir, err := os.MkdirTemp("", "catherd-outage-")
	if err != nil {
		return 0, fmt.Errorf("create folder: %v", err)
	}
	defer os.RemoveAll(dir)
	farm, err := newFarm(s)
	if err != nil {
		return 0, err
	}
	defer farm.close()
	if err := farm.start(ctx); err != nil {
		return 0, err
	}
	f, err := startFront(ctx, dir, s, farm)
	if err != nil {
		return 0, err
	}
	defer f.stop()
	if s.logs != "" {
		defer keepLogs(s.logs, f, farm.tomcats)
	}
	var mu sync.Mutex
	began := time.Now()
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	what := "clustered"
	if s.alone {
		what = "lonely"
	}
	say("%s (%s) before %d %s Tomcats %s, %d requests/s, %d sessions, %d rounds of %s",
		s.front, f.version, size, what, s.tomcat, s.rate, s.sessions, s.rounds, s.schedule)
	a, err := load(ctx, s, farm, f, say)
	if err != nil {
		return 0, fmt.Errorf("%v; %s says:\n%s", err, s.front, f.tail(4000))
	}
	if a.events, err = f.events(); err != nil {
		return 0, err
	}
	verdict := a.judge()
	a.report(ctx, out, f)
	if s.front != catherd {
		return 0, nil
	}
	for i, text := range verdict {
		if i == evidence {
			fmt.Fprintf(out, "and %d more\n", len(verdict)-i)
			break
		}
		fmt.Fprintf(out, "BROKEN  %s\n", text)
	}
	return len(verdict), nil
}

// load disturbs the members under load and returns what was seen.
func load(ctx context.Context, s settings, farm *farm, f *front, say func(string, ...any)) (*full, error) {
	b := newBook()
	l := &loader{rate: s.rate, lines: &lines{addr: f.addr}, crowd: newCrowd(s.sessions), book: b}
	defer l.lines.close()
	if err := l.seed(ctx, s.sessions); err != nil {
		return nil, err
	}
	say("all browsers have their session")
	loading, enough := context.WithCancel(ctx)
	var arrivals sync.WaitGroup
	arrivals.Go(func() { l.run(loading) })
	d := &disturber{settings: s, farm: farm, book: b, say: say}
	pause(ctx, warm)
	err := d.run(ctx)
	enough()
	arrivals.Wait() // bounded: every request has its deadline
	if err != nil {
		return nil, err
	}
	ledgers, err := farm.ledgers()
	if err != nil {
		return nil, err
	}
	a := &full{account: account{alone: s.alone, results: b.results, outages: d.outages, losses: b.losses},
		members: farm.names(), late: b.late, strange: b.strange}
	a.twice, a.untold = audit(b.posts, b.results, ledgers)
	return a, nil
}

// keepLogs copies what the programs have written. A log that cannot be copied is missing
// afterwards, which its reader sees.
func keepLogs(to string, f *front, tomcats []*catalina.Tomcat) {
	if os.MkdirAll(to, 0o755) != nil {
		return
	}
	for _, name := range f.logs {
		if text, err := os.ReadFile(f.file(name)); err == nil {
			os.WriteFile(filepath.Join(to, f.name+"-"+name), text, 0o644)
		}
	}
	for _, t := range tomcats {
		os.WriteFile(filepath.Join(to, t.Name+".log"), []byte(t.Log()), 0o644)
	}
}
