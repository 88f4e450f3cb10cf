package wire

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// Server is who serves the requests of a connection on a loop.
type Server interface {
	// Request gets the first bytes of a message. It runs in a task, and ends
	// with Await or by closing the connection.
	Request(b *Buffer)
	// Gone is told why no further message comes. It runs on the loop's thread
	// and must not block.
	Gone(err error)
}

// evented is what a connection on a loop has besides its Sock.
type evented struct {
	task    *evloop.Task
	server  Server
	first   *Buffer // what Readable has read for Request
	drained bool    // the last read left nothing
	epoch   uint64  // of the loop, when the connection was put to rest
}

// NewSock wraps a connection that a loop watches and registers it with the
// watchdog until Close.
func NewSock(s *evloop.Sock, wd *Watchdog) *Conn {
	c := &Conn{nc: s, wd: wd, sock: s}
	c.R.wd, c.R.set = wd, s.SetReadDeadline
	c.W.wd, c.W.set = wd, s.SetWriteDeadline
	wd.add(c)
	return c
}

// Task is the task that uses the connection, nil for a goroutine.
func (c *Conn) Task() *evloop.Task { return c.ev.task }

// SetTask tells who uses the connection from now on.
func (c *Conn) SetTask(t *evloop.Task) { c.ev.task = t }

// Await has s.Request called with the first bytes of the next message, or s.Gone
// when none comes within d. The caller must not touch the connection after it.
func (c *Conn) Await(s Server, d time.Duration) {
	c.ev.task, c.ev.server = nil, s
	c.idle.Store(isWaiting)
	c.R.arm(d)
	c.sock.Park(c)
}

// Readable implements evloop.Owner: the wait that Await began is over.
func (c *Conn) Readable() {
	b := Get(Small)
	n, errno := rawRead(uintptr(c.sock.FD()), b.B)
	if errno == unix.EAGAIN && !c.sock.Past() {
		Put(b)
		c.sock.Park(c)
		return
	}
	c.R.disarm()
	c.busy()
	if errno != 0 || n == 0 {
		Put(b)
		c.ev.server.Gone(readEnd(errno))
		return
	}
	b.W = n
	c.note(n, len(b.B))
	c.ev.first = b
	c.sock.Loop().Start(c)
}

// readEnd is the error of a read that gave nothing.
func readEnd(errno unix.Errno) error {
	switch errno {
	case 0:
		return io.EOF
	case unix.EAGAIN:
		return ErrTimeout
	}
	return os.NewSyscallError("read", errno)
}

// Run implements evloop.Runner: it is the task of one or more requests.
func (c *Conn) Run(t *evloop.Task) {
	b := c.ev.first
	c.ev.task, c.ev.first = t, nil
	c.ev.server.Request(b)
}

// note keeps account of edges: a short read has emptied the socket, so the next
// bytes bring an event of their own; a full one may have left some.
func (c *Conn) note(n, room int) {
	if c.ev.drained = n < room; !c.ev.drained {
		c.sock.Again()
	}
}

// exchangeSock is Exchange on a loop. A wait comes before the read wherever the
// socket is known to be empty.
func (c *Conn) exchangeSock(blocks [][]byte, b []byte, d time.Duration) (int, error) {
	if len(blocks) > 0 {
		if n, err := c.Writev(blocks, d); err != nil {
			return 0, &WriteError{N: n, Err: err}
		}
	}
	for wait := c.ev.drained || len(blocks) > 0; ; wait = true {
		if wait {
			c.R.arm(d)
			if !c.sock.WaitRead(c.ev.task) {
				return 0, c.readErr(os.ErrDeadlineExceeded)
			}
			c.R.disarm()
		}
		n, errno := rawRead(uintptr(c.sock.FD()), b)
		switch {
		case errno == unix.EAGAIN:
		case errno != 0 || n == 0:
			return 0, readEnd(errno)
		default:
			c.note(n, len(b))
			return n, nil
		}
	}
}

// writeSock is Write on a loop.
func (c *Conn) writeSock(b []byte, d time.Duration) (n int64, err error) {
	for len(b) > 0 {
		k, errno := rawWrite(uintptr(c.sock.FD()), b)
		if errno == 0 {
			n += int64(k)
			b = b[k:]
		} else if err = c.full(errno, d); err != nil {
			return n, err
		}
	}
	return n, nil
}

// writevSock is Writev on a loop.
func (c *Conn) writevSock(blocks [][]byte, d time.Duration) (n int64, err error) {
	for total := int64(size(blocks)); ; {
		k, errno := rawWritev(uintptr(c.sock.FD()), &c.iov, blocks[:min(len(blocks), maxIov)])
		if errno != 0 {
			if err = c.full(errno, d); err != nil {
				return n, err
			}
			continue
		}
		if n += int64(k); n == total {
			return n, nil
		}
		for k >= len(blocks[0]) {
			k -= len(blocks[0])
			blocks = blocks[1:]
		}
		if k > 0 {
			blocks = after(blocks, k)
		}
	}
}

// full waits until a socket that took nothing takes more.
func (c *Conn) full(errno unix.Errno, d time.Duration) error {
	if errno != unix.EAGAIN {
		return os.NewSyscallError("write", errno)
	}
	c.W.arm(d)
	if !c.sock.WaitWrite(c.ev.task) {
		return c.writeErr(os.ErrDeadlineExceeded)
	}
	c.W.disarm()
	return nil
}

// Rest is called when the connection becomes idle, see quietSock.
func (c *Conn) Rest() {
	c.ev.task = nil
	if c.sock != nil {
		c.ev.epoch = c.sock.Loop().Epoch()
	}
}

// quietSock is Quiet on a loop. When the loop has asked the kernel since the
// connection became idle, it would know of anything that came; else it is asked now.
func (c *Conn) quietSock() bool {
	s := c.sock
	switch {
	case s.Ended():
		return false
	case !s.Touched() && s.Loop().Epoch() > c.ev.epoch:
		return true
	case !rawQuiet(uintptr(s.FD()), &c.peeked):
		return false
	}
	s.Calm()
	return true
}
