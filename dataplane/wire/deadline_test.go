package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

func TestReadTimesOutAtTheTickAndNotBefore(t *testing.T) {
	wd := stillDog()
	c, peer := pair(t, wd)
	b := make([]byte, 16)
	got := make(chan error, 1)
	go func() {
		_, err := c.Read(b, time.Second)
		got <- err
	}()
	for c.R.at.Load() == 0 { // until it is armed
	}
	// Armed at 1 ns by a clock that may be a tick behind: this is 1 ns early.
	wd.tick(int64(time.Second + Tick))
	select {
	case err := <-got:
		t.Fatalf("returned %v before its time", err)
	default:
	}
	wd.tick(int64(time.Second+Tick) + 1)
	if err := <-got; !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	// The connection is as good as before.
	send(t, peer, "later")
	if n, err := c.Read(b, time.Second); string(b[:n]) != "later" || err != nil {
		t.Fatalf("got %q, %v", b[:n], err)
	}
}

func TestZeroNeverTimesOut(t *testing.T) {
	wd := stillDog()
	c, peer := pair(t, wd)
	b := make([]byte, 16)
	got := make(chan error, 1)
	go func() {
		_, err := c.Read(b, 0)
		got <- err
	}()
	wd.tick(1 << 62)
	send(t, peer, "x")
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

func TestWriteTimesOut(t *testing.T) {
	wd := stillDog()
	c, peer := pair(t, wd)
	_ = c.tcp.SetWriteBuffer(4096)
	_ = peer.SetReadBuffer(4096)
	type result struct {
		n   int64
		err error
	}
	for _, parts := range []int{1, 3, maxIov + 4} {
		got := make(chan result, 1)
		block := make([]byte, 8<<20/parts)
		blocks := make([][]byte, parts)
		for i := range blocks {
			blocks[i] = block
		}
		go func() {
			n, err := c.Writev(blocks, time.Second)
			got <- result{n, err}
		}()
		for c.W.at.Load() == 0 {
		}
		var r result
		for now := int64(1); ; now += int64(time.Second) { // until it is stuck
			wd.tick(now)
			select {
			case r = <-got:
			default:
				continue
			}
			break
		}
		if !errors.Is(r.err, ErrTimeout) || r.n >= 8<<20 {
			t.Fatalf("%d parts: %d bytes, %v", parts, r.n, r.err)
		}
		for i, b := range blocks {
			if len(b) != len(block) {
				t.Fatalf("block %d of %d was shortened to %d", i, parts, len(b))
			}
		}
	}
	go func() { _, _ = io.Copy(io.Discard, peer) }() // ends when the connection is closed
	if _, err := c.Write([]byte("again"), time.Second); err != nil {
		t.Fatalf("after a time-out: %v", err)
	}
}

// An expiry that comes at the very moment an operation ends must neither be
// lost nor spoil the next operation.
func TestExpiryRaces(t *testing.T) {
	wd := stillDog()
	c, peer := pair(t, wd)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for now := int64(1); ; now += 2 {
			select {
			case <-stop:
				return
			default:
				wd.tick(now)
			}
		}
	})
	b, late := make([]byte, 1), 0
	for i := range 20000 {
		send(t, peer, string(rune('a'+i%26)))
		for {
			n, err := c.Read(b, 1) // due at once
			if errors.Is(err, ErrTimeout) {
				late++
				continue
			}
			if n != 1 || err != nil || b[0] != byte('a'+i%26) {
				t.Fatalf("read %d: %q, %v", i, b[:n], err)
			}
			break
		}
		if i%64 == 0 { // an operation without a limit is never cut short
			send(t, peer, "!")
			if n, err := c.Read(b, 0); n != 1 || err != nil || b[0] != '!' {
				t.Fatalf("read without limit %d: %q, %v", i, b[:n], err)
			}
			if _, err := c.Write([]byte("?"), 0); err != nil {
				t.Fatalf("write without limit %d: %v", i, err)
			}
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("%d reads were late", late)
}

func TestWritevLeavesBlocksUntouched(t *testing.T) {
	for _, parts := range []int{1, 2, maxIov, maxIov + 1, 40} {
		c, peer := pair(t, stillDog())
		_ = c.tcp.SetWriteBuffer(4096) // so that one call is not enough
		var blocks, same [][]byte
		var want []byte
		for i := range parts {
			b := bytes.Repeat([]byte{byte(i)}, 30000+i)
			if i%5 == 3 {
				b = nil // an empty one among them
			}
			blocks, same = append(blocks, b), append(same, b)
			want = append(want, b...)
		}
		var got []byte
		var wg sync.WaitGroup
		wg.Go(func() { got, _ = io.ReadAll(peer) })
		n, err := c.Writev(blocks, 0)
		c.CloseWrite()
		wg.Wait()
		if err != nil || n != int64(len(want)) || !bytes.Equal(got, want) {
			t.Errorf("%d parts: wrote %d of %d, %v; the same arrived: %v", parts, n, len(want), err, bytes.Equal(got, want))
		}
		for i := range blocks {
			if len(blocks[i]) != len(same[i]) || len(same[i]) > 0 && &blocks[i][0] != &same[i][0] {
				t.Errorf("%d parts: block %d was changed", parts, i)
			}
		}
	}
}

func TestQuiet(t *testing.T) {
	wd := stillDog()
	c, peer := pair(t, wd)
	if !c.Quiet() {
		t.Error("a silent connection is not quiet")
	}
	send(t, peer, "x")
	arrived(t, c, 1)
	if c.Quiet() {
		t.Error("quiet with a byte to read")
	}
	var b [4]byte
	if n, err := c.Read(b[:], 0); n != 1 || err != nil {
		t.Fatalf("the look took the byte: %d, %v", n, err)
	}
	_ = peer.CloseWrite()
	if n, err := c.Read(b[:], 0); n != 0 || err != io.EOF {
		t.Fatalf("%d, %v", n, err)
	}
	if c.Quiet() {
		t.Error("quiet after the end of the stream")
	}
	c.Close()
	if c.Quiet() {
		t.Error("quiet although it is closed")
	}
}

func TestAbortIsAReset(t *testing.T) {
	c, peer := pair(t, stillDog())
	if _, err := c.Write([]byte("part"), 0); err != nil {
		t.Fatal(err)
	}
	c.Abort()
	if b, err := io.ReadAll(peer); err == nil {
		t.Fatalf("after %q the peer saw an orderly end", b)
	}
}
