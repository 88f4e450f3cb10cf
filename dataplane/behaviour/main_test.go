package behaviour

import (
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(enginetest.Both{M: m}, enginetest.Leaks()) }

// patience bounds what only a failure takes. It is long, because a machine that
// is busy with other things stops this process for seconds.
const patience = time.Minute

// limits and newPool are those of enginetest with the time-outs that are not
// under test out of the way.
func limits() frontend.Limits {
	l := enginetest.Limits
	l.HeaderTimeout, l.BodyTimeout, l.IdleTimeout = patience, patience, patience
	return l
}

func newPool(members ...table.Member) *table.Pool {
	p := enginetest.Pool(members...)
	p.Timeouts = table.Timeouts{Connect: patience, FirstByte: patience, BetweenBytes: patience, Cping: patience, Queue: patience}
	return p
}

// run starts an engine with tab.
func run(t testing.TB, tab *table.Table) (*dataplane.Engine, string) {
	t.Helper()
	return enginetest.StartWith(t, tab, limits())
}

// until polls for what another goroutine is about to do; a test that waits in
// vain fails.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// receive takes from ch, or fails the test when nothing comes.
func receive[T any](t testing.TB, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("in vain: %s", what)
	}
	return v
}
