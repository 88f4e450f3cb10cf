package wire

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Waiter is what Requests calls for the bytes it has read.
type Waiter interface {
	// Request gets the buffer with the first bytes of a message, which is its
	// own from then on. again: everything has been answered, without a read
	// and without a byte left over, and Requests shall wait for the next
	// message, at most next. Otherwise Requests returns.
	Request(b *Buffer) (again bool, next time.Duration)
}

// Requests waits for messages and hands their first bytes to w, until w says
// that there is something it must read for, or until the connection ends. While
// it waits it holds no buffer, which is what keeps idle connections small.
//
// w runs inside the runtime's wait loop of this connection. That is what saves a
// system call per request: the loop remembers readiness, so it can wait again
// without an attempt to read that would find nothing. The price is that w must
// not read from this connection.
//
// It returns nil when w took over, or why no message came.
func (c *Conn) Requests(w Waiter, d time.Duration) error {
	if c.raw == nil {
		return c.requestsPlain(w, d)
	}
	for {
		err := c.await(w, d)
		if !errors.Is(err, ErrTimeout) {
			return err
		}
		// A request may have arrived at the very end of the wait. Closing on it
		// would be a reset, so it is looked for once more.
		found, again, next := c.lastLook(w)
		switch {
		case !found:
			return ErrTimeout
		case !again:
			return nil
		}
		d = next
	}
}

// await is Requests up to the time-out, or to the end that drain puts to it.
func (c *Conn) await(w Waiter, d time.Duration) error {
	c.wait, c.errno, c.n, c.look = w, 0, 1, false
	c.idle.Store(isWaiting)
	c.R.arm(d)
	err := c.raw.Read(c.waitFn)
	for err != nil && c.look && c.R.disarm() && c.idle.Load() == isWaiting {
		c.look = false
		c.R.arm(c.rest)
		err = c.raw.Read(c.waitFn)
	}
	c.wait = nil
	c.busy()
	if err != nil {
		return c.readErr(err)
	}
	c.R.disarm()
	switch {
	case c.errno != 0:
		return os.NewSyscallError("read", c.errno)
	case c.n == 0:
		return io.EOF
	}
	return nil
}

// requestsPlain is Requests for connections that are not bare TCP.
func (c *Conn) requestsPlain(w Waiter, d time.Duration) error {
	for {
		c.idle.Store(isWaiting)
		b, err := c.first(d)
		c.busy()
		if b == nil {
			return err
		}
		again, next := w.Request(b)
		if !again {
			return nil
		}
		d = next
	}
}

// first reads the first bytes of a message. While it waits for them it holds no
// buffer where it can look under TLS.
func (c *Conn) first(d time.Duration) (b *Buffer, err error) {
	if c.lower != nil {
		c.R.arm(d)
		b, err = c.lower.next(c.nc, Small)
		return b, c.readErr(err)
	}
	b = Get(Small)
	if b.W, err = c.Read(b.B, d); b.W == 0 {
		Put(b)
		b = nil
	}
	return b, err
}

// lastLook hands over what is there without waiting.
func (c *Conn) lastLook(w Waiter) (found, again bool, next time.Duration) {
	b := Get(Small)
	c.n = 0
	err := c.raw.Control(func(fd uintptr) { c.n, c.errno = rawRead(fd, b.B) })
	if err != nil || c.errno != 0 || c.n == 0 {
		Put(b)
		return false, false, 0
	}
	b.W = c.n
	again, next = w.Request(b)
	return true, again, next
}

// onRequest is called by the runtime when there may be something to read. True
// ends the wait.
func (c *Conn) onRequest(fd uintptr) bool {
	for {
		if c.held == nil {
			c.held = Get(Small)
		}
		n, errno := rawRead(fd, c.held.B)
		switch {
		case errno == unix.EAGAIN:
			Put(c.held)
			c.held = nil
			return false
		case errno != 0 || n == 0:
			c.errno, c.n = errno, 0
			Put(c.held)
			c.held = nil
			return true
		}
		b := c.held
		c.held = nil
		b.W = n
		full := n == len(b.B)
		c.R.disarm()
		c.busy()
		c.inside, c.fd = true, fd
		again, next := c.wait.Request(b)
		c.inside = false
		if !again {
			return true
		}
		c.idle.Store(isWaiting)
		// A short read has emptied the socket, and what came later is
		// remembered as readiness; what escapes that, like an end of the stream
		// that came with the bytes, is found by the second look. A full read
		// may have left something.
		if full {
			c.look = false
			c.R.arm(next)
			continue
		}
		var first time.Duration
		first, c.rest, c.look = split(next)
		c.R.arm(first)
		return false
	}
}
