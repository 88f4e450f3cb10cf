package evloop

import (
	"errors"
	"net"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// listening is a listener of l and what it has taken.
type listening struct {
	*Listener
	addr  string
	taken chan *Sock
	errs  chan error
}

func listen(t *testing.T, l *Loop) *listening {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := Descriptor(ln)
	if err = errors.Join(err, ln.Close()); err != nil {
		t.Fatal(err)
	}
	x := &listening{addr: ln.Addr().String(), taken: make(chan *Sock, 1000), errs: make(chan error, 1000)}
	x.Listener, err = l.Listen(fd, func(fd int, remote net.Addr) {
		s, err := l.Add(fd, LocalAddr(fd), remote)
		if err != nil {
			t.Error(err)
			return
		}
		x.taken <- s
	}, nil, func(err error) { x.errs <- err })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.Close()
		for len(x.taken) > 0 {
			_ = (<-x.taken).Close()
		}
	})
	return x
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

func TestListenTakesMany(t *testing.T) {
	l := start(t)
	x := listen(t, l)
	const many = 3 * acceptBatch
	clients := map[string]bool{}
	for range many {
		clients[dial(t, x.addr).LocalAddr().String()] = true
	}
	for range many {
		s := await(t, "a connection is taken", x.taken)
		if !clients[s.RemoteAddr().String()] || s.LocalAddr().String() != x.addr {
			t.Errorf("from %s to %s", s.RemoteAddr(), s.LocalAddr())
		}
		delete(clients, s.RemoteAddr().String())
		_ = s.Close()
	}
}

func TestListenerClosesWhileItAccepts(t *testing.T) {
	l := start(t)
	for range 20 {
		x := listen(t, l)
		var dialling sync.WaitGroup
		for range 4 {
			dialling.Go(func() {
				for range 10 {
					if nc, err := net.Dial("tcp", x.addr); err == nil {
						_ = nc.Close()
					}
				}
			})
		}
		x.Close()
		n := len(x.taken)
		x.Close() // changes nothing
		dialling.Wait()
		epoch(t, l)
		if len(x.taken) != n {
			t.Errorf("%d connections were taken after Close", len(x.taken)-n)
		}
		if _, err := net.Dial("tcp", x.addr); err == nil {
			t.Error("somebody listens after Close")
		}
	}
}

// Without descriptors accepting pauses, and goes on when there are some again.
func TestListenOutlivesALackOfDescriptors(t *testing.T) {
	l := start(t)
	x := listen(t, l)
	await(t, "the loop works", func() <-chan *Sock { dial(t, x.addr); return x.taken }())
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	to := x.s.addr(t)

	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: had.Max}); err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &had) })
	defer restore()
	if err := unix.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
	for range 3 { // each pause is followed by another attempt
		if err := await(t, "the lack is told", x.errs); !errors.Is(err, unix.EMFILE) {
			t.Errorf("told of %v", err)
		}
	}
	restore()
	s := await(t, "the connection is taken after all", x.taken)
	_ = s.Close()
	onLoop(t, l, func() {
		if x.wait != 0 {
			t.Errorf("the next pause would be %v", x.wait)
		}
	})
}

// addr is where a listening socket can be connected to.
func (s *Sock) addr(t *testing.T) unix.Sockaddr {
	t.Helper()
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		t.Fatal(err)
	}
	return sa
}

func TestCloseDuringAPause(t *testing.T) {
	l := start(t)
	x := listen(t, l)
	onLoop(t, l, x.pause)
	x.Close()
	x2 := listen(t, l) // takes the slot; the end of the pause is not for it
	if x2.s.fd != x.s.fd || x2.s.slot != x.s.slot {
		t.Fatal("it has another place: the test tests nothing")
	}
	onLoop(t, l, x.resume)
	dial(t, x2.addr)
	s := await(t, "the new listener accepts", x2.taken)
	_ = s.Close()
}

func TestListenAfterStop(t *testing.T) {
	l, err := New(3)
	if err != nil {
		t.Fatal(err)
	}
	x := listen(t, l)
	await(t, "the loop ends", l.Stop())
	x.Close() // nobody is there to do it
	if _, err := net.Dial("tcp", x.addr); err == nil {
		t.Error("somebody listens after Close")
	}
	if _, err := l.Add(0, nil, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a loop that has ended takes a socket: %v", err)
	}
}
