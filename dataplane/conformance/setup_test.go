package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// newPool is a pool of one member whose time-outs only end what hangs: a busy
// machine must not fail a case. It never trips, so that every request gets there.
func newPool(m table.Member) *table.Pool {
	p := enginetest.Pool(m)
	p.Timeouts = table.Timeouts{
		Connect: 15 * time.Second, FirstByte: 15 * time.Second, BetweenBytes: 15 * time.Second,
		Cping: 15 * time.Second, Queue: 15 * time.Second,
	}
	p.TripAfter = 0
	return p
}

// impatient is a table with the same pool and member, but with time-outs short
// enough to wait for them. head says that the head of an answer is late too.
func impatient(t *testing.T, p *table.Pool, head bool) *table.Table {
	t.Helper()
	short := *p
	short.Members = slices.Clone(p.Members)
	short.Timeouts.BetweenBytes = 200 * time.Millisecond
	if head {
		short.Timeouts.FirstByte = 200 * time.Millisecond
	}
	return enginetest.Table(t, &short)
}
