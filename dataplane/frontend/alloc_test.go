//go:build !race

package frontend

import "testing"

func TestCountingAllocatesNothing(t *testing.T) {
	var s seat
	l := new(counted)
	s.take(l)
	n := testing.AllocsPerRun(1000, func() {
		closed(s.accepted())
		s.drained()
	})
	if n != 0 || l.accepted != 1001 || l.closed != 1001 || l.drained != 1001 {
		t.Errorf("%v allocations, %+v", n, l)
	}
}
