package frontend

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// Socket is a listening socket that comes from, or goes to, another process. Both
// processes then take connections from one and the same queue, so that none is
// lost when one of them stops.
type Socket struct {
	Address string // as the Spec has it; "": only the socket knows
	FD      int    // of this process, not watched by the runtime
}

// Adopt hands listening sockets to the next Listen, which uses those that it needs
// and closes the others. They belong to the server from now on.
func (s *Server) Adopt(list []Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopted = append(s.adopted, list...)
}

// Hold makes Listen open addresses without taking connections, which wait in the
// queues of their sockets until Accept.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Accept ends Hold. After an error some addresses are served and some are not.
func (s *Server) Accept() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	var errs []error
	for address, g := range s.groups {
		errs = append(errs, s.start(g), s.steer(address, g))
	}
	s.showWork()
	return errors.Join(errs...)
}

// Sockets gives duplicates of all listening sockets, for another process. The
// caller closes them.
func (s *Server) Sockets() (list []Socket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add := func(address string, fd int, err error) error {
		if err == nil {
			list = append(list, Socket{Address: address, FD: fd})
		}
		return err
	}
	for address, g := range s.groups {
		for _, a := range g.accept {
			fd, e := evloop.Descriptor(a.Listener)
			err = errors.Join(err, add(address, fd, e))
		}
		for _, l := range g.loops {
			fd, e := l.Descriptor()
			err = errors.Join(err, add(address, fd, e))
		}
	}
	if err != nil {
		closeSockets(list)
		return nil, fmt.Errorf("duplicate listeners: %w", err)
	}
	return list, nil
}

func closeSockets(list []Socket) {
	for _, l := range list {
		_ = unix.Close(l.FD)
	}
}

// sockets gives the n listeners of an address: those that were adopted for it, all
// of them, and new ones for what is missing. s.mu is held.
func (s *Server) sockets(address string, n int) ([]net.Listener, error) {
	lns, err := s.inherit(address)
	if err != nil {
		return nil, explainListen(address, err)
	}
	if len(lns) == 0 {
		return listenGroup(address, n)
	}
	if len(lns) >= n {
		return lns, nil // each may have connections in its queue
	}
	more, err := listenGroup(lns[0].Addr().String(), n-len(lns))
	if err == nil {
		return append(lns, more...), nil
	}
	// A single socket that nobody may join: all share it.
	for i := 0; len(lns) < n; i++ {
		ln, err := share(lns[i])
		if err != nil {
			closeAll(lns)
			return nil, explainListen(address, err)
		}
		lns = append(lns, ln)
	}
	return lns, nil
}

func closeAll(lns []net.Listener) {
	for _, l := range lns {
		_ = l.Close()
	}
}

// share gives another listener on the same socket.
func share(ln net.Listener) (net.Listener, error) {
	fd, err := evloop.Descriptor(ln)
	if err != nil {
		return nil, err
	}
	return listenerOf(fd)
}

// listenerOf makes a listener of a descriptor, which it closes.
func listenerOf(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "listener")
	defer func() { _ = f.Close() }() // the listener has a duplicate
	return net.FileListener(f)
}

// inherit takes out the adopted sockets of an address.
func (s *Server) inherit(address string) ([]net.Listener, error) {
	mine := func(l Socket) bool { return l.Address == address }
	if !contains(s.adopted, mine) {
		mine = func(l Socket) bool { return l.Address == "" && bound(l.FD, address) }
	}
	var lns []net.Listener
	var rest []Socket
	var first error
	for _, l := range s.adopted {
		if !mine(l) {
			rest = append(rest, l)
			continue
		}
		ln, err := listenerOf(l.FD)
		if err == nil {
			lns = append(lns, ln)
		} else if first == nil {
			first = err
		}
	}
	s.adopted = rest
	if first != nil {
		closeAll(lns)
		return nil, first
	}
	return lns, nil
}

func contains(list []Socket, f func(Socket) bool) bool {
	for _, l := range list {
		if f(l) {
			return true
		}
	}
	return false
}

// bound tells whether a socket listens on the address that is meant.
func bound(fd int, address string) bool {
	want, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return false
	}
	have, ok := evloop.LocalAddr(fd).(*net.TCPAddr)
	if !ok || have.Port != want.Port {
		return false
	}
	every := func(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }
	return have.IP.Equal(want.IP) || every(have.IP) && every(want.IP)
}
