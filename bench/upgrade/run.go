package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/catherd/catherd/bench/load"
	"github.com/catherd/catherd/bench/tomcat"
)

// run does everything and returns how many promises were broken. Whatever it started
// has ended when it returns.
func run(ctx context.Context, out io.Writer, s settings) (broken int, err error) {
	dir, err := os.MkdirTemp("", "catherd-upgrade-")
	if err != nil {
		return 0, fmt.Errorf("create folder: %v", err)
	}
	defer os.RemoveAll(dir)
	farm, err := newFarm()
	defer func() {
		for _, m := range farm {
			m.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	f, err := newFront(ctx, dir, s, farm)
	if err != nil {
		return 0, err
	}
	a := &account{wanted: s.upgrades}
	err = a.see(ctx, out, s, f)
	a.clean = f.stop()
	a.said = f.said()
	if err != nil {
		return 0, fmt.Errorf("%v; the log ends:\n%s", err, f.tail())
	}
	a.report(out)
	verdict := a.judge()
	for _, text := range verdict {
		fmt.Fprintf(out, "BROKEN  %s\n", text)
	}
	if len(verdict) == 0 {
		fmt.Fprintln(out, "PASS")
	} else {
		fmt.Fprintf(out, "the log ends:\n%s\n", f.tail())
	}
	return len(verdict), nil
}

func newFarm() (farm []*tomcat.Server, err error) {
	shared := tomcat.NewSessions()
	for _, name := range []string{"tomcat1", "tomcat2"} {
		m, err := tomcat.Start(tomcat.Options{Route: name, AJP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Sessions: shared})
		if err != nil {
			return farm, err
		}
		farm = append(farm, m)
	}
	return farm, nil
}

// see puts the load on, has the process replaced, and takes the load off.
func (a *account) see(ctx context.Context, out io.Writer, s settings, f *front) error {
	to, err := netip.ParseAddrPort(f.listen)
	if err != nil {
		return err
	}
	begin := time.Now()
	loading, enough := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer enough()
	request := load.Request{Host: "bench", Path: "/app/status"}.Bytes()
	busy, err := load.Start(load.Options{Addr: to, Conns: s.clients, Requests: [][]byte{request},
		Expect: load.Expect{Status: 200, Length: int64(len("status=200\n"))}})
	if err != nil {
		return err
	}
	all.Go(func() { arrive(loading, f.listen, s.rate, &a.arrivals) })
	for range s.patient {
		all.Go(func() { stroll(loading, f.listen, &a.patient) })
	}
	all.Go(func() { a.words, a.wordsErr = webSocket(loading, f.listen) })
	all.Go(func() { a.bytes, a.downloadErr = download(loading, f.listen, int64(s.megs)<<20) })
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { a.watch.run(watching, f.admin, &a.scrapes) })
	defer watcher.Wait()
	defer stop()

	err = a.replace(ctx, out, s, f, begin)
	a.seconds = time.Since(begin).Seconds()
	a.busy, a.busyFirst = busy.Stop(), busy.FirstFailure()
	enough()
	all.Wait()
	if err != nil {
		return err
	}
	// The processes end when their clients have gone, and pass their counts on.
	a.left = f.ended(10 * time.Second)
	stop()
	watcher.Wait()
	text, err := ask(f.admin, "/metrics")
	a.scrapes.add(err)
	a.watch.look(parse(string(text)))
	return nil
}

// replace has the process replaced again and again, and once by one that crashes.
func (a *account) replace(ctx context.Context, out io.Writer, s settings, f *front, begin time.Time) error {
	say := func(format string, args ...any) {
		fmt.Fprintf(out, "%6.1fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	crasher, err := exec.LookPath("false")
	if err != nil {
		return fmt.Errorf("find a program that crashes: %v", err)
	}
	for i := range s.upgrades + 1 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.every):
		}
		if i == s.upgrades {
			_, a.crash = f.upgrade(ctx, crasher)
			say("to a program that crashes: %v", a.crash)
			continue
		}
		u, err := f.upgrade(ctx, "")
		if err != nil {
			return err
		}
		a.upgrades = append(a.upgrades, u)
		say("upgrade %d: pid %d to %d in %.0f ms, %d connections stay", i+1, u.Old, u.PID, u.Took*1000, u.Left)
	}
	// Nobody may have noticed the last one either.
	select {
	case <-ctx.Done():
	case <-time.After(s.every):
	}
	return nil
}
