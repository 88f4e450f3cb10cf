package frontend

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/wire"
)

// Spec is one address to listen on.
type Spec struct {
	Address       string // host:port
	RedirectHTTPS uint16 // answer everything with a redirect to https on this port; 0: do not
	TLS           *tls.Config
}

// key tells whether two specs can share their sockets.
func (s Spec) key() string { return s.Address }

// listenGroup opens n listeners on one address that share its connections.
func listenGroup(address string, n int) ([]net.Listener, error) {
	lc := net.ListenConfig{Control: reuse}
	lc.SetMultipathTCP(false)
	var group []net.Listener
	for range n {
		ln, err := lc.Listen(context.Background(), "tcp", address)
		if err != nil {
			for _, l := range group {
				_ = l.Close()
			}
			return nil, explainListen(address, err)
		}
		if len(group) == 0 {
			address = ln.Addr().String() // port 0: the others join the port that was given
		}
		group = append(group, ln)
	}
	return group, nil
}

func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(cerr, err)
}

// acceptor is a listener that does not give up: fasthttp's accept loop ends at
// the first lasting error, and running out of file descriptors is none.
type acceptor struct {
	net.Listener
	closed atomic.Bool
	group  *group
	seat   seat
	onErr  func(error) // an accept failed and is tried again
}

// Accept waits for a connection. It comes with the group's TLS configuration of
// this moment, so that replaced certificates count at once.
func (a *acceptor) Accept() (net.Conn, error) {
	for wait := 5 * time.Millisecond; ; {
		c, err := a.Listener.Accept()
		switch {
		case err == nil:
			return tag(c, a.group, a.seat.accepted()), nil
		case a.closed.Load() || errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		}
		a.onErr(err)
		time.Sleep(wait)
		wait = min(2*wait, time.Second)
	}
}

// tag makes c know its group and where it is counted, and speak TLS if the group does.
func tag(c net.Conn, g *group, load Load) net.Conn {
	if cfg := g.tls.Load(); cfg != nil {
		if l, err := wire.NewLower(c.(*net.TCPConn)); err == nil {
			c = l
		}
		t := tls.Server(c, cfg)
		return &taggedTLS{t, t, g, load}
	}
	return &tagged{c.(*net.TCPConn), g, load}
}

// Close ends Accept.
func (a *acceptor) Close() error {
	a.closed.Store(true)
	return a.Listener.Close()
}

// ListenError says why an address cannot be listened on, and what helps.
type ListenError struct {
	Address string
	Why     string
	Err     error
}

func (e *ListenError) Error() string { return "listen on " + e.Address + ": " + e.Why }

// Unwrap gives the system's error.
func (e *ListenError) Unwrap() error { return e.Err }

func explainListen(address string, err error) error {
	why := err.Error()
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why = "another program listens there (ss -ltnp shows which)"
	case errors.Is(err, syscall.EACCES):
		why = "ports below 1024 need root or CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "this host does not have that address"
	}
	return &ListenError{address, why, err}
}
