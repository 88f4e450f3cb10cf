package evloop

import "sync/atomic"

// Places bounds how many loops at a time wait for events without telling the
// scheduler. Such a loop keeps its place among those that run Go code (a P, of
// which there are GOMAXPROCS), and everything else in the program has to do with
// the places that are left.
type Places struct {
	left atomic.Int64
}

// NewPlaces are n places for loops.
func NewPlaces(n int) *Places {
	p := new(Places)
	p.left.Store(int64(n))
	return p
}

// take takes a place, if there is one. No Places are places without end.
func (p *Places) take() bool {
	if p == nil {
		return true
	}
	if p.left.Add(-1) >= 0 {
		return true
	}
	p.left.Add(1)
	return false
}

func (p *Places) free() {
	if p != nil {
		p.left.Add(1)
	}
}
