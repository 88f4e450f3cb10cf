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
	session  time.Time // when served last rose while sessions were not followed
	followed bool      // they were at the last tick
	alive    int       // sessions that have not ended, while they are followed
	seen     time.Time // when one of those was last seen; zero: never
	avoided  int64     // end of the trip that was told last, unix nanoseconds
	remark   int64     // when the remark that was told last was left, unix nanoseconds
	owes     bool      // health has been told that it owes answers
	lastByte int64     // of its answers at the last glance, unix nanoseconds
	shunned  time.Time // newest alarm of the kernel that was told as an event
	fault    int64     // when the fault that a probe was made for happened, unix nanoseconds
}

// beat is what a pulse has found out.
type beat struct {
	rate    float64 // requests per second
	session time.Time
	alive   int // sessions that it has not ended, while it drains
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
		p.served = served
		if !p.followed {
			p.session = now
		}
	}
	p.follow(m)
	at, last := p.n%len(p.counts), (p.n+len(p.counts)-1)%len(p.counts)
	p.counts[at], p.times[at] = m.Requests.Load(), now
	p.n++
	return p.n == 1 || p.counts[at] != p.counts[last] || m.InFlight.Load() > 0
}

// follow reads what is known of the sessions of a member that drains. What was
// counted up to now stays: nothing is known of the sessions of that time.
func (p *pulse) follow(m *meter.Member) {
	a := m.Alive()
	if a == nil {
		if p.followed && p.seen.After(p.session) {
			p.session = p.seen
		}
		p.followed, p.alive, p.seen = false, 0, time.Time{}
		return
	}
	n, last := a.Newest()
	p.followed, p.alive, p.seen = true, n, nanoTime(last)
}

func (p *pulse) beat() beat {
	b := beat{session: p.session, alive: p.alive}
	if p.seen.After(b.session) {
		b.session = p.seen
	}
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
