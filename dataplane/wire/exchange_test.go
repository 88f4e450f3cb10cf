package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	for _, size := range []int{1, 100, 3 << 20} { // the last does not fit the socket
		for _, parts := range []int{1, 3, maxIov + 3} {
			c, peer := pair(t, stillDog())
			var blocks [][]byte
			for i := range parts {
				blocks = append(blocks, bytes.Repeat([]byte{byte('a' + i)}, size))
			}
			want := bytes.Join(blocks, nil)
			var wg sync.WaitGroup
			wg.Go(func() {
				got := make([]byte, len(want))
				if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d parts of %d: the peer got something else (%v)", parts, size, err)
				}
				send(t, peer, "answer")
			})
			b := make([]byte, 100)
			n, err := c.Exchange(blocks, b, 0)
			if string(b[:n]) != "answer" || err != nil {
				t.Errorf("%d parts of %d: got %q, %v", parts, size, b[:n], err)
			}
			wg.Wait()
		}
	}
}

// What the peer has sent before the write, or never sends anything after, must
// be noticed all the same.
func TestExchangeSeesWhatWasThereBefore(t *testing.T) {
	c, peer := pair(t, runningDog(t))
	send(t, peer, "early")
	arrived(t, c, 5)
	b := make([]byte, 100)
	within(t, "Exchange", func() {
		n, err := c.Exchange([][]byte{[]byte("request")}, b, 0)
		if string(b[:n]) != "early" || err != nil {
			t.Errorf("got %q, %v", b[:n], err)
		}
	})
	_ = peer.CloseWrite()
	for c.Quiet() {
	}
	within(t, "Exchange", func() {
		n, err := c.Exchange([][]byte{[]byte("request")}, b, 0)
		if n != 0 || err != io.EOF {
			t.Errorf("got %q, %v", b[:n], err)
		}
	})
}

func TestExchangeTimesOut(t *testing.T) {
	c, _ := pair(t, runningDog(t))
	b := make([]byte, 100)
	since := time.Now()
	n, err := c.Exchange([][]byte{[]byte("request")}, b, 3*Tick)
	if n != 0 || !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %d, %v", n, err)
	}
	if took := time.Since(since); took < 2*Tick {
		t.Fatalf("gave up after %v", took)
	}
}

func TestExchangeTellsAFailedWrite(t *testing.T) {
	c, peer := pair(t, stillDog())
	_ = peer.SetLinger(0)
	_ = peer.Close()
	for c.Quiet() {
	}
	_, err := c.Exchange([][]byte{[]byte("request")}, make([]byte, 8), 0)
	var w *WriteError
	if errors.As(err, &w) && w.N == 0 {
		return
	}
	// The kernel tells a reset once, at the first call.
	if err == nil {
		t.Fatal("no fault on a connection that was reset")
	}
}
