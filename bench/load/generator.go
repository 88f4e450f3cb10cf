package load

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Options of a closed-loop run.
type Options struct {
	Addr  netip.AddrPort // IPv4
	Conns int            // keep-alive connections
	Loops int            // OS threads, 0 for 1
	// Requests as sent; connection i sends Requests[i % len(Requests)] over and
	// over, so that several sessions can be mixed.
	Requests [][]byte
	Expect   Expect
}

// Counts add up from the start of a Generator. Two readings subtracted give a
// window.
type Counts struct {
	Requests int64 // answered as expected
	Failed   int64 // answered otherwise, cut off, or not at all
	Reopened int64 // connections opened again, after a failure or a polite close
	Bytes    int64 // read from the sockets, heads and framing included
}

// Sub is the window between an earlier reading and this one.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{
		Requests: c.Requests - earlier.Requests,
		Failed:   c.Failed - earlier.Failed,
		Reopened: c.Reopened - earlier.Reopened,
		Bytes:    c.Bytes - earlier.Bytes,
	}
}

// tally belongs to one loop. The padding keeps two loops off one cache line.
type tally struct {
	requests, failed, reopened, bytes atomic.Int64
	_                                 [32]byte
}

// Generator keeps its connections busy until Stop.
type Generator struct {
	loops []*loop
	wait  sync.WaitGroup
	first atomic.Pointer[error]
}

// Start opens all connections and lets them go. It fails if one of them cannot
// be opened.
func Start(o Options) (*Generator, error) {
	if o.Loops == 0 {
		o.Loops = 1
	}
	if o.Conns < 1 || o.Loops < 1 || len(o.Requests) == 0 || !o.Addr.Addr().Is4() {
		return nil, errors.New("start load: needs an IPv4 address, a connection, a loop and a request")
	}
	g := &Generator{}
	for i := range o.Loops {
		l, err := newLoop(g, &o, i)
		if err != nil {
			for _, l := range g.loops {
				l.release()
			}
			return nil, err
		}
		g.loops = append(g.loops, l)
	}
	for _, l := range g.loops {
		g.wait.Go(l.run)
	}
	return g, nil
}

// Counts reads the counters. Safe while running.
func (g *Generator) Counts() Counts {
	var c Counts
	for _, l := range g.loops {
		c.Requests += l.tally.requests.Load()
		c.Failed += l.tally.failed.Load()
		c.Reopened += l.tally.reopened.Load()
		c.Bytes += l.tally.bytes.Load()
	}
	return c
}

// FirstFailure is what went wrong first, nil if nothing did.
func (g *Generator) FirstFailure() error {
	if p := g.first.Load(); p != nil {
		return *p
	}
	return nil
}

// Stop closes all connections, waits for the loops and returns the last counts.
// Requests under way are dropped and counted nowhere.
func (g *Generator) Stop() Counts {
	for _, l := range g.loops {
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	g.wait.Wait()
	return g.Counts()
}

// connect opens a non-blocking connection. The connect itself blocks: on
// loopback it is over when the call returns.
func connect(addr netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("make socket: %w", err)
	}
	if err = unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect to %s: %w", addr, err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return fd, nil
}
