package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// serving is a Server that answers each message with itself in capitals.
type serving struct {
	t    *testing.T
	c    *Conn
	wait atomic.Int64 // nanoseconds
	gone chan error
}

func (s *serving) Request(b *Buffer) {
	if _, err := s.c.Write(bytes.ToUpper(b.Bytes()), tooLong); err != nil {
		s.t.Error(err)
	}
	if strings.HasPrefix(string(b.Bytes()), "detach") {
		s.c.Task().Detach()
	}
	Put(b)
	s.c.Await(s, time.Duration(s.wait.Load()))
}

func (s *serving) Gone(err error) { s.gone <- err }

func TestSockAwait(t *testing.T) {
	for name, x := range map[string]struct {
		wait time.Duration
		end  func(c *Conn, peer *net.TCPConn)
		want error
	}{
		"end":      {tooLong, func(_ *Conn, peer *net.TCPConn) { _ = peer.CloseWrite() }, io.EOF},
		"time-out": {time.Millisecond, func(*Conn, *net.TCPConn) {}, ErrTimeout},
		"drain":    {tooLong, func(c *Conn, _ *net.TCPConn) { c.CloseIfIdle() }, ErrTimeout},
		"cut":      {tooLong, func(c *Conn, _ *net.TCPConn) { c.StopRead() }, ErrTimeout},
		"reset": {tooLong, func(_ *Conn, peer *net.TCPConn) {
			_ = peer.SetLinger(0)
			_ = peer.Close()
		}, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLoop(t)
			c, peer := sockPair(t, l, runningDog(t))
			s := &serving{t: t, c: c, gone: make(chan error, 2)}
			s.wait.Store(int64(tooLong))
			if _, err := peer.Write([]byte("at once")); err != nil { // before anybody waits
				t.Fatal(err)
			}
			c.Await(s, tooLong)
			b := make([]byte, 64)
			for _, say := range []string{"", "detach", "one", "detach", "two"} {
				want := strings.ToUpper(say)
				if say == "" {
					want = "AT ONCE"
				} else if _, err := peer.Write([]byte(say)); err != nil {
					t.Fatal(err)
				}
				if n, err := io.ReadFull(peer, b[:len(want)]); string(b[:n]) != want || err != nil {
					t.Fatalf("%q, %v", b[:n], err)
				}
			}
			s.wait.Store(int64(x.wait)) // read by the next request
			if _, err := peer.Write([]byte("last")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(peer, b[:4]); err != nil {
				t.Fatal(err)
			}
			for len(s.gone) == 0 && c.idle.Load() != isWaiting { // its answer comes before its wait
				runtime.Gosched()
			}
			x.end(c, peer)
			if err := awaits(t, "the end is told", s.gone); !errors.Is(err, x.want) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// counting is a Server that waits for more after each message.
type counting struct {
	c    *Conn
	got  chan int
	gone chan error
}

func (s *counting) Request(b *Buffer) {
	s.got <- b.Len()
	Put(b)
	s.c.Await(s, tooLong)
}

func (s *counting) Gone(err error) { s.gone <- err }

// More than a buffer holds comes in one event: no other tells of the rest.
func TestSockAwaitsTheRest(t *testing.T) {
	l := startLoop(t)
	c, peer := sockPair(t, l, runningDog(t))
	s := &counting{c: c, got: make(chan int, 100), gone: make(chan error, 1)}
	c.Await(s, tooLong)
	known(t, l)
	const much = 2*Small + 10
	if _, err := peer.Write(make([]byte, much)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < much; {
		n += awaits(t, "the rest comes", s.got)
	}
	_ = peer.CloseWrite()
	if err := awaits(t, "the end is told", s.gone); err != io.EOF {
		t.Error(err)
	}
}
