package evloop

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ShowWork makes the loop write into these words since when it has been serving the
// events it has got, by CLOCK_MONOTONIC in nanoseconds, and 0 while it waits for others.
// Words of an earlier call that are not among them keep what they say.
func (l *Loop) ShowWork(words []*atomic.Uint64) { l.words.Store(&words) }

// readEvery is how many turns of a loop that turns at once share a reading of the clock:
// it costs half as much as serving a small event. Each turn begins at most patience after
// the one before has ended, so what is shown is too early by a few milliseconds at most.
const readEvery = 4

// begin and end show the work of one batch. soon tells that the turn before was a moment
// ago.
func (l *Loop) begin(soon bool) {
	words := l.words.Load()
	if words == nil || len(*words) == 0 {
		return
	}
	if l.turns++; !soon || l.turns%readEvery == 0 {
		l.since = monotonic()
	}
	for _, w := range *words {
		w.Store(l.since)
	}
}

func (l *Loop) end() {
	if words := l.words.Load(); words != nil {
		for _, w := range *words {
			w.Store(0)
		}
	}
}

// The same moment by the runtime's clock and by the kernel's. The runtime's is the
// same clock (CLOCK_MONOTONIC) and costs no system call, but counts from elsewhere.
var (
	runtimeBase = time.Now()
	kernelBase  = kernelClock()
)

func kernelClock() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 1 // some moment must do; nobody else's clock is compared then
	}
	return t.Nano()
}

// monotonic is the kernel's clock, never 0.
func monotonic() uint64 { return uint64(kernelBase + int64(time.Since(runtimeBase))) }
