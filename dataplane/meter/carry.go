package meter

import "sync/atomic"

// Counter names one number that rises for ever, for whoever passes the numbers of
// one process on to the next. Names never change; a process skips those it does not
// know.
type Counter struct {
	Name string
	Edge int64 // of a histogram: the upper edge of the bucket in nanoseconds, 0 for none
}

// The last bucket of a histogram has no upper edge; this one names it.
const edgeless = int64(1) << 62

// Counters calls f with every number of m that only rises.
func (m *Member) Counters(f func(Counter, *atomic.Uint64)) {
	f(Counter{Name: "requests"}, &m.Requests)
	for i, name := range [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		f(Counter{Name: "status " + name}, &m.Status[i])
	}
	f(Counter{Name: "bytes in"}, &m.BytesIn)
	f(Counter{Name: "bytes out"}, &m.BytesOut)
	for i := range m.Faults {
		f(Counter{Name: "fault " + FaultKind(i).String()}, &m.Faults[i])
	}
	f(Counter{Name: "retries"}, &m.Retries)
	for i := range m.Sessions {
		f(Counter{Name: "session " + Outcome(i).String()}, &m.Sessions[i])
	}
	f(Counter{Name: "connects"}, &m.Connects)
	f(Counter{Name: "connect failures"}, &m.ConnectFailures)
	f(Counter{Name: "pings"}, &m.Pings)
	f(Counter{Name: "pings failed"}, &m.PingsFailed)
	m.Total.Counters("total", f)
	m.FirstByte.Counters("first byte", f)
}

// Counters calls f with every number of p that only rises.
func (p *Pool) Counters(f func(Counter, *atomic.Uint64)) {
	f(Counter{Name: "requests"}, &p.Requests)
	f(Counter{Name: "retries"}, &p.Retries)
	f(Counter{Name: "no member"}, &p.NoMember)
	f(Counter{Name: "queue full"}, &p.QueueFull)
	p.Duration.Counters("duration", f)
}

// Counters calls f with the sum and every bucket of h.
func (h *Histogram) Counters(name string, f func(Counter, *atomic.Uint64)) {
	f(Counter{Name: name}, &h.sum)
	for i := range h.counts {
		edge := edgeless
		if i < edgeCount {
			edge = edges[i]
		}
		f(Counter{Name: name, Edge: edge}, &h.counts[i])
	}
}
