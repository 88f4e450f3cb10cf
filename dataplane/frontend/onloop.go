package frontend

import (
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/proxy"
	"github.com/catherd/catherd/dataplane/wire"
)

// openOnLoops hands the listeners out to the loops in turn. After an error nothing
// listens.
func (s *Server) openOnLoops(g *group, lns []net.Listener) error {
	var first error
	for i, ln := range lns {
		fd, err := evloop.Descriptor(ln)
		_ = ln.Close() // the duplicate keeps the socket open
		switch {
		case err != nil:
		case first != nil:
			_ = unix.Close(fd)
		default:
			err = s.listenOn(s.loops[i%len(s.loops)], g, fd)
		}
		if first == nil && err != nil {
			first = &ListenError{g.addr.String(), err.Error(), err}
		}
	}
	if first != nil {
		g.close()
	}
	return first
}

func (s *Server) listenOn(l *evloop.Loop, g *group, fd int) error {
	st := &seat{fd: fd, loop: l}
	ln, err := l.Listen(fd,
		func(fd int, remote net.Addr) { s.take(l, g, fd, remote, st.accepted()) },
		st.drained,
		func(err error) { s.warn("accept delayed", err.Error()) })
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	g.loops, g.seats = append(g.loops, ln), append(g.seats, st)
	return nil
}

// take serves a new connection on l, which is counted in load.
func (s *Server) take(l *evloop.Loop, g *group, fd int, remote net.Addr, load Load) {
	if cfg := g.tls.Load(); cfg != nil {
		s.elsewhere(g, fd, load) // TLS came with a reload
		return
	}
	sock, err := l.Add(fd, evloop.LocalAddr(fd), remote)
	if err != nil {
		_ = unix.Close(fd)
		closed(load)
		s.warn("connection lost", err.Error())
		return
	}
	counted, ok := s.admit(sock)
	if !ok {
		s.leave(counted)
		_ = sock.Close()
		closed(load)
		return
	}
	wc := wire.NewSock(sock, s.wd)
	c := &loopConn{conn: conn{Client: proxy.NewClient(wc, g.meta.Load(), nil), s: s}, counted: counted, load: load}
	c.Await(c, s.limits.Load().HeaderTimeout)
}

// elsewhere serves a connection by a goroutine.
func (s *Server) elsewhere(g *group, fd int, load Load) {
	f := os.NewFile(uintptr(fd), "client")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		closed(load)
		s.warn("connection lost", err.Error())
		return
	}
	go func() {
		_ = s.serve(tag(nc, g, load))
		_ = nc.Close()
	}()
}

// end closes a connection that was served on a loop.
func (s *Server) end(c *loopConn) {
	wire.Put(c.In)
	c.In = nil
	if c.Broken {
		c.Abort()
	} else {
		c.Close()
	}
	s.leave(c.counted)
	closed(c.load)
}
