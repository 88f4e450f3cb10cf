package frontend

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/proxy"
	"github.com/catherd/catherd/dataplane/wire"
)

// Limits bound what clients may hold. They may change at any time and count for
// what happens from then on. Zero means no bound.
type Limits struct {
	Connections          int // at the same time
	ConnectionsPerClient int // from one address
	HeaderTimeout        time.Duration
	BodyTimeout          time.Duration
	IdleTimeout          time.Duration // between two requests
	HeaderSize           int           // bytes
}

// Server accepts and serves client connections.
type Server struct {
	p      *proxy.Proxy
	wd     *wire.Watchdog
	loops  []*evloop.Loop // empty: everything is served by goroutines
	http   *fasthttp.Server
	limits atomic.Pointer[Limits]
	warn   func(msg, what string) // something an operator should know

	open    atomic.Int64
	perPeer peers
	serving sync.WaitGroup // accept loops

	mu       sync.Mutex // guards what is below
	groups   map[string]*group
	adopted  []Socket // for the next Listen
	held     bool     // Listen takes no connections yet
	steering Steering // nil: none

	hurry atomic.Bool // idle connections are closed: Drain has begun

	Accepted, Refused atomic.Uint64
}

// group is the listeners of one address.
type group struct {
	accept []*acceptor        // served by goroutines, or
	loops  []*evloop.Listener // by loops, or
	held   []net.Listener     // by nobody yet
	onLoop bool               // held is for loops
	meta   atomic.Pointer[proxy.Listener]
	tls    atomic.Pointer[tls.Config]
	addr   net.Addr

	seats   []*seat // of loops
	steered Steered // nil: not yet, or no Steering
}

// New makes a server that has its requests answered by p. warn is called for
// what operators should know, from any goroutine.
// loops serve the listeners without TLS; without any, all are served by goroutines.
func New(p *proxy.Proxy, wd *wire.Watchdog, loops []*evloop.Loop, l Limits, warn func(msg, what string)) *Server {
	s := &Server{p: p, wd: wd, loops: loops, warn: warn, groups: make(map[string]*group)}
	s.limits.Store(&l)
	s.perPeer.init()
	s.http = &fasthttp.Server{
		Handler:               func(*fasthttp.RequestCtx) {}, // never reached: NextProto serves every connection
		Name:                  "catherd",
		Concurrency:           1 << 30, // Limits.Connections is checked by serve
		MaxIdleWorkerDuration: 10 * time.Second,
		Logger:                quiet{},
	}
	s.http.NextProto("", s.serve) // TLS is hidden from fasthttp, so no other protocol is ever found
	return s
}

// quiet drops what fasthttp would log: the access log tells how requests ended.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// SetLimits replaces the limits.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// Open is the number of client connections.
func (s *Server) Open() int64 { return s.open.Load() }

// Listen makes the server listen on exactly these addresses: new ones are
// opened first, and only when all of them could be, the others are closed.
// Sockets that were adopted are used in the place of new ones. Connections that
// were accepted stay. It returns the addresses listened on, in
// the order of specs.
func (s *Server) Listen(specs []Spec) ([]net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make(map[string]*group)
	for _, sp := range specs {
		if s.groups[sp.key()] != nil || fresh[sp.key()] != nil {
			continue
		}
		g, err := s.openGroup(sp)
		if err == nil && !s.held {
			if err = s.steer(sp.key(), g); err != nil {
				g.close()
			}
		}
		if err != nil {
			for _, g := range fresh {
				g.close()
			}
			return nil, err
		}
		fresh[sp.key()] = g
	}
	// From here on nothing fails.
	wanted := make(map[string]bool)
	var addrs []net.Addr
	for _, sp := range specs {
		g := s.groups[sp.key()]
		if g == nil {
			g = fresh[sp.key()]
			s.groups[sp.key()] = g
			if !s.held {
				_ = s.start(g) // nothing is left that could fail, see openGroup
			}
			g.sit()
		}
		g.set(sp)
		wanted[sp.key()] = true
		addrs = append(addrs, g.addr)
	}
	for key, g := range s.groups {
		if !wanted[key] {
			g.close()
			delete(s.groups, key)
		}
	}
	closeSockets(s.adopted)
	s.adopted = nil
	s.showWork()
	return addrs, nil
}

// openGroup opens the listeners of an address. Those for loops begin to take
// connections, unless the server is held, because that may fail.
func (s *Server) openGroup(sp Spec) (*group, error) {
	n := runtime.GOMAXPROCS(0)
	if len(s.loops) > 0 {
		n = len(s.loops)
	}
	lns, err := s.sockets(sp.Address, n)
	if err != nil {
		return nil, err
	}
	g := &group{addr: lns[0].Addr(), held: lns, onLoop: len(s.loops) > 0 && sp.TLS == nil}
	g.set(sp) // a connection may come at once
	if s.held || !g.onLoop {
		return g, nil
	}
	return g, s.start(g)
}

// set takes the settings of sp into use.
func (g *group) set(sp Spec) {
	g.tls.Store(sp.TLS)
	g.meta.Store(&proxy.Listener{RedirectHTTPS: sp.RedirectHTTPS})
}

// start lets the listeners that are held take connections; closing them ends the
// accept loops. After an error nothing of the group listens.
func (s *Server) start(g *group) error {
	lns := g.held
	g.held = nil
	if g.onLoop {
		return s.openOnLoops(g, lns)
	}
	for _, ln := range lns {
		a := &acceptor{Listener: ln, group: g, onErr: func(err error) {
			s.warn("accept delayed", err.Error())
		}}
		g.accept = append(g.accept, a)
		s.serving.Go(func() { _ = s.http.Serve(a) })
	}
	return nil
}

