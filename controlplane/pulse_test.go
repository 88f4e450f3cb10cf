package controlplane

import (
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
)

// Requests that begin a session show no session in use: clients without cookies
// begin one with every request, and a drain would wait for them for ever.
func TestNewSessionsAreNoActivity(t *testing.T) {
	var p pulse
	m := new(meter.Member)
	now := time.Unix(1000, 0)
	read := func(o meter.Outcome) time.Time {
		m.Sessions[o].Add(1)
		now = now.Add(time.Second)
		p.read(m, now)
		return p.beat().session
	}
	if at := read(meter.New); !at.IsZero() {
		t.Errorf("a new session was activity at %v", at)
	}
	for _, o := range []meter.Outcome{meter.Kept, meter.Moved, meter.Unknown} {
		if at := read(o); !at.Equal(now) {
			t.Errorf("outcome %d: newest activity %v, want %v", o, at, now)
		}
	}
	last := now
	for range 5 {
		if at := read(meter.New); !at.Equal(last) {
			t.Errorf("newest activity %v, want %v", at, last)
		}
	}
}
