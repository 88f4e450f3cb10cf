package evloop

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPlaces(t *testing.T) {
	p := NewPlaces(2)
	if !p.take() || !p.take() || p.take() || p.take() {
		t.Error("not two places")
	}
	p.free()
	if !p.take() || p.take() {
		t.Error("a place that was given back is none, or two")
	}
	var all *Places
	if !all.take() || !all.take() {
		t.Error("without a bound there is no place")
	}
	all.free()
}

// startAmong is start for a loop that shares places.
func startAmong(t testing.TB, p *Places) *Loop {
	t.Helper()
	l, err := NewAmong(0, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { await(t, "the loop ends", l.Stop()) })
	return l
}

// echo sends back what comes, in a task, until the stream ends. The channel is
// closed then.
func echo(l *Loop, s *Sock) <-chan struct{} {
	return task(l, func(tk *Task) {
		for b := make([]byte, 64); s.WaitRead(tk); {
			n, err := unix.Read(s.FD(), b)
			if err == unix.EAGAIN {
				continue
			}
			if n <= 0 {
				return
			}
			_, _ = unix.Write(s.FD(), b[:n])
		}
	})
}

// A loop serves with and without a place, and leaves none taken when it ends.
func TestPlacesComeBack(t *testing.T) {
	for n := range 3 {
		p := NewPlaces(n)
		for range 2 {
			l, err := NewAmong(0, p)
			if err != nil {
				t.Fatal(err)
			}
			s, peer := pair(t, l)
			ended := echo(l, s)
			for range 100 {
				send(t, peer, "x")
				if n, err := unix.Read(peer, make([]byte, 8)); n != 1 || err != nil {
					t.Fatalf("%d bytes, %v", n, err)
				}
			}
			_ = unix.Shutdown(peer, unix.SHUT_WR)
			await(t, "the task ends", ended)
			await(t, "the loop ends", l.Stop())
		}
		if left := p.left.Load(); left != int64(n) {
			t.Errorf("%d of %d places are left", left, n)
		}
	}
}

// A loop that always has something to do, on the only processor, does not keep
// others from running: they have as many turns as it has.
func TestBusyLoopWithoutAPlaceLetsOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := startAmong(t, NewPlaces(0))
	var turns atomic.Int64
	var over atomic.Bool
	busy := task(l, func(tk *Task) {
		for !over.Load() {
			turns.Add(1)
			tk.Yield() // comes back by an event
		}
	})
	const mine = 200
	for range mine {
		runtime.Gosched()
	}
	n := turns.Load()
	over.Store(true)
	await(t, "the task ends", busy)
	// Without its giving way the loop has thousands of turns for each of ours.
	if n > 20*mine {
		t.Errorf("%d turns of the loop during %d of another goroutine", n, mine)
	}
}
