package tomcat

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/catherd/catherd/ajp"
)

// Options describe one pretend Tomcat.
type Options struct {
	Route string // jvmRoute; also the node= word of the answers

	// AJP and HTTP are listen addresses ("127.0.0.1:0" for any port); empty: no listener.
	AJP, HTTP string

	Secret     string    // AJP secret; a request without it gets 403 and reuse 0
	PacketSize int       // bytes; 0: 8192
	Sessions   *Sessions // shared with other servers; nil: its own

	// Handler replaces the application; nil keeps it.
	Handler http.Handler
}

// Server is a running pretend Tomcat.
type Server struct {
	options   Options
	handler   http.Handler
	sessions  *Sessions
	ajp, http net.Listener // nil without that listener
	web       *http.Server
	running   sync.WaitGroup // one for each listener and AJP connection
	ledger    ledger
	dead      chan struct{} // closed by Kill

	mu     sync.Mutex // guards conns and killed
	conns  map[net.Conn]struct{}
	killed bool
}

// Start listens and serves. Close ends it.
func Start(o Options) (*Server, error) {
	if o.PacketSize == 0 {
		o.PacketSize = ajp.DefaultPacket
	}
	if o.PacketSize < ajp.MinPacket || o.PacketSize > ajp.MaxPacket {
		return nil, fmt.Errorf("start pretend tomcat %q: packet size %d is not between %d and %d",
			o.Route, o.PacketSize, ajp.MinPacket, ajp.MaxPacket)
	}
	s := &Server{options: o, sessions: o.Sessions, handler: o.Handler,
		dead: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	if s.sessions == nil {
		s.sessions = NewSessions()
	}
	if s.handler == nil {
		s.handler = http.HandlerFunc(s.serve)
	}
	for _, l := range []struct {
		to   *net.Listener
		addr string
	}{{&s.ajp, o.AJP}, {&s.http, o.HTTP}} {
		if l.addr == "" {
			continue
		}
		inner, err := net.Listen("tcp", l.addr)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("start pretend tomcat %q: %v", o.Route, err)
		}
		*l.to = &listener{Listener: inner, server: s}
	}
	if s.http != nil {
		s.web = &http.Server{Handler: s.handler}
		s.running.Go(func() { s.web.Serve(s.http) }) // ends when the listener is closed
	}
	if s.ajp != nil {
		s.running.Go(s.serveAJP)
	}
	return s, nil
}

// AJPAddr is the address of the AJP listener, "" without one.
func (s *Server) AJPAddr() string { return addrOf(s.ajp) }

// HTTPAddr is the address of the HTTP listener, "" without one.
func (s *Server) HTTPAddr() string { return addrOf(s.http) }

func addrOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Ledger lists the X-Request-Id of every POST the application began to process.
func (s *Server) Ledger() []string { return s.ledger.list() }

// Dead is closed when the server was killed, by Kill, Close or a client's do=die.
func (s *Server) Dead() <-chan struct{} { return s.dead }

// Kill is what kill -9 looks like from outside: listeners gone, every connection reset.
// It does not wait.
func (s *Server) Kill() {
	s.mu.Lock()
	if s.killed {
		s.mu.Unlock()
		return
	}
	s.killed = true
	close(s.dead)
	for _, l := range []net.Listener{s.ajp, s.http} {
		if l != nil {
			l.Close()
		}
	}
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock() // closing takes the lock
	for _, c := range conns {
		reset(c)
	}
}

// Close is Kill, and waits until nothing of the server runs.
func (s *Server) Close() {
	s.Kill()
	if s.web != nil {
		s.web.Close()
	}
	s.running.Wait()
}

// reset closes a connection so that the peer sees RST.
func reset(c net.Conn) {
	if t, ok := c.(*tracked); ok {
		if tcp, ok := t.Conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a closed connection needs no reset
		}
	}
	c.Close()
}

// listener keeps account of the connections, so that Kill can reset them.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &tracked{Conn: c, server: l.server}
	l.server.mu.Lock()
	killed := l.server.killed
	if !killed {
		l.server.conns[t] = struct{}{}
	}
	l.server.mu.Unlock()
	if killed {
		reset(t)
		return nil, net.ErrClosed
	}
	return t, nil
}

// tracked forgets itself when closed.
type tracked struct {
	net.Conn
	server *Server
}

func (t *tracked) Close() error {
	t.server.mu.Lock()
	delete(t.server.conns, t)
	t.server.mu.Unlock()
	return t.Conn.Close()
}

// serveAJP accepts until the listener is closed.
func (s *Server) serveAJP() {
	for {
		c, err := s.ajp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a connection that died in the queue
		}
		s.running.Go(func() { (&container{server: s, conn: c}).serve() })
	}
}
