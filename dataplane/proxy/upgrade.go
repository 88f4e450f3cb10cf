package proxy

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

var webSocket = []byte("websocket")

// upgradeTarget is where m can be asked to switch to WebSocket, nil for nowhere:
// AJP has no upgrade, so an AJP member needs an HTTP connector for it.
func upgradeTarget(m *table.Member) *table.Target {
	if m.Target.Scheme != table.AJP {
		return &m.Target
	}
	return m.Upgrade
}

// tryUpgrade asks m to switch to WebSocket and becomes a tunnel when it does. It
// opens a connection of its own: that would not come back to the pool anyhow, and
// it does not count against connections.max.
func (x *Exchange) tryUpgrade(m *table.Member, t *table.Target) upstream.Fault {
	x.c.Task().Detach() // it blocks for as long as the tunnel lasts
	x.member, x.status, x.headAt, x.endAt, x.in = m, 0, 0, 0, 0
	x.ended, x.begun = false, 0
	m.Live.Begin(x.start)
	nc, f := upstream.Connect(t, x.cfg.Timeouts.Connect)
	if !f.OK() {
		m.Live.ConnectFailures.Add(1)
		x.finishAttempt(m, f)
		return f
	}
	m.Live.Connects.Add(1)
	u := &upstream.Conn{Conn: wire.NewConn(nc, x.p.wd), Fresh: true}
	defer u.Close()
	defer func() { wire.Put(u.In) }()
	x.encodeHTTP(webSocket)
	x.vec = append(x.vec[:0], x.out)
	if f = x.send(u, x.vec); f.OK() {
		a := httpAnswer{x: x, u: u, left: -1}
		_, f = a.run()
		if f.OK() && a.upgrade {
			f = x.tunnel(u)
		}
	}
	x.answer.close = true
	x.finishAttempt(m, f)
	return f
}

// tunnel passes the 101 on and then bytes in both directions until both sides
// have ended or one has broken.
func (x *Exchange) tunnel(u *upstream.Conn) upstream.Fault {
	ans, r := &x.answer, &x.resp
	ans.begin(r.Status, r.Reason)
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.Drop {
			ans.field(f.Name, f.Value)
		}
	}
	ans.head = append(ans.head, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"...)
	ans.close = true
	if f := ans.flush(); !f.OK() {
		return f
	}
	x.end = access.Upgraded
	t := &tunnel{client: x.c.Conn, member: u.Conn}
	x.p.tunnels.add(t)
	defer x.p.tunnels.remove(t)
	var wg sync.WaitGroup
	var up, down int64
	early, begun := x.shed(u)
	wg.Go(func() { up = t.carry(t.member, t.client, early) })
	down = t.carry(t.client, t.member, begun)
	wg.Wait()
	x.in = uint64(up)
	ans.out = uint64(down)
	return upstream.Fault{}
}

// shed takes both buffers away, with what of the tunnel they hold already, because
// it may be silent for days. What the log will say of the request, and the id of
// its session, move to a place of their own.
func (x *Exchange) shed(u *upstream.Conn) (early, begun *wire.Buffer) {
	x.Req.Parse(bytes.Clone(x.head)) // it has been accepted before
	x.resp.Reset()
	p := balance.Request{HasSession: x.pick.HasSession}
	p.Session.ID = bytes.Clone(x.pick.Session.ID) // see settle
	x.pick, x.head = p, nil
	clear(x.cookies)
	early, begun = x.c.In, u.In
	x.c.In, u.In = nil, nil
	return early, begun
}

// tunnel is one upgraded connection.
type tunnel struct{ client, member *wire.Conn }

// carry copies one direction, beginning with what has been read already, and
// passes its end on. A broken direction breaks both. A direction that is silent
// holds no buffer, nor a pipe, as a splice would.
func (t *tunnel) carry(to, from *wire.Conn, b *wire.Buffer) (n int64) {
	in := from.Lend()
	var err error
	for err == nil {
		if b != nil && b.Len() > 0 {
			var k int64
			k, err = to.Write(b.Bytes(), 0)
			n += k
		}
		wire.Put(b)
		if b = nil; err == nil {
			b, err = in.Next()
		}
	}
	if err != io.EOF {
		t.close()
		return n
	}
	to.CloseWrite()
	// WebSocket has no half-closed state (RFC 6455 section 5.5.1): the other
	// direction gets the time for its closing frame.
	_ = to.Net().SetReadDeadline(time.Now().Add(halfClosed))
	_ = from.Net().SetWriteDeadline(time.Now().Add(halfClosed))
	return n
}

// halfClosed is how long one direction of a tunnel may outlive the other.
const halfClosed = 10 * time.Second

// close makes both copies end. The connections are closed by their owners.
func (t *tunnel) close() {
	for _, c := range []*wire.Conn{t.client, t.member} {
		c.StopRead()
		c.StopWrite()
	}
}

// tunnels are all open tunnels, so that a shutdown can end them.
type tunnels struct {
	mu   sync.Mutex // guards open
	open map[*tunnel]struct{}
}

func (s *tunnels) add(t *tunnel) {
	s.mu.Lock()
	s.open[t] = struct{}{}
	s.mu.Unlock()
}

func (s *tunnels) remove(t *tunnel) {
	s.mu.Lock()
	delete(s.open, t)
	s.mu.Unlock()
}

func (s *tunnels) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.open {
		t.close()
	}
}
