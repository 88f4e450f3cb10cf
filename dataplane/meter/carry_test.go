package meter

import (
	"sync/atomic"
	"testing"
	"time"
)

// Each number has one name, and numbers that are added under their names give the same
// picture.
func TestCountersAreComplete(t *testing.T) {
	var from, to Member
	from.Begin(1)
	from.Done(204, 3, 4, 2, int64(time.Hour), int64(70*time.Microsecond))
	from.Done(0, 1, 0, 2, 0, 0)
	for _, n := range []*atomic.Uint64{&from.Retries, &from.Connects, &from.ConnectFailures, &from.Pings, &from.PingsFailed} {
		n.Add(7)
	}
	for i := range from.Sessions {
		from.Sessions[i].Add(uint64(i) + 1)
	}
	for i := range from.Faults {
		from.Faults[i].Add(uint64(i) + 10)
	}
	numbers := map[Counter]uint64{}
	from.Counters(func(k Counter, n *atomic.Uint64) {
		if _, twice := numbers[k]; twice {
			t.Errorf("%+v comes twice", k)
		}
		numbers[k] = n.Load()
	})
	to.Counters(func(k Counter, n *atomic.Uint64) { n.Add(numbers[k]) })
	a, b := from.Read(), to.Read()
	a.InFlight, a.LastUsed, a.FaultsInRow, a.LastFault = b.InFlight, b.LastUsed, b.FaultsInRow, b.LastFault
	if a.Requests != b.Requests || a.BytesIn != b.BytesIn || a.BytesOut != b.BytesOut || a.Retries != b.Retries ||
		a.Status2xx != b.Status2xx || a.NoAnswer != b.NoAnswer || a.Connects != b.Connects || a.ConnectFailures != b.ConnectFailures ||
		a.Pings != b.Pings || a.PingsFailed != b.PingsFailed || a.Total != b.Total || a.FirstByte != b.FirstByte ||
		len(b.Faults) != FaultKinds || len(b.Sessions) != Outcomes {
		t.Errorf("from %+v\nto   %+v", a, b)
	}
	for k, n := range a.Faults {
		if b.Faults[k] != n {
			t.Errorf("fault %s: %d, want %d", k, b.Faults[k], n)
		}
	}
}

func TestPoolCounters(t *testing.T) {
	var p Pool
	p.Requests.Add(1)
	p.Retries.Add(2)
	p.NoMember.Add(3)
	p.QueueFull.Add(4)
	p.Duration.Observe(int64(2 * time.Millisecond))
	sum := uint64(0)
	p.Counters(func(_ Counter, n *atomic.Uint64) { sum += n.Load() })
	if want := uint64(1 + 2 + 3 + 4 + 1 + 2*time.Millisecond); sum != want {
		t.Errorf("%d, want %d", sum, want)
	}
}
