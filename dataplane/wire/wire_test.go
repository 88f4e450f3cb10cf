package wire

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stillDog is a watchdog without its goroutine: the test moves the clock.
func stillDog() *Watchdog {
	w := &Watchdog{}
	w.now.Store(1)
	for i := range w.shards {
		w.shards[i].conns = make(map[*Conn]struct{})
	}
	return w
}

// runningDog is a real one, stopped with the test.
func runningDog(t *testing.T) *Watchdog {
	w := NewWatchdog()
	t.Cleanup(w.Stop)
	return w
}

// pair is a connection and its peer over loopback TCP.
func pair(t testing.TB, wd *Watchdog) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := NewConn(nc, wd)
	t.Cleanup(func() {
		c.Close()
		_ = peer.Close()
	})
	return c, peer.(*net.TCPConn)
}

// send writes to the peer's side or fails the test.
func send(t testing.TB, peer *net.TCPConn, s string) {
	t.Helper()
	if _, err := peer.Write([]byte(s)); err != nil {
		t.Error(err)
	}
}

// sendAndEnd puts s and the end of the stream into one segment.
func sendAndEnd(t testing.TB, peer *net.TCPConn, s string) {
	t.Helper()
	raw, err := peer.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	send(t, peer, s)
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// arrived waits until n bytes lie unread in c's socket.
func arrived(t testing.TB, c *Conn, n int) {
	t.Helper()
	until := time.Now().Add(10 * time.Second)
	for have := 0; have < n; {
		err := c.raw.Control(func(fd uintptr) { have, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		if err != nil || time.Now().After(until) {
			t.Fatalf("%d of %d bytes arrived: %v", have, n, err)
		}
	}
}

// within fails the test when f does not return: it would hang for ever.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not return", what)
	}
}
