//go:build !race

package health

import (
	"testing"
	"testing/synctest"
	"time"
)

// Two heartbeats a second from each of many members cost next to nothing.
func TestHeartbeatsAllocateNothing(t *testing.T) {
	m := NewMachine(some, noon)
	m.Sample(Sample{At: noon, OK: true, Text: "cping ok"})
	now := noon
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(500 * time.Millisecond)
		m.Input(Event{Kind: Heard, At: now, Alive: time.Hour})
	}); n > 0 {
		t.Errorf("%v allocations for a heartbeat", n)
	}
}

func TestTellAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRunner(&oracle{begin: time.Now()}, func() {}, nil)
		defer r.Close()
		r.Set([]Target{watched("a")})
		synctest.Wait()
		now := time.Now()
		r.Tell("a", Event{Kind: Heard, At: now})
		synctest.Wait()
		if n := testing.AllocsPerRun(100, func() {
			now = now.Add(time.Second)
			r.Tell("a", Event{Kind: Heard, At: now})
		}); n > 0 {
			t.Errorf("%v allocations for a heartbeat", n)
		}
		if v := r.Verdicts()["a"]; !v.Heard.Equal(now) {
			t.Errorf("heard at %v, want %v", v.Heard, now)
		}
	})
}