func (g *group) close() {
	for _, a := range g.accept {
		_ = a.Close()
	}
	for _, l := range g.loops {
		l.Close()
	}
	closeAll(g.held)
	if g.steered != nil {
		g.steered.Close()
	}
}

// serve runs one connection until it ends. fasthttp closes nc afterwards.
func (s *Server) serve(nc net.Conn) error {
	g, load := cameFrom(nc)
	defer closed(load)
	counted, ok := s.admit(nc)
	defer s.leave(counted)
	if !ok {
		return nil
	}
	raw, state, err := open(nc)
	if err != nil {
		return nil // no TLS, no HTTP, nobody to answer
	}
	wc := wire.NewConn(raw, s.wd)
	c := proxy.NewClient(wc, g.meta.Load(), state)
	(&conn{Client: c, s: s}).run()
	if c.Linger && !c.Broken {
		linger(c)
	}
	wire.Put(c.In)
	if c.Broken {
		wc.Abort()
	} else {
		wc.Close()
	}
	return nil
}

// admit counts a connection in, or turns it away. leave undoes it either way.
func (s *Server) admit(nc net.Conn) (counted netip.Addr, ok bool) {
	l := s.limits.Load()
	s.Accepted.Add(1)
	if n := s.open.Add(1); l.Connections > 0 && n > int64(l.Connections) {
		s.turnAway(nc, "503 Service Unavailable", "too many connections")
		return counted, false
	}
	if l.ConnectionsPerClient > 0 {
		counted = peerOf(nc)
		if s.perPeer.enter(counted) > l.ConnectionsPerClient {
			s.turnAway(nc, "429 Too Many Requests", "too many connections from this address")
			return counted, false
		}
	}
	return counted, true
}

func (s *Server) leave(counted netip.Addr) {
	s.open.Add(-1)
	if counted.IsValid() {
		s.perPeer.leave(counted)
	}
}

// turnAway answers a connection that is one too many. It waits for nothing.
func (s *Server) turnAway(nc net.Conn, status, reason string) {
	s.Refused.Add(1)
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(nc, "HTTP/1.1 "+status+"\r\nConnection: close\r\nRetry-After: 5\r\nContent-Type: text/plain\r\nCatherd-Reason: "+
		reason+"\r\nContent-Length: 0\r\n\r\n")
}

// lingerFor and lingerBytes bound how long a connection whose client may still
// be sending is read after the answer.
const (
	lingerFor   = 2 * time.Second
	lingerBytes = 1 << 20
)

// linger ends a connection without losing the answer: a close with unread bytes
// would send a reset, and a reset makes the client's kernel drop what it has not
// read yet (RFC 9112 section 9.6).
func linger(c *proxy.Client) {
	c.CloseWrite()
	b := wire.Get(wire.Small)
	defer wire.Put(b)
	until := time.Now().Add(lingerFor)
	for total := 0; total < lingerBytes; {
		wait := time.Until(until)
		if wait <= 0 {
			return
		}
		n, err := c.Read(b.B, wait)
		if err != nil {
			return
		}
		total += n
	}
}

// stopListening closes all listeners and makes every answer from now on close its
// connection.
func (s *Server) stopListening() {
	s.p.Draining.Store(true)
	s.mu.Lock()
	for key, g := range s.groups {
		g.close()
		delete(s.groups, key)
	}
	closeSockets(s.adopted)
	s.adopted = nil
	s.mu.Unlock()
	s.serving.Wait()
}

// Retire is Drain for a server whose listeners somebody else serves from now on, so
// that no client may notice: a connection that is idle is not closed under a request
// that may be on its way, but has its next answer close it (RFC 9112 section 9.6). What
// is left when ctx ends is drained for a moment and then cut.
func (s *Server) Retire(ctx context.Context) (cut int64) {
	s.stopListening()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for s.open.Load() > 0 {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.Background(), lastCall)
			defer cancel()
			return s.Drain(last)
		case <-t.C:
		}
	}
	return 0
}

// lastCall is how long connections that are still idle at the end of Retire have to
// notice that they are closed.
const lastCall = 500 * time.Millisecond

// Drain closes the listeners and then idle connections, and waits until the
// last request has been answered or ctx ends; what is left then is closed.
// It reports how many connections had to be cut.
func (s *Server) Drain(ctx context.Context) (cut int64) {
	s.hurry.Store(true)
	s.stopListening()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for s.open.Load() > 0 {
		s.wd.Each((*wire.Conn).CloseIfIdle)
		select {
		case <-ctx.Done():
			cut = s.open.Load()
			s.cut()
			return cut
		case <-t.C:
		}
	}
	return 0
}

// cut makes every wait of every connection end now.
func (s *Server) cut() {
	s.p.CloseTunnels()
	s.wd.Each(func(c *wire.Conn) { c.StopRead(); c.StopWrite() })
}

// Cut ends what is left after Drain, and waits for that at most d. A wait that
// begins while the others are being ended, such as one of a second attempt, takes
// another round.
func (s *Server) Cut(d time.Duration) {
	until := time.Now().Add(d)
	for s.open.Load() > 0 && time.Now().Before(until) {
		s.cut()
		time.Sleep(20 * time.Millisecond)
	}
}

// peerOf is the address a connection comes from.
func peerOf(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
