package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// ErrTimeout says that a read or write made no progress in the time allowed.
var ErrTimeout = errors.New("timed out")

// Conn is one connection, to a client or to a member.
type Conn struct {
	R, W Deadline // reader's and writer's

	nc    net.Conn
	tcp   *net.TCPConn // nil when nc is not a bare TCP connection
	raw   syscall.RawConn
	under syscall.RawConn // the socket, also under TLS; for Quiet
	lower *Lower          // under TLS, where it is ours
	wd    *Watchdog
	sock  *evloop.Sock // for connections of a loop, see sock.go
	ev    evented
	shard uint32

	vec  net.Buffers // consumed by writev; lives here so that it does not escape per call
	base [][]byte

	// idle tells whether the owner waits for a new request. CloseIfIdle moves it
	// from waiting to stopped under R's lock, the owner back to busy.
	idle atomic.Int32

	// For the callbacks given to raw, which are made once per connection.
	readFn, waitFn func(uintptr) bool
	controlFn      func(uintptr)
	buf            []byte
	n              int
	errno          unix.Errno
	out            [][]byte // what Exchange writes before it waits
	wrote          int
	held           *Buffer       // what Requests has read
	wait           Waiter        // of Requests
	look           bool          // the deadline is that of the second look
	rest           time.Duration // how long Requests waits after it
	inside         bool          // the owner runs inside Requests' callback
	fd             uintptr       // valid inside
	iov            [maxIov]unix.Iovec
	peeked         byte // where a peek puts its byte
	quiet          bool
}

// NewConn wraps nc and registers it with the watchdog until Close.
func NewConn(nc net.Conn, wd *Watchdog) *Conn {
	c := &Conn{nc: nc, wd: wd}
	c.R.wd, c.R.set = wd, nc.SetReadDeadline
	c.W.wd, c.W.set = wd, nc.SetWriteDeadline
	if tcp, ok := nc.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			c.tcp, c.raw = tcp, raw
			c.readFn, c.waitFn = c.onRead, c.onRequest
		}
	}
	c.under = under(nc)
	c.lower = lower(nc)
	c.controlFn = func(fd uintptr) { c.quiet = rawQuiet(fd, &c.peeked) }
	wd.add(c)
	return c
}

// under is the socket under nc, also when TLS is in between; nil when it cannot
// be reached.
func under(nc net.Conn) syscall.RawConn {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	if s, ok := nc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// lower is the Lower under nc, nil when there is none.
func lower(nc net.Conn) *Lower {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		l, _ := t.NetConn().(*Lower)
		return l
	}
	return nil
}

// Net is the connection underneath.
func (c *Conn) Net() net.Conn { return c.nc }

// Read reads what is there, waiting at most d for the first byte of it.
// Errors: io.EOF, ErrTimeout, or the socket's.
func (c *Conn) Read(b []byte, d time.Duration) (int, error) {
	return c.Exchange(nil, b, d)
}

