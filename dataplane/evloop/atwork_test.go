package evloop

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestShowWork(t *testing.T) {
	l := start(t)
	var a, b atomic.Uint64
	l.ShowWork([]*atomic.Uint64{&a, &b})
	begin := monotonic()
	seen := make(chan [2]uint64, 1)
	look := func() { seen <- [2]uint64{a.Load(), b.Load()} }
	l.Do(look)
	// The first batch may have begun before the words were there.
	if got := <-seen; got[0] != got[1] {
		t.Errorf("at work since %d", got)
	}
	l.Do(look)
	now := monotonic()
	if got := <-seen; got[0] < begin || got[0] != got[1] || got[0] > monotonic() || now < begin {
		t.Errorf("at work since %d, between %d and %d", got, begin, now)
	}
	for end := time.Now().Add(10 * time.Second); a.Load() != 0 || b.Load() != 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("it waits for events, and says that it works")
		}
	}
	if k := kernelClock(); uint64(k) < now || uint64(k)-now > 1e9 {
		t.Errorf("our clock %d, the kernel's %d", now, k)
	}
}
