package controlplane

import (
	"time"

	"github.com/catherd/catherd/dataplane/meter"
)

// window is over how many ticks a rate is taken.
const window = 10

// pulse follows one member's counters from tick to tick.
type pulse struct {
	counts   [window + 1]uint64 // requests at the last ticks
	times    [window + 1]time.Time
	n        int       // ticks seen
	served   uint64    // requests with a session
	session  time.Time // when served last rose
	avoided  int64     // end of the trip that was told last, unix nanoseconds
	remark   int64     // when the remark that was told last was left, unix nanoseconds
	owes     bool      // health has been told that it owes answers
	lastByte int64     // of its answers at the last glance, unix nanoseconds
	fault    int64     // when the fault that a probe was made for happened, unix nanoseconds
}

// beat is what a pulse has found out.
type beat struct {
	rate    float64 // requests per second
	session time.Time
}

// read takes the counters at one tick. It reports whether there are requests, or
// were since the last one.
func (p *pulse) read(m *meter.Member, now time.Time) bool {
	var served uint64
	for i := range m.Sessions {
		if meter.Outcome(i) != meter.New { // no session yet, and most clients keep none
			served += m.Sessions[i].Load()
		}
	}
	if served != p.served {
		p.served, p.session = served, now
	}
	at, last := p.n%len(p.counts), (p.n+len(p.counts)-1)%len(p.counts)
	p.counts[at], p.times[at] = m.Requests.Load(), now
	p.n++
	return p.n == 1 || p.counts[at] != p.counts[last] || m.InFlight.Load() > 0
}

func (p *pulse) beat() beat {
	b := beat{session: p.session}
	if p.n < 2 {
		return b
	}
	newest := (p.n - 1) % len(p.counts)
	oldest := 0
	if p.n > len(p.counts) {
		oldest = p.n % len(p.counts)
	}
	if d := p.times[newest].Sub(p.times[oldest]).Seconds(); d > 0 {
		b.rate = float64(p.counts[newest]-p.counts[oldest]) / d
	}
	return b
}
