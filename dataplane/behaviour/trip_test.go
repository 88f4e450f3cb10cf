package behaviour

import (
	"fmt"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
)

// After enough faults in a row a member is avoided until NotBefore, then it is
// used again.
func TestTripAndReturn(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			if c.number() <= 2 {
				breaks(c)
				return
			}
			good("a")(c)
		})
		b := start(good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.TripAfter, pool.TripFor = 2, time.Hour
		_, addr := run(t, enginetest.Table(t, pool))
		for i := range 5 {
			if r := once(t, addr, "GET", fmt.Sprint(i), "", session("a")); r.body != "b" {
				t.Errorf("request %d: %d %q", i, r.status, r.body)
			}
		}
		if a.requests() != 2 || !ma.Live.Tripped(time.Now().UnixNano()) {
			t.Errorf("a got %d requests; tripped: %v", a.requests(), ma.Live.Tripped(time.Now().UnixNano()))
		}
		ma.Live.NotBefore.Store(time.Now().UnixNano() - 1) // the time is over
		if r := once(t, addr, "GET", "back", "", session("a")); r.body != "a" {
			t.Errorf("after the trip: %d %q", r.status, r.body)
		}
		until(t, "a good answer ends the row of faults", func() bool { return ma.Live.FaultsInRow.Load() == 0 })
	})
}

// A trip is a guess: when nobody else is left, it is ignored.
func TestForcedWhenAllAreTripped(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(good("a"))
		b := start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		pool := newPool(ma, mb)
		_, addr := run(t, enginetest.Table(t, pool))
		far := time.Now().Add(time.Hour).UnixNano()
		ma.Live.Trip(far + 1)
		mb.Live.Trip(far)
		if r := once(t, addr, "GET", "1", ""); r.status != 200 || r.body != "b" {
			t.Errorf("new work: %d %q, b's trip ends first", r.status, r.body)
		}
		if r := once(t, addr, "GET", "2", "", session("a")); r.status != 200 || r.body != "a" {
			t.Errorf("a session: %d %q", r.status, r.body)
		}
	})
}

// The first late answers are tolerated.
func TestMaxReplyTimeouts(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(holds)
		ma := a.as("a")
		pool := newPool(ma)
		pool.Timeouts.FirstByte, pool.MaxReplyTimeouts, pool.TripAfter, pool.TripFor = 50*time.Millisecond, 2, 1, time.Hour
		_, addr := run(t, enginetest.Table(t, pool))
		for i := range 3 {
			if r := once(t, addr, "GET", fmt.Sprint(i), ""); r.status != 504 {
				t.Fatalf("%d: %d", i, r.status)
			}
			if tripped := ma.Live.NotBefore.Load() != 0; tripped != (i == 2) {
				t.Errorf("after %d late answers: tripped %v", i+1, tripped)
			}
			if n := a.count(fmt.Sprint(i)); n != 1 {
				t.Errorf("a GET that is late was sent %d times", n)
			}
		}
		if n := ma.Live.Faults[meter.FaultTimeoutHead].Load(); n != 3 {
			t.Errorf("%d late answers were counted", n)
		}
	})
}
