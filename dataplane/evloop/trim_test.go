package evloop

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A crowd comes at once and goes: its tasks are ended little by little, the loop
// sleeps for good in the end, and those that are needed all the time stay.
func TestTasksNobodyNeedsAreEnded(t *testing.T) {
	const crowd = 100
	l := start(t)
	s, peer := pair(t, l)
	done := make([]<-chan struct{}, crowd)
	for i := range done {
		done[i] = task(l, func(tk *Task) {
			var b [1]byte
			for {
				if n, err := unixRead(s, b[:]); n == 1 || err != unix.EAGAIN {
					return
				}
				tk.Yield()
			}
		})
	}
	onLoop(t, l, func() {}) // all have begun
	send(t, peer, string(make([]byte, crowd)))
	for i := range done {
		await(t, "a task ends", done[i])
	}
	now := time.Now().Add(time.Hour) // the loop's own looks come before that and change nothing
	onLoop(t, l, func() {
		now = now.Add(trimEvery)
		l.trim(now)
		kept := len(l.free)
		if kept < crowd/4 {
			t.Errorf("%d tasks are kept of %d", kept, crowd)
		}
		for i := range 10 { // some are in use again and again
			l.low = min(l.low, kept-i)
		}
		now = now.Add(trimEvery)
		if wait := l.trim(now); wait != int(trimEvery.Milliseconds()) || len(l.free) >= kept {
			t.Errorf("asks again in %d ms, %d of %d are left", wait, len(l.free), kept)
		}
		if wait, left := l.trim(now.Add(trimEvery-1)), len(l.free); wait < 0 || len(l.free) != left {
			t.Errorf("trimmed before its time: %d of %d are left, wait %d", len(l.free), left, wait)
		}
		for range 20 {
			now = now.Add(trimEvery)
			l.trim(now)
		}
		if wait := l.trim(now.Add(trimEvery)); wait != -1 || len(l.free) != idleTasks {
			t.Errorf("%d tasks are left when nobody needs them, wait %d", len(l.free), wait)
		}
	})
}
