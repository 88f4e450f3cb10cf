package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// tooLong bounds what only a failure takes.
const tooLong = 20 * time.Second

// startLoop makes a loop that ends with the test.
func startLoop(t testing.TB) *evloop.Loop {
	t.Helper()
	l, err := evloop.New(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { awaits(t, "the loop ends", l.Stop()) })
	return l
}

func awaits[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	late := time.NewTimer(tooLong)
	defer late.Stop()
	select {
	case v = <-c:
	case <-late.C:
		t.Fatalf("not in %v: %s", tooLong, what)
	}
	return v
}

// sockPair is a connection of l and its peer over loopback TCP.
func sockPair(t testing.TB, l *evloop.Loop, wd *Watchdog) (*Conn, *net.TCPConn) {
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
	s, err := l.Adopt(nc)
	if err != nil {
		t.Fatal(err)
	}
	c := NewSock(s, wd)
	t.Cleanup(func() {
		c.Close()
		_ = peer.Close()
	})
	return c, peer.(*net.TCPConn)
}

// job makes a task of a function.
type job func(*evloop.Task)

func (j job) Run(t *evloop.Task) { j(t) }

// inTasks runs f three times: in a task, in one that is detached, and without one.
// c is used by it. Each run has a pair of its own.
func inTasks(t *testing.T, f func(t *testing.T, c *Conn, peer *net.TCPConn)) {
	t.Helper()
	wd := runningDog(t)
	for _, kind := range []string{"task", "detached", "goroutine"} {
		t.Run(kind, func(t *testing.T) {
			l := startLoop(t)
			c, peer := sockPair(t, l, wd)
			done := make(chan struct{})
			run := job(func(tk *evloop.Task) {
				defer close(done)
				if kind == "detached" {
					tk.Detach()
				}
				c.SetTask(tk)
				f(t, c, peer)
			})
			if kind == "goroutine" {
				go run(nil)
			} else {
				l.Do(func() { l.Start(run) })
			}
			awaits(t, "it is through", done)
		})
	}
}

// background runs f beside the test; the channel has its error.
func background(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// echo makes the peer give back everything until the end, and then end itself.
func echo(peer *net.TCPConn) <-chan error {
	return background(func() error {
		// Not io.Copy, which would splice and keep some in a pipe.
		b := make([]byte, 4096)
		for {
			n, err := peer.Read(b)
			if err != nil {
				_ = peer.CloseWrite()
				return err
			}
			if _, err := peer.Write(b[:n]); err != nil {
				return err
			}
		}
	})
}

func TestSockExchange(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		ended := echo(peer)
		b := make([]byte, 64)
		for _, blocks := range [][][]byte{{[]byte("one")}, {[]byte("t"), nil, []byte("wo")}, {[]byte("three")}} {
			want := string(bytes.Join(blocks, nil))
			n, err := c.Exchange(blocks, b, tooLong)
			for err == nil && n < len(want) {
				var k int
				k, err = c.Read(b[n:], tooLong)
				n += k
			}
			if string(b[:n]) != want || err != nil {
				t.Errorf("%q, %v, want %q", b[:n], err, want)
			}
		}
		c.CloseWrite()
		if n, err := c.Read(b, tooLong); n != 0 || err != io.EOF {
			t.Errorf("%d, %v at the end", n, err)
		}
		if n, err := c.Read(b, tooLong); n != 0 || err != io.EOF {
			t.Errorf("%d, %v at the end, again", n, err)
		}
		if err := <-ended; err != io.EOF {
			t.Errorf("the peer: %v", err)
		}
	})
}

// A full read has not emptied the socket; no event tells of what it left.
func TestSockReadsWhatAFullReadLeft(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		const text = "0123456789"
		if _, err := peer.Write([]byte(text)); err != nil {
			t.Error(err)
		}
		_ = peer.CloseWrite() // in one event with the bytes, or not
		got := ""
		for b := make([]byte, 3); ; {
			n, err := c.Read(b, tooLong)
			got += string(b[:n])
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Error(err)
				break
			}
		}
		if got != text {
			t.Errorf("got %q", got)
		}
	})
}

