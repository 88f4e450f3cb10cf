package frontend

import (
	"net/netip"
	"time"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/proxy"
	"github.com/catherd/catherd/dataplane/wire"
)

// conn is a client connection being served, see wire.Conn.Requests for why
// requests are tried inside the wait first.
type conn struct {
	*proxy.Client
	s     *Server
	ended bool // no further request
}

// run serves one request after the other.
func (c *conn) run() {
	wait := c.s.limits.Load().HeaderTimeout
	for !c.ended {
		if c.In == nil {
			if err := c.Requests(c, wait); err != nil || c.ended {
				return
			}
			if c.In == nil {
				return
			}
		}
		if c.s.p.Serve(c.Client, c.s.settings()) != proxy.Keep {
			return
		}
		c.next()
		if wait = c.s.limits.Load().IdleTimeout; c.In == nil && c.s.hurry.Load() {
			return
		}
	}
}

// Request implements wire.Waiter: it serves what can be served without reading
// from the client.
func (c *conn) Request(b *wire.Buffer) (again bool, next time.Duration) {
	c.In = b
	for {
		switch c.s.p.Try(c.Client, c.s.settings()) {
		case proxy.NeedsIO:
			return false, 0
		case proxy.Close:
			c.ended = true
			return false, 0
		case proxy.Keep:
		}
		if c.next(); c.In == nil {
			if c.s.hurry.Load() {
				c.ended = true
				return false, 0
			}
			return true, c.s.limits.Load().IdleTimeout
		}
	}
}

// loopConn is a client connection on a loop.
type loopConn struct {
	conn
	counted netip.Addr // in Server.perPeer; zero when it is not
	load    Load       // of the listener it came from; nil: none
}

// Request implements wire.Server: it serves requests until there is nothing left
// to be read, on the loop as long as nobody has to block.
func (c *loopConn) Request(b *wire.Buffer) {
	again, next := c.conn.Request(b)
	for !again && !c.ended {
		if c.s.p.Serve(c.Client, c.s.settings()) != proxy.Keep {
			break
		}
		if c.next(); c.In != nil {
			again, next = c.conn.Request(c.In)
		} else if c.s.hurry.Load() {
			break
		} else {
			again, next = true, c.s.limits.Load().IdleTimeout
		}
	}
	if again {
		c.Await(c, next)
		return
	}
	if c.Linger && !c.Broken {
		linger(c.Client)
	}
	c.s.end(c)
}

// Gone implements wire.Server.
func (c *loopConn) Gone(error) { c.s.end(c) }

// next makes the buffer ready for the next request: given back when it is
// empty, moved to the front when it holds the beginning of one.
func (c *conn) next() {
	c.In.R += http1.SkipEmpty(c.In.Bytes()) // old clients send an empty line after a body
	if c.In.Len() == 0 {
		wire.Put(c.In)
		c.In = nil
	} else {
		c.In.Compact()
	}
}

func (s *Server) settings() proxy.Settings {
	l := s.limits.Load()
	return proxy.Settings{HeaderTimeout: l.HeaderTimeout, BodyTimeout: l.BodyTimeout}
}