// Exchange writes the blocks, if there are any, and reads what comes next,
// waiting at most d for its first byte. Where the socket takes all blocks at
// once that is one write and one read: the wait is prepared before the write,
// so it needs no attempt to read what cannot be there yet. Should there have
// been something nevertheless, of which no event will tell, the second look
// finds it. An error of the write is a *WriteError.
func (c *Conn) Exchange(blocks [][]byte, b []byte, d time.Duration) (int, error) {
	if c.sock != nil {
		return c.exchangeSock(blocks, b, d)
	}
	if c.raw == nil || len(blocks) > maxIov {
		if n, err := c.Writev(blocks, d); err != nil {
			return 0, &WriteError{N: n, Err: err}
		}
		if c.raw == nil {
			c.R.arm(d)
			n, err := c.nc.Read(b)
			return n, c.readErr(err)
		}
		blocks = nil
	}
	c.buf, c.n, c.errno, c.out, c.wrote = b, 0, 0, blocks, 0
	first, rest, look := d, time.Duration(0), false
	if len(blocks) > 0 {
		first, rest, look = split(d)
	}
	c.R.arm(first)
	err := c.raw.Read(c.readFn)
	if err != nil && look && len(c.out) == 0 && c.R.disarm() {
		c.R.arm(rest)
		err = c.raw.Read(c.readFn)
	}
	c.buf = nil
	if len(c.out) > 0 {
		return c.finishExchange(b, d)
	}
	if err != nil {
		return 0, c.readErr(err)
	}
	c.R.disarm()
	switch {
	case c.errno != 0:
		return 0, os.NewSyscallError("read", c.errno)
	case c.n == 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// secondLook is after how long a wait that began without an attempt to read
// makes one. Edge-triggered events tell of changes only: bytes or the end of
// the stream that came before the wait, or in one event with what was read
// last, would otherwise be noticed at the time-out.
const secondLook = 2 * Tick

// split divides a wait at the second look. d <= 0 is for ever.
func split(d time.Duration) (first, rest time.Duration, look bool) {
	switch {
	case d <= 0:
		return secondLook, 0, true
	case d <= secondLook:
		return d, 0, false
	}
	return secondLook, d - secondLook, true
}

// finishExchange goes on after a write that the socket did not take whole.
func (c *Conn) finishExchange(b []byte, d time.Duration) (int, error) {
	c.R.disarm()
	blocks := c.out
	c.out = nil
	n := int64(c.wrote)
	if c.errno != 0 && c.errno != unix.EAGAIN {
		return 0, &WriteError{N: n, Err: os.NewSyscallError("write", c.errno)}
	}
	k, err := c.Writev(after(blocks, c.wrote), d)
	if err != nil {
		return 0, &WriteError{N: n + k, Err: err}
	}
	return c.Exchange(nil, b, d)
}

// after is what follows the first n bytes of blocks.
func after(blocks [][]byte, n int) [][]byte {
	var rest [][]byte
	for _, b := range blocks {
		k := min(n, len(b))
		if n -= k; k < len(b) {
			rest = append(rest, b[k:])
		}
	}
	return rest
}

// WriteError is an error of the write in Exchange.
type WriteError struct {
	N   int64 // bytes that were taken
	Err error
}

func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap gives the error of the write itself.
func (e *WriteError) Unwrap() error { return e.Err }

// onRead is one attempt of Exchange. False makes the runtime wait for
// readability and call again.
func (c *Conn) onRead(fd uintptr) bool {
	if len(c.out) > 0 {
		if len(c.out) == 1 {
			c.wrote, c.errno = rawWrite(fd, c.out[0])
		} else {
			c.wrote, c.errno = rawWritev(fd, &c.iov, c.out)
		}
		if c.errno != 0 || c.wrote < size(c.out) {
			c.wrote = max(c.wrote, 0)
			return true
		}
		c.out = nil
		return false
	}
	c.n, c.errno = rawRead(fd, c.buf)
	return c.errno != unix.EAGAIN
}

// readErr ends the read deadline and names a time-out.
func (c *Conn) readErr(err error) error {
	if late := c.R.disarm(); err != nil && (late || errors.Is(err, os.ErrDeadlineExceeded)) {
		return ErrTimeout
	}
	return err
}

// Quiet reports whether a connection that should be silent still is: open, and
// nothing to read. It does not wait. False for a connection that the peer has
// closed or on which it sent something nobody asked for.
func (c *Conn) Quiet() bool {
	if c.sock != nil {
		return c.quietSock()
	}
	if c.under == nil {
		return true
	}
	c.quiet = false
	return c.under.Control(c.controlFn) == nil && c.quiet
}

// Write writes all of b, waiting at most d in all. n tells how much was taken.
func (c *Conn) Write(b []byte, d time.Duration) (n int64, err error) {
	if c.sock != nil {
		return c.writeSock(b, d)
	}
	if c.inside && len(b) > 0 {
		k, errno := rawWrite(c.fd, b)
		switch {
		case errno == 0 && k == len(b):
			return int64(k), nil
		case errno != 0 && errno != unix.EAGAIN:
			return 0, os.NewSyscallError("write", errno)
		}
		n = int64(max(k, 0))
		b = b[n:]
	}
	c.W.arm(d)
	var k int
	if c.tcp != nil {
		k, err = c.tcp.Write(b)
	} else {
		k, err = c.nc.Write(b)
	}
	return n + int64(k), c.writeErr(err)
}

// Writev writes all the blocks with as few system calls as the socket allows,
// waiting at most d in all. The blocks themselves stay untouched.
func (c *Conn) Writev(blocks [][]byte, d time.Duration) (n int64, err error) {
	switch {
	case len(blocks) == 0:
		return 0, nil
	case len(blocks) == 1:
		return c.Write(blocks[0], d)
	case c.sock != nil:
		return c.writevSock(blocks, d)
	case c.inside && len(blocks) <= maxIov:
		k, errno := rawWritev(c.fd, &c.iov, blocks)
		switch {
		case errno == 0 && k == size(blocks):
			return int64(k), nil
		case errno != 0 && errno != unix.EAGAIN:
			return 0, os.NewSyscallError("writev", errno)
		}
		n = int64(max(k, 0))
		blocks = after(blocks, int(n))
	}
	c.W.arm(d)
	c.base = append(c.base[:0], blocks...) // writev consumes its vector
	c.vec = c.base
	var k int64
	if c.tcp != nil {
		k, err = c.vec.WriteTo(c.tcp)
	} else {
		k, err = c.vec.WriteTo(c.nc)
	}
	clear(c.base)
	return n + k, c.writeErr(err)
}

func (c *Conn) writeErr(err error) error {
	if late := c.W.disarm(); err != nil && (late || errors.Is(err, os.ErrDeadlineExceeded)) {
		return ErrTimeout
	}
	return err
}

// StopRead makes a read that waits in another goroutine return ErrTimeout.
func (c *Conn) StopRead() { _ = c.nc.SetReadDeadline(past) }

// StopWrite does the same for a write.
func (c *Conn) StopWrite() { _ = c.nc.SetWriteDeadline(past) }

// ResumeRead undoes StopRead.
func (c *Conn) ResumeRead() { _ = c.nc.SetReadDeadline(time.Time{}) }

// ResumeWrite undoes StopWrite.
func (c *Conn) ResumeWrite() { _ = c.nc.SetWriteDeadline(time.Time{}) }

// The values of Conn.idle.
const (
	isBusy int32 = iota
	isWaiting
	isStopped
)

// CloseIfIdle ends the wait of a connection whose owner waits for a request. An
// owner that got one at the same moment serves it undisturbed.
func (c *Conn) CloseIfIdle() {
	c.R.mu.Lock()
	defer c.R.mu.Unlock()
	if c.idle.CompareAndSwap(isWaiting, isStopped) {
		_ = c.R.set(past)
	}
}

// busy ends the wait for a request on the owner's side.
func (c *Conn) busy() {
	if c.idle.Swap(isBusy) == isStopped {
		c.R.clear()
	}
}

// CloseWrite sends the end of the stream and leaves reading open.
func (c *Conn) CloseWrite() {
	if cw, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
}

// Close unregisters and closes the connection.
func (c *Conn) Close() {
	c.wd.remove(c)
	_ = c.nc.Close()
}

// Abort closes the connection so that the peer sees a reset and cannot take
// what it got for a complete message.
func (c *Conn) Abort() {
	if l, ok := c.nc.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	} else if n, ok := c.nc.(interface{ NetConn() net.Conn }); ok {
		if l, ok := n.NetConn().(interface{ SetLinger(int) error }); ok {
			_ = l.SetLinger(0)
		}
	}
	c.Close()
}
