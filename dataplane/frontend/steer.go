package frontend

import (
	"errors"
	"net"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// Load is told what becomes of the connections of one listener. Its methods are
// called for every connection, from any goroutine, and must neither block nor
// allocate.
type Load interface {
	Accepted() // a connection was taken
	Closed()   // a connection that was taken has ended
	Drained()  // nothing waits to be taken
	// Since is where to say since when the acceptor has been doing something else than
	// to wait (evloop.Loop.ShowWork); nil: nobody wants to know.
	Since() *atomic.Uint64
}

// Steering has the kernel choose which listener of an address takes a new
// connection. Its methods are called by one goroutine at a time.
type Steering interface {
	// Open is given the listeners of an address that is opened, by descriptors that
	// are valid during the call. An error keeps the address from being opened.
	Open(address string, fds []int) (Steered, error)
}

// Steered is an address under a Steering. Its methods are called by one goroutine at
// a time.
type Steered interface {
	// Tend is called every now and then. It follows what is wanted now, or says why
	// it cannot.
	Tend(fds []int) error
	// Load is that of a listener, for connections that are taken from now on; nil
	// while the address is not steered.
	Load(listener int) Load
	// Close is called when the listeners have been closed.
	Close()
}

// seat is the place of one listener in its group.
type seat struct {
	fd   int // of loops; the group closes it
	loop *evloop.Loop
	load atomic.Pointer[Load]
}

// accepted counts a connection; whoever ends it calls closed with what is returned.
func (s *seat) accepted() Load {
	l := s.load.Load()
	if l == nil {
		return nil
	}
	(*l).Accepted()
	return *l
}

func (s *seat) drained() {
	if l := s.load.Load(); l != nil {
		(*l).Drained()
	}
}

func (s *seat) take(l Load) {
	if l == nil {
		s.load.Store(nil)
		return
	}
	if old := s.load.Load(); old == nil || *old != l {
		s.load.Store(&l)
	}
}

func closed(l Load) {
	if l != nil {
		l.Closed()
	}
}

// SetSteering makes st steer the addresses that are opened from now on. Call it
// before the first Listen.
func (s *Server) SetSteering(st Steering) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steering = st
}

// Steer follows what the Steering wants now, at all addresses, and looks after the
// loads of listeners that cannot do it themselves. It is to be called about once a
// second, and whenever something else is wanted. After an error some addresses follow
// and some do not.
func (s *Server) Steer() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steering == nil {
		return nil
	}
	var errs []error
	for address, g := range s.groups {
		errs = append(errs, s.steer(address, g))
	}
	s.showWork()
	return errors.Join(errs...)
}

// showWork has the loops say that they are busy to all loads there are. s.mu is held.
func (s *Server) showWork() {
	words := make(map[*evloop.Loop][]*atomic.Uint64)
	for _, g := range s.groups {
		for _, x := range g.seats {
			if load := x.load.Load(); load != nil {
				if w := (*load).Since(); w != nil {
					words[x.loop] = append(words[x.loop], w)
				}
			}
		}
	}
	for _, l := range s.loops {
		l.ShowWork(words[l])
	}
}

// steer puts one address under the steering, or has it looked after. s.mu is held.
func (s *Server) steer(address string, g *group) error {
	fds := g.descriptors()
	if s.steering == nil || s.held || len(fds) == 0 {
		return nil
	}
	if g.steered == nil {
		st, err := s.steering.Open(address, fds)
		if err != nil {
			return err
		}
		g.steered = st
		g.sit()
		return nil
	}
	err := g.steered.Tend(fds)
	g.sit()
	// A goroutine that waits in Accept does not see that nothing waits there.
	for i, a := range g.accept {
		if !waits(fds[i]) {
			a.seat.drained()
		}
	}
	return err
}

// descriptors are those of the listeners, always in the same order; none if one has
// none. They are valid until the group is closed.
func (g *group) descriptors() (fds []int) {
	for _, x := range g.seats {
		fds = append(fds, x.fd)
	}
	lns := g.held
	for _, a := range g.accept {
		lns = append(lns, a.Listener)
	}
	for _, ln := range lns {
		fd, ok := descriptor(ln)
		if !ok {
			return nil
		}
		fds = append(fds, fd)
	}
	return fds
}

// sit gives every listener its load.
func (g *group) sit() {
	if g.steered == nil {
		return
	}
	for i, x := range g.seats {
		x.take(g.steered.Load(i))
	}
	for i, a := range g.accept {
		a.seat.take(g.steered.Load(i))
	}
}

// descriptor is the descriptor of a listener, valid until it is closed.
func descriptor(ln net.Listener) (fd int, ok bool) {
	t, is := ln.(*net.TCPListener)
	if !is {
		return 0, false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(f uintptr) { fd = int(f) })
	return fd, err == nil
}

// waits tells whether connections wait at a listener.
func waits(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 || err != nil
}
