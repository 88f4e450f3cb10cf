package wire

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrTimeout says that a read or write made no progress in the time allowed.
var ErrTimeout = errors.New("timed out")

// Conn is one connection, to a client or to a member.
type Conn struct {
	R, W Deadline // reader's and writer's

	nc    net.Conn
	tcp   *net.TCPConn // nil when nc is not a bare TCP connection
	raw   syscall.RawConn
	wd    *Watchdog
	shard uint32

	vec    net.Buffers // consumed by writev; lives here so that it does not escape per call
	base   [][]byte
	first  *Buffer
	n      int
	err    error
	readFn func(uintptr) bool

	controlFn func(uintptr)
	peeked    byte // where a peek puts its byte
	again     bool // the peek found nothing, and no end

	// Idle is true while the owner waits for a new request; read by drain.
	idle idleFlag
}

// NewConn wraps nc and registers it with the watchdog until Close.
func NewConn(nc net.Conn, wd *Watchdog) *Conn {
	c := &Conn{nc: nc, wd: wd}
	c.R.wd, c.R.set = wd, nc.SetReadDeadline
	c.W.wd, c.W.set = wd, nc.SetWriteDeadline
	if tcp, ok := nc.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			c.tcp, c.raw = tcp, raw
			c.readFn, c.controlFn = c.readFirst, c.peek
		}
	}
	wd.add(c)
	return c
}

// Net is the connection underneath.
func (c *Conn) Net() net.Conn { return c.nc }

// Read reads what is there, waiting at most d for the first byte of it.
// Errors: io.EOF, ErrTimeout, or the socket's.
func (c *Conn) Read(b []byte, d time.Duration) (int, error) {
	c.R.arm(d)
	var n int
	var err error
	if c.tcp != nil {
		n, err = c.tcp.Read(b)
	} else {
		n, err = c.nc.Read(b)
	}
	if late := c.R.disarm(); err != nil && (late || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = ErrTimeout
	}
	return n, err
}

// ReadFirst waits at most d for the first bytes of a message and gives them in
// a buffer of at least size bytes. While it waits it holds no buffer, which is
// what keeps idle connections small.
func (c *Conn) ReadFirst(size int, d time.Duration) (*Buffer, error) {
	c.idle.set(true)
	defer c.idle.set(false)
	if c.raw == nil || size > Small {
		b := Get(size)
		n, err := c.Read(b.B, d)
		if n == 0 {
			Put(b)
			return nil, err
		}
		b.W = n
		return b, nil
	}
	c.R.arm(d)
	c.n, c.err = 0, nil
	err := c.raw.Read(c.readFn)
	late := c.R.disarm()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// A request may have arrived at the very end of the wait. Closing on
		// it would be a reset, so it is looked for once more.
		c.ResumeRead()
		if cerr := c.raw.Control(func(fd uintptr) { c.readFirst(fd) }); cerr == nil && (c.n > 0 || c.err != nil) {
			err = nil
		}
	}
	b := c.first
	c.first = nil
	if err == nil {
		err = c.err
	}
	if err != nil {
		Put(b)
		if late || errors.Is(err, os.ErrDeadlineExceeded) {
			err = ErrTimeout
		}
		return nil, err
	}
	b.W = c.n
	return b, nil
}

// readFirst is one attempt of ReadFirst. False makes the runtime wait for
// readability and call again.
func (c *Conn) readFirst(fd uintptr) bool {
	if c.first == nil {
		c.first = Get(Small)
	}
	for {
		n, err := unix.Read(int(fd), c.first.B)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			Put(c.first)
			c.first = nil
			return false
		case err != nil:
			c.err = err
		case n == 0:
			c.err = errEOF
		default:
			c.n = n
		}
		return true
	}
}

// Quiet reports whether a connection that should be silent still is: open, and
// nothing to read. It does not wait. False for a connection that the peer has
// closed or on which it sent something nobody asked for.
func (c *Conn) Quiet() bool {
	if c.raw == nil {
		return true
	}
	c.again = false
	if err := c.raw.Control(c.controlFn); err != nil {
		return false
	}
	return c.again
}

// peek asks for one byte without taking it. The raw call is used because
// unix.Recvfrom allocates room for a sender's address.
func (c *Conn) peek(fd uintptr) {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&c.peeked)), 1,
			unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		c.again = errno == unix.EAGAIN
		return
	}
}

// Write writes all of b, waiting at most d in all. n tells how much was taken.
func (c *Conn) Write(b []byte, d time.Duration) (n int64, err error) {
	c.W.arm(d)
	var k int
	if c.tcp != nil {
		k, err = c.tcp.Write(b)
	} else {
		k, err = c.nc.Write(b)
	}
	return int64(k), c.wrote(err)
}

// Writev writes all the blocks with as few system calls as the socket allows,
// waiting at most d in all. The blocks themselves stay untouched.
func (c *Conn) Writev(blocks [][]byte, d time.Duration) (n int64, err error) {
	if len(blocks) == 1 {
		return c.Write(blocks[0], d)
	}
	c.W.arm(d)
	c.base = append(c.base[:0], blocks...) // writev consumes its vector
	c.vec = c.base
	if c.tcp != nil {
		n, err = c.vec.WriteTo(c.tcp)
	} else {
		n, err = c.vec.WriteTo(c.nc)
	}
	clear(c.base)
	return n, c.wrote(err)
}

func (c *Conn) wrote(err error) error {
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

// CloseIfIdle ends the wait of a connection whose owner is in ReadFirst.
func (c *Conn) CloseIfIdle() {
	if c.idle.get() {
		c.StopRead()
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
	if c.tcp != nil {
		_ = c.tcp.SetLinger(0)
	} else if n, ok := c.nc.(interface{ NetConn() net.Conn }); ok {
		if tcp, ok := n.NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	c.Close()
}
