package frontend

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// tagged is a plain connection that knows the group it was accepted by.
type tagged struct {
	*net.TCPConn
	group *group
	load  Load // of the listener it came from; nil: none
}

// taggedTLS is the same over TLS. The handshake is hidden from fasthttp, which
// would serve a connection on which it failed; serve makes it itself.
type taggedTLS struct {
	net.Conn
	tls   *tls.Conn
	group *group
	load  Load
}

// cameFrom tells where a connection was accepted.
func cameFrom(nc net.Conn) (*group, Load) {
	switch c := nc.(type) {
	case *tagged:
		return c.group, c.load
	case *taggedTLS:
		return c.group, c.load
	}
	return nil, nil
}

// open gives the connection to read and write, and the TLS state if there is
// one, after the handshake.
func open(nc net.Conn) (net.Conn, *tls.ConnectionState, error) {
	switch c := nc.(type) {
	case *tagged:
		return c.TCPConn, nil, nil
	case *taggedTLS:
		_ = c.SetDeadline(time.Now().Add(handshakeTimeout))
		if err := c.tls.Handshake(); err != nil {
			return nil, nil, err
		}
		_ = c.SetDeadline(time.Time{})
		state := c.tls.ConnectionState()
		return c.tls, &state, nil
	}
	return nc, nil, nil
}

// handshakeTimeout bounds a TLS handshake.
const handshakeTimeout = 10 * time.Second

// peers counts the connections of each address, spread over locks of their own:
// it is touched once per connection, and only when there is a limit.
type peers struct{ shards [64]peerShard }

type peerShard struct {
	mu sync.Mutex // guards n
	n  map[netip.Addr]int
}

func (p *peers) init() {
	for i := range p.shards {
		p.shards[i].n = make(map[netip.Addr]int)
	}
}

func (p *peers) shard(a netip.Addr) *peerShard {
	b := a.As16()
	return &p.shards[(b[15]^b[14]^b[7])%uint8(len(p.shards))]
}

// enter counts a connection in and returns how many the address has now.
func (p *peers) enter(a netip.Addr) int {
	s := p.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n[a]++
	return s.n[a]
}

func (p *peers) leave(a netip.Addr) {
	s := p.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[a]--; s.n[a] <= 0 {
		delete(s.n, a)
	}
}
