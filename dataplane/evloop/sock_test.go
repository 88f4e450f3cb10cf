package evloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSockIsANetConn(t *testing.T) {
	l := start(t)
	s, peer := pair(t, l)
	_ = unix.SetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 4096) // several waits
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	got := make(chan []byte, 1)
	go func() {
		all := make([]byte, len(want))
		for n := 0; n < len(all); {
			k, err := unix.Read(peer, all[n:])
			if k <= 0 || err != nil {
				break
			}
			n += k
		}
		got <- all
	}()
	if n, err := s.Write(want); n != len(want) || err != nil {
		t.Fatalf("%d of %d, %v", n, len(want), err)
	}
	if !bytes.Equal(await(t, "all has come", got), want) {
		t.Error("what came is not what was sent")
	}

	send(t, peer, "answer")
	shut(t, peer)
	if b, err := io.ReadAll(s); string(b) != "answer" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("no room: %d, %v", n, err)
	}
	if s.LocalAddr().String() != ":1" || s.RemoteAddr().String() != ":2" {
		t.Errorf("addresses %s and %s", s.LocalAddr(), s.RemoteAddr())
	}
	if err := s.CloseWrite(); err != nil {
		t.Error(err)
	}
	var b [1]byte
	if n, err := unix.Read(peer, b[:]); n != 0 || err != nil {
		t.Errorf("the peer read %d, %v, not the end", n, err)
	}
}

// waits waits until a goroutine waits at g.
func waits(g *gate) {
	for g.state.Load() != byChan {
		runtime.Gosched()
	}
}

func TestDeadlinesEndWaits(t *testing.T) {
	l := start(t)
	s, _ := pair(t, l)
	if err := s.SetDeadline(past); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := s.Read(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.Write(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	// A timer that has run out, and one that is set while somebody waits.
	_ = s.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := s.Read(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	_ = s.SetReadDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() {
		_, err := s.Read(b[:])
		ended <- err
	}()
	waits(&s.rd)
	_ = s.SetReadDeadline(past)
	if err := await(t, "the read ends", ended); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if !s.Past() {
		t.Error("not past")
	}
	_ = s.SetReadDeadline(time.Time{})
	if s.Past() {
		t.Error("still past")
	}
}

// A timer that has fired and finds another deadline set does nothing.
func TestAnOldTimerIsNoDeadline(t *testing.T) {
	l := start(t)
	s, _ := pair(t, l)
	s.mu.Lock()
	defer s.mu.Unlock() // it fires under the lock, which the real one waits for
	old := s.after(time.Hour, 0, &s.rd)
	old.Stop()
	s.fired(0, &s.rd, old)
	if s.Past() {
		t.Error("late by a timer that was taken back")
	}
	s.timers[0] = s.after(time.Hour, 0, &s.rd)
	s.fired(0, &s.rd, old)
	if s.Past() {
		t.Error("late by a timer that was replaced")
	}
	s.fired(0, &s.rd, s.timers[0])
	if !s.Past() {
		t.Error("in time although the deadline's own timer has fired")
	}
}

func TestCloseEndsCallsUnderWay(t *testing.T) {
	l := start(t)
	s, _ := pair(t, l)
	_ = unix.SetsockoptInt(s.FD(), unix.SOL_SOCKET, unix.SO_SNDBUF, 4096)
	errs := make(chan error, 2)
	go func() {
		_, err := s.Read(make([]byte, 1))
		errs <- err
	}()
	go func() {
		_, err := s.Write(make([]byte, 1<<20)) // nobody reads
		errs <- err
	}()
	waits(&s.rd)
	waits(&s.wr)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := await(t, "the calls end", errs); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	for what, err := range map[string]error{
		"close": s.Close(), "deadline": s.SetDeadline(past), "linger": s.SetLinger(0), "end": s.CloseWrite(),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after close: %v", what, err)
		}
	}
}

// Events for a socket that is gone say nothing about the one that has its slot now.
func TestStaleEventsAreForNobody(t *testing.T) {
	l := start(t)
	old, _ := pair(t, l)
	slot, gen := old.slot, old.gen
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	serve := func() {
		onLoop(t, l, func() {
			l.serve([]unix.EpollEvent{{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLHUP, Fd: int32(slot), Pad: gen}})
		})
	}
	serve() // an empty slot
	s, _ := pair(t, l)
	if s.slot != slot {
		t.Fatalf("slot %d, want %d again", s.slot, slot)
	}
	epoch(t, l)
	serve()
	if s.Touched() || s.Ended() {
		t.Error("touched by an event of another socket")
	}
	gen = s.gen
	serve()
	if !s.Touched() || !s.Ended() {
		t.Error("not touched by its own event")
	}
	onLoop(t, l, func() { l.serve([]unix.EpollEvent{{Events: unix.EPOLLIN, Fd: 1 << 20}}) }) // no such slot
}

func TestEpochRisesOnlyWhenEverythingIsKnown(t *testing.T) {
	l := start(t)
	onLoop(t, l, func() {
		before := l.Epoch()
		l.serve(make([]unix.EpollEvent, batch)) // there may be more than that
		if l.Epoch() != before {
			t.Error("risen by a full batch")
		}
		l.serve(nil)
		if l.Epoch() != before+1 {
			t.Error("not risen by a batch with room")
		}
	})
}

// Several directions and goroutines at once, on sockets that come and go.
func TestManySocketsAtOnce(t *testing.T) {
	loops := []*Loop{start(t), start(t)}
	const sockets, messages = 64, 40
	var all sync.WaitGroup
	for i := range sockets {
		l := loops[i%2]
		s, peer := pair(t, l)
		all.Go(func() { // the peer gives back what it gets
			b := make([]byte, 64)
			for {
				n, err := unix.Read(peer, b)
				if n <= 0 || err != nil {
					return
				}
				if _, err := unix.Write(peer, b[:n]); err != nil {
					return
				}
			}
		})
		ended := task(loops[(i/2)%2], func(tk *Task) { // half of them on the other loop
			b, msg := make([]byte, 64), []byte("hello")
			for k := range messages {
				if k == messages/2 && i%3 == 0 {
					tk.Detach()
				}
				if _, err := unix.Write(s.FD(), msg); err != nil {
					t.Errorf("write: %v", err)
					break
				}
				if (i+k)%7 == 0 { // a deadline that is over, and is lifted
					_ = s.SetReadDeadline(past)
					if s.WaitRead(tk) {
						t.Error("in time after the deadline")
					}
					_ = s.SetReadDeadline(time.Time{})
				}
				if !echoed(t, s, tk, b, len(msg)) {
					break
				}
			}
			_ = s.CloseWrite()
		})
		all.Go(func() { await(t, "the task ends", ended) })
	}
	all.Wait()
}

// echoed reads want bytes.
func echoed(t *testing.T, s *Sock, tk *Task, b []byte, want int) bool {
	for want > 0 {
		n, err := unixRead(s, b)
		switch {
		case err == unix.EAGAIN:
			s.WaitRead(tk)
		case err != nil || n <= 0:
			t.Errorf("read: %d, %v", n, err)
			return false
		default:
			want -= n
		}
	}
	return true
}
