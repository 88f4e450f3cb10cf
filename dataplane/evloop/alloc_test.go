//go:build !race

package evloop

import (
	"sync/atomic"
	"testing"
)

func TestShowingWorkAllocatesNothing(t *testing.T) {
	l := &Loop{}
	l.ShowWork([]*atomic.Uint64{new(atomic.Uint64), new(atomic.Uint64)})
	if n := testing.AllocsPerRun(1000, func() { l.begin(true); l.end() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkShowWork(b *testing.B) {
	l := &Loop{}
	l.ShowWork([]*atomic.Uint64{new(atomic.Uint64)})
	for b.Loop() {
		l.begin(true)
		l.end()
	}
}
