package upstream

import (
	"net"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/wire"
)

// oneConn is a pool with one connection, to a server that tests play by hand.
func oneConn(t *testing.T) (*Pool, *Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wd := wire.NewWatchdog()
	p := newPool(wd, new(meter.Member), 0)
	c := &Conn{Conn: wire.NewConn(nc, wd), pool: p}
	p.idle[0].place(c)
	t.Cleanup(func() {
		_ = peer.Close()
		c.Close()
		wd.Stop()
	})
	return p, c, peer.(*net.TCPConn)
}

func TestWaitsAreSeen(t *testing.T) {
	p, c, _ := oneConn(t)
	steps := []struct {
		name string
		do   func()
		want meter.Owed
	}{
		{"nothing asked", func() {}, meter.Owed{}},
		{"asked", func() { c.Expect(1000, true) }, meter.Owed{Waiting: 1, Since: 1000}},
		{"answered", func() { c.Came(2000) }, meter.Owed{LastByte: 2000}},
		{"asked again", func() { c.Expect(3000, false) }, meter.Owed{Waiting: 1, Since: 3000, LastByte: 2000}},
		{"failed", func() { c.Came(0) }, meter.Owed{Waiting: 1, Since: 3000, LastByte: 2000}},
		{"gone", func() { p.idle[0].vacate(c) }, meter.Owed{LastByte: 2000}},
	}
	for _, s := range steps {
		s.do()
		if o := p.Owed(); o != s.want {
			t.Errorf("%s: %+v, want %+v", s.name, o, s.want)
		}
	}
}

// Either the answer has come or the member is given up, never both.
func TestAbandonOrAnswer(t *testing.T) {
	p, c, _ := oneConn(t)
	c.Expect(1001, false)
	if n, _ := p.Abandon("why", 9); n != 0 {
		t.Error("a request that must stay has left")
	}
	if why, ok := c.Came(2000); !ok || why != "" {
		t.Errorf("an answer was refused: %q", why)
	}
	c.Expect(3000, true)
	if n, _ := p.Abandon("none", 0); n != 0 {
		t.Errorf("%d left, and none may", n)
	}
	if n, _ := p.Abandon("first", 9); n != 1 {
		t.Errorf("%d left", n)
	}
	if n, _ := p.Abandon("second", 9); n != 0 {
		t.Errorf("%d left twice", n)
	}
	if o := p.Owed(); o.Waiting != 0 || o.LastByte != 2000 {
		t.Errorf("given up: %+v", o)
	}
	for _, at := range []int64{0, 4000} { // the wait failed; bytes came nevertheless
		c.wait.Store(givenUp)
		if why, ok := c.Came(at); ok || why != "second" {
			t.Errorf("at %d: %q %v", at, why, ok)
		}
	}
}

// The interruption ends a wait that has begun and one that begins later.
func TestAbandonInterrupts(t *testing.T) {
	p, c, _ := oneConn(t)
	c.Expect(1000, true)
	ended := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1), time.Hour)
		ended <- err
	}()
	p.Abandon("why", 9)
	if err := <-ended; err != wire.ErrTimeout {
		t.Errorf("the wait ended with %v", err)
	}
	if _, err := c.Read(make([]byte, 1), time.Hour); err != wire.ErrTimeout {
		t.Errorf("a later wait ended with %v", err)
	}
}

func TestReadingOf(t *testing.T) {
	request := []byte("POST / HTTP/1.1\r\n\r\n")
	for name, step := range map[string]struct {
		peer func(c *Conn, peer *net.TCPConn)
		want Reading
	}{
		"closed before": {func(c *Conn, peer *net.TCPConn) {
			_ = peer.Close()
			_, _ = c.Read(make([]byte, 1), time.Minute)
			_, _ = c.Write(request, time.Minute)
		}, Unreached},
		"read and closed": {func(c *Conn, peer *net.TCPConn) {
			_, _ = c.Write(request, time.Minute)
			_, _ = peer.Read(make([]byte, 100))
			_ = peer.Close()
			_, _ = c.Read(make([]byte, 1), time.Minute)
		}, Unknown},
		"ended, then closed without reading": {func(c *Conn, peer *net.TCPConn) {
			_, _ = c.Write(request, time.Minute)
			_ = peer.CloseWrite()
			_, _ = c.Read(make([]byte, 1), time.Minute)
			_ = peer.Close()
		}, LeftUnread},
	} {
		_, c, peer := oneConn(t)
		if _, err := c.Write([]byte("an earlier one"), time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		step.peer(c, peer)
		if got := c.ReadingOf(len(request)); got != step.want {
			t.Errorf("%s: %d, want %d", name, got, step.want)
		}
		if got := c.ReadingOf(0); got != Unknown {
			t.Errorf("%s: %d of nothing", name, got)
		}
	}
}
