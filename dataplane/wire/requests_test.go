package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// waiter collects what Requests hands over; serve decides what comes next.
type waiter struct {
	got   []string
	serve func(s string) (again bool)
	next  time.Duration
}

func (w *waiter) Request(b *Buffer) (bool, time.Duration) {
	s := string(b.Bytes())
	Put(b)
	w.got = append(w.got, s)
	return w.serve(s), w.next
}

func TestRequestsOneAfterTheOther(t *testing.T) {
	c, peer := pair(t, stillDog())
	w := &waiter{}
	w.serve = func(s string) bool {
		if _, err := c.Write([]byte("answer to "+s), 0); err != nil {
			t.Error(err)
		}
		return true
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 100)
		for _, s := range []string{"a", "b", "c"} {
			send(t, peer, s)
			if n, err := peer.Read(b); string(b[:n]) != "answer to "+s || err != nil {
				t.Errorf("got %q, %v", b[:n], err)
			}
		}
		_ = peer.CloseWrite()
	})
	within(t, "Requests", func() {
		if err := c.Requests(w, 0); err != io.EOF {
			t.Errorf("got %v", err)
		}
	})
	wg.Wait()
	if strings.Join(w.got, " ") != "a b c" {
		t.Errorf("got %q", w.got)
	}
}

// A message that arrives while the one before it is answered must be found,
// although the wait was not entered when it came.
func TestRequestsArrivesWhileAnswering(t *testing.T) {
	c, peer := pair(t, stillDog())
	w := &waiter{}
	w.serve = func(s string) bool {
		if len(s) < 200 {
			send(t, peer, s+"x")
			arrived(t, c, len(s)+1)
			return true
		}
		return false
	}
	send(t, peer, "x")
	within(t, "Requests", func() {
		if err := c.Requests(w, 0); err != nil {
			t.Errorf("got %v", err)
		}
	})
	if len(w.got) != 200 {
		t.Errorf("%d messages", len(w.got))
	}
}

// A read that fills the buffer may have left something behind, of which no
// further event tells.
func TestRequestsFullReads(t *testing.T) {
	for _, size := range []int{Small - 1, Small, Small + 1, 2 * Small, 3*Small + 7} {
		c, peer := pair(t, stillDog())
		_ = c.tcp.SetReadBuffer(1 << 20)
		message := bytes.Repeat([]byte("m"), size)
		total := 0
		w := &waiter{}
		w.serve = func(s string) bool {
			total += len(s)
			return total < size
		}
		var wg sync.WaitGroup
		wg.Go(func() { send(t, peer, string(message)) })
		arrived(t, c, size)
		wg.Wait()
		within(t, "Requests", func() {
			if err := c.Requests(w, 0); err != nil {
				t.Errorf("size %d: %v", size, err)
			}
		})
		if total != size {
			t.Errorf("got %d of %d", total, size)
		}
	}
}

// The end of the stream may come in one event with the last message.
func TestRequestsEndComesWithTheMessage(t *testing.T) {
	for range 20 {
		c, peer := pair(t, runningDog(t))
		w := &waiter{serve: func(string) bool { return true }}
		sendAndEnd(t, peer, "last")
		arrived(t, c, 4)
		within(t, "Requests", func() {
			if err := c.Requests(w, 0); err != io.EOF {
				t.Errorf("got %v", err)
			}
		})
		if len(w.got) != 1 {
			t.Errorf("got %q", w.got)
		}
	}
}

func TestRequestsTimesOut(t *testing.T) {
	c, peer := pair(t, runningDog(t))
	w := &waiter{serve: func(string) bool { return true }, next: 2 * Tick}
	since := time.Now()
	if err := c.Requests(w, 4*Tick); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(since); took < 3*Tick {
		t.Errorf("gave up after %v", took)
	}
	send(t, peer, "x")
	if err := c.Requests(w, 0); !errors.Is(err, ErrTimeout) || len(w.got) != 1 {
		t.Errorf("got %v after %q: the time given after a message does not count", err, w.got)
	}
	// Still usable.
	send(t, peer, "y")
	w.serve = func(string) bool { return false }
	if err := c.Requests(w, 0); err != nil || len(w.got) != 2 {
		t.Errorf("got %v after %q", err, w.got)
	}
}

func TestRequestsTakesOver(t *testing.T) {
	c, peer := pair(t, stillDog())
	w := &waiter{serve: func(string) bool { return false }}
	send(t, peer, "head")
	if err := c.Requests(w, 0); err != nil {
		t.Fatal(err)
	}
	send(t, peer, "rest")
	b := make([]byte, 100)
	if n, err := c.Read(b, 0); string(b[:n]) != "rest" || err != nil {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if c.inside || c.held != nil || c.wait != nil || busy(c) {
		t.Error("something of the wait was left behind")
	}
}

// A write inside the wait that the socket does not take whole goes on waiting.
func TestRequestsLargeAnswer(t *testing.T) {
	for _, parts := range []int{1, 2, maxIov, maxIov + 1} {
		c, peer := pair(t, stillDog())
		_ = c.tcp.SetWriteBuffer(4096)
		var blocks [][]byte
		for i := range parts {
			blocks = append(blocks, bytes.Repeat([]byte{byte(i)}, 512<<10/parts))
		}
		w := &waiter{serve: func(string) bool {
			if n, err := c.Writev(blocks, 0); err != nil || int(n) != size(blocks) {
				t.Errorf("%d parts: %d, %v", parts, n, err)
			}
			return true
		}}
		var wg sync.WaitGroup
		wg.Go(func() {
			send(t, peer, "x")
			got := make([]byte, size(blocks))
			if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, bytes.Join(blocks, nil)) {
				t.Errorf("%d parts: the peer got something else (%v)", parts, err)
			}
			_ = peer.Close()
		})
		within(t, "Requests", func() {
			if err := c.Requests(w, 0); err != io.EOF {
				t.Errorf("%d parts: %v", parts, err)
			}
		})
		wg.Wait()
	}
}

func TestCloseIfIdleEndsTheWait(t *testing.T) {
	c, _ := pair(t, stillDog())
	w := &waiter{serve: func(string) bool { return true }}
	done := make(chan error, 1)
	go func() { done <- c.Requests(w, 0) }()
	for {
		c.CloseIfIdle()
		select {
		case err := <-done:
			if !errors.Is(err, ErrTimeout) {
				t.Errorf("got %v", err)
			}
			return
		default:
		}
	}
}

// A connection that was waiting when drain looked and has a request when drain
// acts must serve it undisturbed.
func TestCloseIfIdleSparesWhoHasARequest(t *testing.T) {
	wd := stillDog()
	served := 0
	for range 300 {
		c, peer := pair(t, wd)
		var stop atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			for !stop.Load() {
				c.CloseIfIdle()
			}
		})
		w := &waiter{serve: func(string) bool { return false }}
		wg.Go(func() { send(t, peer, "head") })
		switch err := c.Requests(w, 0); {
		case err == nil:
			served++
			b := make([]byte, 4)
			wg.Go(func() { send(t, peer, "body") })
			if n, err := c.Read(b, 0); n == 0 || err != nil {
				t.Errorf("body: %d bytes, %v", n, err)
			}
		case !errors.Is(err, ErrTimeout):
			t.Errorf("got %v", err)
		}
		stop.Store(true)
		wg.Wait()
		c.Close()
		_ = peer.Close()
	}
	t.Logf("%d of 300 had a request in time", served)
}

// busy reports that c still counts as waiting for a request.
func busy(c *Conn) bool { return c.idle.Load() != isBusy }