// Many reads without a wait let others run; the bytes stay in order.
func TestSockReadsALongStream(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		want := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
		sent := background(func() error {
			_, err := peer.Write(want)
			_ = peer.CloseWrite()
			return err
		})
		var got []byte
		for b := make([]byte, 100); ; {
			n, err := c.Read(b, tooLong)
			if got = append(got, b[:n]...); err != nil {
				break
			}
		}
		if err := <-sent; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, or others; %v", len(got), len(want), err)
		}
	})
}

// StopRead is noticed even by who never has to wait.
func TestSockStopsAStreamThatNeverWaits(t *testing.T) {
	l := startLoop(t)
	c, peer := sockPair(t, l, runningDog(t))
	if _, err := peer.Write(make([]byte, 10*turn)); err != nil {
		t.Fatal(err)
	}
	for b := [1]byte{}; ; {
		if n, err := c.Read(b[:], tooLong); n == 1 && err == nil {
			break // the bytes are here
		}
	}
	c.StopRead()
	n, err := 0, error(nil)
	for b := make([]byte, 1); err == nil; n++ {
		_, err = c.Read(b, tooLong)
	}
	if !errors.Is(err, ErrTimeout) || n > turn {
		t.Errorf("%v after %d reads", err, n)
	}
}

func TestSockWritesInParts(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		_ = unix.SetsockoptInt(c.sock.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 1) // as little as there can be
		var blocks [][]byte
		for i := range 3 * maxIov {
			blocks = append(blocks, bytes.Repeat([]byte{byte('a' + i)}, 1+i*i*i*7), nil)
		}
		want := bytes.Join(blocks, nil)
		got := make([]byte, 2*len(want)+5)
		read := background(func() error {
			_, err := io.ReadFull(peer, got)
			return err
		})
		if n, err := c.Writev(blocks, tooLong); n != int64(len(want)) || err != nil {
			t.Errorf("%d of %d, %v", n, len(want), err)
		}
		if n, err := c.Write(want, tooLong); n != int64(len(want)) || err != nil {
			t.Errorf("%d of %d, %v", n, len(want), err)
		}
		if n, err := c.Write(nil, tooLong); n != 0 || err != nil {
			t.Errorf("nothing: %d, %v", n, err)
		}
		if n, err := c.Writev([][]byte{nil, {}}, tooLong); n != 0 || err != nil {
			t.Errorf("nothing in blocks: %d, %v", n, err)
		}
		if n, err := c.Writev(nil, tooLong); n != 0 || err != nil {
			t.Errorf("no blocks: %d, %v", n, err)
		}
		if n, err := c.Writev([][]byte{[]byte("he"), []byte("llo")}, tooLong); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := <-read; err != nil || !bytes.Equal(got, []byte(string(want)+string(want)+"hello")) {
			t.Errorf("what came is not what was sent: %v", err)
		}
	})
}

func TestSockTimesOut(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		b := make([]byte, 4)
		if _, err := c.Read(b, time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		_ = unix.SetsockoptInt(c.sock.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 1)
		much := make([]byte, 16<<20) // nobody reads
		if n, err := c.Write(much, time.Millisecond); !errors.Is(err, ErrTimeout) || n <= 0 || n >= int64(len(much)) {
			t.Errorf("write: %d, %v", n, err)
		}
		if n, err := c.Writev([][]byte{much, much}, time.Millisecond); !errors.Is(err, ErrTimeout) || n > int64(len(much)) {
			t.Errorf("writev: %d, %v", n, err)
		}
		// A connection whose deadline was over can be used again.
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		if n, err := c.Read(b, tooLong); n != 1 || err != nil {
			t.Errorf("read: %d, %v", n, err)
		}
	})
}

