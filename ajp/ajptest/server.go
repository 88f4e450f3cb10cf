package ajptest

import (
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/catherd/catherd/ajp"
)

// Handler plays the container on one connection. The connection is closed when it
// returns.
type Handler func(c *Conn)

// Entry is one request in the ledger.
type Entry struct {
	ID       string // X-Request-Id, empty when absent
	Conn     int    // number of the connection it came on
	Method   string
	URI      string
	BodyLen  int64  // bytes of body read, by the time the ledger was looked at
	Complete bool   // the body was read to its end
	Digest   string // SHA-256 in hex of a body read to its end
	Head     *ajp.Request
}

// Server listens on a loopback address and starts a Handler per connection.
type Server struct {
	ln   *net.TCPListener
	done chan struct{}
	wg   sync.WaitGroup // accept loop and handlers; Close waits for them

	mu       sync.Mutex // guards what follows
	arrived  *sync.Cond // a request or connection came in, or the server closed
	closed   bool
	handler  Handler
	conns    map[*Conn]bool
	accepted int
	pings    int
	ledger   []*Entry
}

// New starts a server on a free port of 127.0.0.1. It is closed with the test.
func New(tb testing.TB, h Handler) *Server {
	tb.Helper()
	return Listen(tb, "127.0.0.1:0", h)
}

// Listen is New on a given address: a member that comes back where it was.
func Listen(tb testing.TB, addr string, h Handler) *Server {
	tb.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		tb.Fatalf("listen as container on %q: %v", addr, err)
	}
	s := &Server{ln: ln.(*net.TCPListener), done: make(chan struct{}), handler: h, conns: map[*Conn]bool{}}
	s.arrived = sync.NewCond(&s.mu)
	s.wg.Add(1)
	go s.accept() // ended by Close, which closes the listener
	tb.Cleanup(s.Close)
	return s
}

func (s *Server) accept() {
	defer s.wg.Done()
	for {
		tcp, err := s.ln.AcceptTCP()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			tcp.Close()
			return
		}
		s.accepted++
		c := &Conn{Number: s.accepted, Packet: ajp.DefaultPacket, tcp: tcp, srv: s}
		s.conns[c] = true
		h := s.handler
		s.arrived.Broadcast()
		s.wg.Add(1)
		s.mu.Unlock()
		go func() { // ended by its handler, whose connection Close closes
			defer s.wg.Done()
			h(c)
			tcp.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

// Addr is the address in host:port form.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Handle gives connections accepted from now on another Handler.
func (s *Server) Handle(h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// Done is closed when the server closes.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close closes listener and connections (FIN) and waits for the handlers. It may be
// called again, but not by a Handler, which would wait for itself.
func (s *Server) Close() { s.stop(func(c *Conn) { c.Close() }) }

// Kill is Close with RST on every connection, like a process that dies with unread
// data in its buffers.
func (s *Server) Kill() { s.stop((*Conn).Reset) }

func (s *Server) stop(end func(*Conn)) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
		s.ln.Close()
		for c := range s.conns {
			end(c)
		}
		s.arrived.Broadcast()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Accepted is the number of connections accepted so far.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Pings is the number of CPINGs that arrived between requests.
func (s *Server) Pings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pings
}

// Requests is a copy of the ledger, oldest first.
func (s *Server) Requests() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Entry, len(s.ledger))
	for i, e := range s.ledger {
		list[i] = *e
	}
	return list
}

// Count says how often a request with this X-Request-Id arrived.
func (s *Server) Count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.ledger {
		if e.ID == id {
			n++
		}
	}
	return n
}

// Await blocks until n requests have arrived in all. It reports false when the server
// closed before.
func (s *Server) Await(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ledger) < n && !s.closed {
		s.arrived.Wait()
	}
	return len(s.ledger) >= n
}

// AwaitConns is Await for accepted connections.
func (s *Server) AwaitConns(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.accepted < n && !s.closed {
		s.arrived.Wait()
	}
	return s.accepted >= n
}

func (s *Server) record(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger = append(s.ledger, e)
	s.arrived.Broadcast()
}

func (s *Server) update(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Sequence plays the n-th handler on the n-th connection and the last one on all that
// follow: a fault, then good behaviour.
func Sequence(handlers ...Handler) Handler {
	list := slices.Clone(handlers)
	return func(c *Conn) { list[min(c.Number, len(list))-1](c) }
}
