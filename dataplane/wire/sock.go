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
	turns   int     // reads since the last wait
	epoch   uint64  // the loop knows of everything that came before, once it is past this one
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

// turn is how many reads that need not wait a task makes before others of its loop
// get a turn. A member that is faster than its loop would keep it otherwise.
const turn = 8

// step is called before each read that does not wait. False: the time is over.
func (c *Conn) step() bool {
	if c.ev.turns++; c.ev.turns < turn {
		return true
	}
	c.ev.turns = 0
	c.ev.task.Yield()
	return !c.sock.Past()
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
			c.ev.turns = 0
		} else if !c.step() {
			return 0, ErrTimeout
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
	for full := false; ; {
		k, errno := 0, unix.Errno(0)
		if len(b) > 0 {
			k, errno = rawWrite(uintptr(c.sock.FD()), b)
		}
		if errno != 0 {
			if err = c.full(errno, d, full); err != nil {
				return n, err
			}
			full = true
			continue
		}
		n += int64(k)
		if b = b[k:]; len(b) == 0 {
			if full {
				c.W.disarm()
			}
			return n, nil
		}
	}
}

// writevSock is Writev on a loop.
func (c *Conn) writevSock(blocks [][]byte, d time.Duration) (n int64, err error) {
	full := false
	for total := int64(size(blocks)); ; {
		k, errno := rawWritev(uintptr(c.sock.FD()), &c.iov, blocks[:min(len(blocks), maxIov)])
		if errno != 0 {
			if err = c.full(errno, d, full); err != nil {
				return n, err
			}
			full = true
			continue
		}
		if n += int64(k); n == total {
			if full {
				c.W.disarm()
			}
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

// full waits until a socket that took nothing takes more. again tells that the
// clock of this write is running already: d is for the whole of it, or a reader of
// one byte now and then could hold it for ever.
func (c *Conn) full(errno unix.Errno, d time.Duration, again bool) error {
	if errno != unix.EAGAIN {
		c.W.disarm()
		return os.NewSyscallError("write", errno)
	}
	if !again {
		c.W.arm(d)
	}
	if !c.sock.WaitWrite(c.ev.task) {
		return c.writeErr(os.ErrDeadlineExceeded)
	}
	return nil
}

// OnLoop reports whether a loop watches the connection. Reads and writes of one
// that none watches block, whatever the task.
func (c *Conn) OnLoop() bool { return c.sock != nil }

// Rest is called when the connection becomes idle, see quietSock.
func (c *Conn) Rest() {
	if c.sock != nil {
		l := c.sock.Loop()
		c.ev.epoch = l.Epoch()
		// A loop that is not running us may have asked the kernel already and be
		// about to raise its epoch for that; only the one after it counts.
		if t := c.ev.task; !t.Attached() || t.Loop() != l {
			c.ev.epoch++
		}
	}
	c.ev.task = nil
}

// Settled reports whether Quiet needs no system call, as far as that depends on time:
// the loop has asked the kernel since Rest.
func (c *Conn) Settled() bool { return c.sock == nil || c.sock.Loop().Epoch() > c.ev.epoch }

// quietSock is Quiet on a loop. When the loop has asked the kernel since the
// connection became idle, it would know of anything that came; else it is asked now.
// The epoch is read first: what the loop found up to it is seen in the gate then.
func (c *Conn) quietSock() bool {
	s := c.sock
	known := c.Settled()
	switch {
	case s.Ended():
		return false
	case known && !s.Touched():
		return true
	}
	s.Calm() // before the look: an edge that comes after it stays
	if !rawQuiet(uintptr(s.FD()), &c.peeked) {
		s.Again()
		return false
	}
	return true
}