func TestSockTellsOfABrokenPeer(t *testing.T) {
	inTasks(t, func(t *testing.T, c *Conn, peer *net.TCPConn) {
		_ = peer.SetLinger(0)
		_ = peer.Close()
		b := make([]byte, 4)
		if _, err := c.Read(b, tooLong); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
		var we *WriteError
		if _, err := c.Exchange([][]byte{[]byte("x")}, b, tooLong); !errors.As(err, &we) || we.N != 0 || !errors.Is(err, syscall.EPIPE) {
			t.Errorf("exchange: %v", err)
		}
		if _, err := c.Writev([][]byte{[]byte("x"), []byte("y")}, tooLong); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("writev: %v", err)
		}
	})
}

// known makes the loop ask the kernel, so that it knows of all that came before.
func known(t *testing.T, l *evloop.Loop) {
	t.Helper()
	for range 2 { // the first may belong to a turn that is under way
		done := make(chan struct{})
		l.Do(func() { close(done) })
		awaits(t, "the loop has a turn", done)
	}
}

// inSock waits until the kernel has n bytes or, with 0, the end for c.
func inSock(t *testing.T, c *Conn, n int) {
	t.Helper()
	late := time.Now().Add(tooLong)
	for b := make([]byte, 16); ; {
		k, _, err := unix.Recvfrom(c.sock.FD(), b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err == nil && k == n {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%d bytes, %v; want %d", k, err, n)
		}
	}
}

func TestSockQuiet(t *testing.T) {
	for name, x := range map[string]struct {
		stray bool // bytes that nobody asked for have come
		end   bool // the peer has ended
		epoch bool // the loop has asked the kernel since
	}{
		"new":             {},
		"quiet":           {epoch: true},
		"stray, unknown":  {stray: true},
		"stray, known":    {stray: true, epoch: true},
		"end, unknown":    {end: true},
		"end, known":      {end: true, epoch: true},
		"both, in no one": {stray: true, end: true},
		"both, known":     {stray: true, end: true, epoch: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLoop(t)
			c, peer := sockPair(t, l, runningDog(t))
			known(t, l)
			c.Rest()
			if x.stray {
				if _, err := peer.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
				inSock(t, c, 1)
			}
			if x.end {
				_ = peer.CloseWrite()
				if !x.stray {
					inSock(t, c, 0)
				}
			}
			if x.epoch {
				known(t, l)
			}
			if got, want := c.Quiet(), !x.stray && !x.end; got != want {
				t.Errorf("quiet: %v", got)
			}
			if got := c.Quiet(); got && (x.stray || x.end) {
				t.Error("quiet at the second look")
			}
		})
	}
}

// An edge whose bytes have been read already spoils nothing.
func TestSockQuietAfterAStaleEdge(t *testing.T) {
	l := startLoop(t)
	c, peer := sockPair(t, l, runningDog(t))
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	inSock(t, c, 1)
	known(t, l)
	if n, err := c.Read(make([]byte, 2), tooLong); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	c.Rest()
	if !c.sock.Touched() {
		t.Error("the edge is not there: the test tests nothing")
	}
	if !c.Quiet() || c.sock.Touched() {
		t.Error("not calmed")
	}
}

// Who rests a connection on the thread of its loop knows that the loop is not
// asking the kernel at this moment; everybody else has to wait for one epoch more.
func TestSockRestCountsEpochs(t *testing.T) {
	l := startLoop(t)
	c, _ := sockPair(t, l, runningDog(t))
	before := l.Epoch()
	c.Rest()
	if c.ev.epoch <= before {
		t.Error("a goroutine relies on the epoch of a question that may be under way")
	}
	done := make(chan struct{})
	l.Do(func() {
		l.Start(job(func(tk *evloop.Task) {
			defer close(done)
			c.SetTask(tk)
			c.Rest()
			if c.ev.epoch != l.Epoch() {
				t.Errorf("epoch %d on the loop itself, which is at %d", c.ev.epoch, l.Epoch())
			}
			if c.Task() != nil {
				t.Error("an idle connection keeps its task")
			}
		}))
	})
	awaits(t, "it is through", done)
}
