package canned

import "golang.org/x/sys/unix"

// maxHead bounds what is kept of an unfinished request: an AJP packet or an
// HTTP head of 64 KiB.
const maxHead = 64<<10 + 4

// conn is one connection from a proxy, touched by the loop's thread only.
type conn struct {
	fd   int
	in   []byte // received and not yet understood
	out  []byte // answer bytes the socket did not take yet
	left int64  // request body bytes still to come
	body bool   // AJP: the next packet is a body packet
}

// serve handles one readiness report and says whether the connection lives on.
func (c *conn) serve(s *Server, ready uint32) bool {
	if len(c.out) > 0 {
		if ready&unix.EPOLLOUT == 0 {
			return ready&(unix.EPOLLERR|unix.EPOLLHUP) == 0
		}
		if !c.flush(s) {
			return false
		}
		if len(c.out) > 0 {
			return true
		}
	}
	for {
		if cap(c.in)-len(c.in) < 4096 {
			grown := make([]byte, len(c.in), 2*cap(c.in))
			copy(grown, c.in)
			c.in = grown
		}
		room := c.in[len(c.in):cap(c.in)]
		n, err := unix.Read(c.fd, room)
		if err == unix.EAGAIN || err == unix.EINTR {
			return true
		}
		if err != nil || n == 0 {
			return false
		}
		c.in = c.in[:len(c.in)+n]
		used, ok := c.take(s)
		if !ok || len(c.in)-used > maxHead {
			return false
		}
		c.in = c.in[:copy(c.in, c.in[used:])]
		// A short read emptied the socket; asking again would only cost EAGAIN.
		if n < len(room) || len(c.out) > 0 {
			return true
		}
	}
}

func (c *conn) take(s *Server) (used int, ok bool) {
	if s.options.Protocol == AJP {
		return c.takeAJP(s)
	}
	return c.takeHTTP(s)
}

// respond sends the canned answer, after what is still unsent.
func (c *conn) respond(s *Server) bool {
	s.served.Add(1)
	return c.send(s, s.answer)
}

func (c *conn) send(s *Server, b []byte) bool {
	if len(c.out) > 0 {
		// Only a pipelining proxy comes here. Never append to c.out itself: it
		// may be a slice of the shared answer.
		c.out = append(append(make([]byte, 0, len(c.out)+len(b)), c.out...), b...)
		return true
	}
	n, err := unix.Write(c.fd, b)
	if err != nil && err != unix.EAGAIN {
		return false
	}
	if n = max(n, 0); n < len(b) {
		c.out = b[n:]
		return c.watch(s, unix.EPOLLOUT)
	}
	return true
}

func (c *conn) flush(s *Server) bool {
	n, err := unix.Write(c.fd, c.out)
	if err != nil && err != unix.EAGAIN {
		return false
	}
	if c.out = c.out[max(n, 0):]; len(c.out) == 0 {
		c.out = nil
		return c.watch(s, unix.EPOLLIN)
	}
	return true
}

func (c *conn) watch(s *Server, events uint32) bool {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)}) == nil
}

// pattern fills a body with letters, so that a capture is readable.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}
