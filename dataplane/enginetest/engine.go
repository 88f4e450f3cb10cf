package enginetest

import (
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Pool is a pool named app with the product's defaults and these members.
func Pool(members ...table.Member) *table.Pool {
	return &table.Pool{
		Name:     "app",
		Sticky:   table.Sticky{Cookies: []string{"JSESSIONID"}, PathParams: []string{"jsessionid"}},
		Members:  members,
		Retry:    table.Retry{Attempts: 2, Dial: true, Stale: true, Broken: true, Budget: 20},
		Timeouts: table.Timeouts{Connect: time.Second, FirstByte: 5 * time.Second, BetweenBytes: 5 * time.Second, Cping: time.Second, Queue: 5 * time.Second},
		Conns:    table.Conns{Max: 256, Keep: 64, KeepFor: time.Minute, Queue: 1024},
		Ping:     table.Ping{Connect: true, Idle: 10 * time.Second, Interval: time.Minute},

		PacketSize: 8192, TripAfter: 5, TripFor: 5 * time.Second, Live: new(meter.Pool),
	}
}

// Member is a member of a pool.
func Member(name string, scheme table.Scheme, addr string) table.Member {
	return table.Member{
		ID: table.ID("app/" + name + "@" + addr), Name: name, Route: name, Weight: 1,
		Target: table.Target{Scheme: scheme, Addr: addr, Host: addr}, Live: new(meter.Member),
	}
}

// Table is a sealed table that sends everything to pool.
func Table(t testing.TB, pool *table.Pool) *table.Table {
	t.Helper()
	tab := &table.Table{Version: 1, Pools: []*table.Pool{pool}, Routes: []table.Route{{Pattern: table.Pattern{Kind: table.Prefix, Literal: "/"}, Pool: pool}}}
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	return tab
}

// Loops is the number of event loops of the engines that Start makes.
var Loops int

// Both runs the tests of a package twice: served by goroutines, then by event
// loops. It is given to goleak in place of m.
type Both struct{ *testing.M }

// Run implements goleak.TestingM.
func (b Both) Run() int {
	if code := b.M.Run(); code != 0 {
		return code
	}
	fmt.Println("again, on event loops")
	Loops = 2
	return b.M.Run()
}

// Limits are the product's defaults for clients.
var Limits = frontend.Limits{
	HeaderTimeout: 10 * time.Second, BodyTimeout: 10 * time.Second, IdleTimeout: time.Minute, HeaderSize: 16 << 10,
}

// Start runs an engine with tab until the test ends and gives its address.
func Start(t testing.TB, tab *table.Table) (*dataplane.Engine, string) {
	t.Helper()
	return StartWith(t, tab, Limits)
}

// StartWith is Start with other limits.
func StartWith(t testing.TB, tab *table.Table, l frontend.Limits) (*dataplane.Engine, string) {
	t.Helper()
	e, err := dataplane.New(l, Loops, func(msg, what string) { t.Logf("warning: %s: %s", msg, what) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Publish(tab)
	addrs, err := e.Listen([]frontend.Spec{{Address: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	return e, addrs[0].String()
}

// Dial connects to addr until the test ends.
func Dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a test that hangs says where
	return c.(*net.TCPConn)
}

// Leaks makes goleak overlook the one goroutine that a stopped engine leaves for
// a while: the cleaner of fasthttp's worker pool, which looks for the end of
// its server when it next wakes up, every ten seconds.
func Leaks() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2")
}
