package health

import "time"

// falls remembers how often a member went down unannounced, so that one that
// comes and goes has to prove itself for longer each time. A stop that was
// announced is no fall: a rolling deployment must not look like an illness.
type falls struct {
	at [8]time.Time // a ring, newest at n-1
	n  int
}

const (
	fallMemory = 5 * time.Minute // how long a fall counts
	fallLimit  = 4               // falls in that time that make a member flap
	maxProof   = 16              // good probes in a row that can be asked for, unless UpAfter is more
)

func (f *falls) add(at time.Time) {
	f.at[f.n%len(f.at)] = at
	f.n++
}

// count returns how many falls still count, and when that number falls next.
func (f *falls) count(now time.Time) (n int, until time.Time) {
	for _, at := range f.at {
		if at.IsZero() || !now.Before(at.Add(fallMemory)) {
			continue
		}
		n++
		if end := at.Add(fallMemory); until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return n, until
}

// flapping reports whether the member comes and goes.
func (f *falls) flapping(now time.Time) bool {
	n, _ := f.count(now)
	return n >= fallLimit
}

// proof doubles what is asked for with each fall from the limit on.
func (f *falls) proof(upAfter int, now time.Time) int {
	n, _ := f.count(now)
	for ; n >= fallLimit && upAfter < maxProof; n-- {
		upAfter = min(2*upAfter, maxProof)
	}
	return upAfter
}
