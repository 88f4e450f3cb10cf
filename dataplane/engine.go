package dataplane

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/proxy"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// Engine is a running data plane. All methods may be called from any goroutine.
type Engine struct {
	wd     *wire.Watchdog
	pools  *upstream.Pools
	proxy  *proxy.Proxy
	server *frontend.Server
	loops  []*evloop.Loop
}

// New starts an engine that listens nowhere and has no table yet. loops is the
// number of event loops that serve connections without TLS; with none, a goroutine
// serves each. warn is told what an operator should know and must not block. Close
// ends it.
func New(l frontend.Limits, loops int, warn func(msg, what string)) (*Engine, error) {
	e := &Engine{wd: wire.NewWatchdog()}
	places := evloop.NewPlaces(placesFor(runtime.GOMAXPROCS(0)))
	for i := range loops {
		loop, err := evloop.NewAmong(i, places)
		if err != nil {
			e.stop()
			return nil, fmt.Errorf("start event loop: %w", err)
		}
		e.loops = append(e.loops, loop)
	}
	e.pools = upstream.NewPools(e.wd, len(e.loops))
	e.proxy = proxy.New(e.wd, e.pools)
	e.server = frontend.New(e.proxy, e.wd, e.loops, l, warn)
	return e, nil
}

// placesFor is how many of this many processors busy loops may keep while they wait.
// What remains is for everything else: detached tasks, TLS, the control plane.
func placesFor(processors int) int {
	return processors - max(1, processors/4)
}

// closeFor bounds how long Close waits for requests to notice that they are cut,
// and closeFor again for loops to notice that nobody needs them. What blocks for
// longer than that is a name that does not resolve, or a full queue.
const closeFor = 2 * time.Second

// stop ends the loops and then the watchdog, whose deadlines the tasks need. What
// does not end in time ends in the background, at the latest by its own time-outs.
func (e *Engine) stop() {
	for _, l := range e.loops {
		l.Stop()
	}
	ended := make(chan struct{})
	go func() {
		for _, l := range e.loops {
			<-l.Stop()
		}
		e.wd.Stop()
		close(ended)
	}()
	late := time.NewTimer(closeFor)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
	}
}

// Publish makes t, which must be sealed, the table of all requests from now on.
// Connections to members that stay are kept.
func (e *Engine) Publish(t *table.Table) { e.proxy.Publish(t) }

// Table is the table published last.
func (e *Engine) Table() *table.Table { return e.proxy.Table() }

// Listen makes the engine listen on exactly these addresses, or changes nothing
// and says why (*frontend.ListenError). It returns the addresses in the order
// of the specs; they differ where port 0 was asked for.
func (e *Engine) Listen(specs []frontend.Spec) ([]net.Addr, error) { return e.server.Listen(specs) }

// Adopt hands listening sockets of another process to the next Listen, see
// frontend.Server.Adopt; Hold makes that Listen take no connections before Accept.
func (e *Engine) Adopt(list []frontend.Socket) { e.server.Adopt(list) }

// Hold makes Listen open addresses without taking connections until Accept.
func (e *Engine) Hold() { e.server.Hold() }

// Accept ends Hold.
func (e *Engine) Accept() error { return e.server.Accept() }

// Sockets gives duplicates of the listening sockets for another process.
func (e *Engine) Sockets() ([]frontend.Socket, error) { return e.server.Sockets() }

// Retire is Drain while another process serves the same sockets: no client notices,
// see frontend.Server.Retire.
func (e *Engine) Retire(ctx context.Context) (cut int64) { return e.server.Retire(ctx) }

// SetSteering has the kernel choose the listener of a new connection by st. Call it
// before the first Listen.
func (e *Engine) SetSteering(st frontend.Steering) { e.server.SetSteering(st) }

// Steer follows what the steering wants now; it is to be called about once a second,
// see frontend.Server.Steer.
func (e *Engine) Steer() error { return e.server.Steer() }

// Do runs f on a loop, which serves nobody meanwhile. It is for trials of what happens
// then. False: there is no such loop.
func (e *Engine) Do(loop int, f func()) bool {
	if loop < 0 || loop >= len(e.loops) {
		return false
	}
	e.loops[loop].Do(f)
	return true
}

// SetLimits replaces the bounds on clients.
func (e *Engine) SetLimits(l frontend.Limits) { e.server.SetLimits(l) }

// SetAccessLog makes requests leave a record in r when they end; nil: none.
func (e *Engine) SetAccessLog(r *access.Ring) { e.proxy.SetAccessLog(r) }

// Clients tells how many client connections are open, were accepted and were
// turned away because of a limit.
func (e *Engine) Clients() (open int64, accepted, refused uint64) {
	return e.server.Open(), e.server.Accepted.Load(), e.server.Refused.Load()
}

// Draining reports whether Drain has been called.
func (e *Engine) Draining() bool { return e.proxy.Draining.Load() }

// Drain stops listening, lets requests finish and closes idle connections. When
// ctx ends first, the rest is cut; cut tells how many connections that were.
func (e *Engine) Drain(ctx context.Context) (cut int64) { return e.server.Drain(ctx) }

// Close ends everything at once, and returns when it has ended or after a few
// seconds.
func (e *Engine) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e.server.Drain(ctx)
	e.server.Cut(closeFor)
	e.pools.Close()
	e.stop()
}
