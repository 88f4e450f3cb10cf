package realtomcat

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/guard"
)

// floodRate is in datagrams a second.
const floodRate = 100_000

// crowds is how many members strangers invent for a flood.
const crowds = 1 << 16

// strangers are their heartbeats, made once.
var strangers = sync.OnceValue(func() [][]byte {
	all := make([][]byte, crowds)
	for n := range all {
		all[n] = stranger(n)
	}
	return all
})

// flood sends heartbeats of strangers until the context ends, and returns how many. It
// goes before everybody else on the machine, so that the rate is the same whoever hears
// it. The thread with that right ends with the goroutine.
func (f *forger) flood(ctx context.Context) int {
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -19); err != nil {
		f.t.Errorf("go before everybody else: %v", err)
	}
	const burst = floodRate / 1000
	start, sent := time.Now(), 0
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent
		case <-tick.C:
		}
		due := min(int(time.Since(start)*floodRate/time.Second)-sent, 10*burst)
		for range due {
			f.send(strangers()[sent%crowds])
			sent++
		}
	}
}

// throughput is how many requests a few people who never wait make in a time.
func (s *premises) throughput(span time.Duration) int {
	ctx, stop := context.WithTimeout(context.Background(), span)
	defer stop()
	var done, failed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		v := newVisitor(s.t, s.b)
		all.Go(func() {
			for ctx.Err() == nil {
				if p, err := v.send(v.request("GET", site, "/app/node.txt", nil)); err != nil || p.status != 200 {
					failed.Add(1)
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 {
		s.t.Errorf("%d of %d requests failed", failed.Load(), done.Load())
	}
	return int(done.Load())
}

// flood: 100 000 datagrams a second cost the sender and the kernel something wherever
// they go, and the kernel more where a socket has joined the group, even if nobody reads
// from it. What Catherd adds is the difference to that. The three take turns, so that what
// else happens on the machine happens to all.
func (s *premises) flood() {
	ours, deaf, joined := s.forge(s.herds[0], strangeHost+":0"), s.forge(s.herds[0], strangeHost+":0"), s.forge(s.herds[0], strangeHost+":0")
	// Other ports, because such a socket is bound to no address.
	deaf.group = netip.AddrPortFrom(netip.MustParseAddr("239.77.0.1"), ours.group.Port()+1)
	joined.group = netip.AddrPortFrom(netip.MustParseAddr("239.77.0.2"), ours.group.Port()+2)
	s.ignore(joined.group)
	arrived := func() int { return s.udp("InDatagrams") + s.udp("RcvbufErrors") }
	var requests, datagrams, heard [3]int
	var cpu [3]time.Duration
	out, span := s.b.takenOut(), 500*time.Millisecond
	s.throughput(time.Second) // so that nobody measured is the first
	rounds := 1 + int(lasting(2, 19))
	for range rounds {
		for i, f := range []*forger{deaf, ours, joined} {
			before, spent := arrived(), s.cpu()
			ctx, stop := context.WithCancel(context.Background())
			var over sync.WaitGroup
			over.Go(func() { datagrams[i] += f.flood(ctx) })
			requests[i] += s.throughput(span)
			stop()
			over.Wait()
			heard[i] += arrived() - before
			cpu[i] += s.cpu() - spent
		}
	}
	for i, to := range []string{"a group that nobody has joined", "the group of Catherd", "a group that somebody has joined and nobody reads"} {
		s.t.Logf("%d datagrams in %v to %s, %d heard: %d requests, catherd took %v of processor time",
			datagrams[i], time.Duration(rounds)*span, to, heard[i], requests[i], cpu[i])
	}
	s.t.Logf("requests with a flood that Catherd hears: %.1f %% of those without a listener, %.1f %% of those with an idle one",
		100*float64(requests[1])/float64(requests[0]), 100*float64(requests[1])/float64(requests[2]))
	guarded, dropped := s.guarded()
	s.t.Logf("guarded: %t, dropped by the kernel: %d", guarded, dropped)
	if heard[1]+dropped < datagrams[1]/2 {
		s.t.Errorf("%d of %d datagrams arrived at Catherd's socket and %d were dropped before it: nothing was measured", heard[1], datagrams[1], dropped)
	}
	if guarded && heard[1] > datagrams[1]/10 {
		s.t.Errorf("%d of %d datagrams passed the guard", heard[1], datagrams[1])
	}
	s.watch(time.Second, s.served)
	s.t.Logf("memory of catherd: %s", s.memory())
	if now := s.b.takenOut()[len(out):]; len(now) > 0 {
		s.t.Errorf("taken out in a flood: %q", now)
	}
}

// guarded reports whether the kernel guards the groups, and how much of them it dropped.
func (s *premises) guarded() (yes bool, dropped int) {
	g := s.b.status().Guard
	for rule, n := range g.Drops {
		if strings.HasPrefix(rule, "group ") {
			dropped += int(n)
		}
	}
	return g.State == guard.AtWork, dropped
}

// ignore has a socket on Catherd's host join a group of which nobody ever reads.
func (s *premises) ignore(group netip.AddrPort) {
	s.t.Helper()
	err := s.host.there(func() error {
		on, err := net.InterfaceByName(catherdSide)
		if err != nil {
			return err
		}
		c, err := net.ListenMulticastUDP("udp4", on, net.UDPAddrFromAddrPort(group))
		if err != nil {
			return err
		}
		s.t.Cleanup(func() { c.Close() })
		return c.SetReadBuffer(128 << 10)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// cpu is the processor time Catherd has taken so far, to 10 ms (proc_pid_stat(5)).
func (s *premises) cpu() (spent time.Duration) {
	s.t.Helper()
	text := s.proc("stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')'):])
	for _, field := range fields[12:14] { // utime and stime, with the state as field 1
		n, err := strconv.Atoi(field)
		if err != nil {
			s.t.Fatal(err)
		}
		spent += time.Duration(n) * 10 * time.Millisecond
	}
	return spent
}
