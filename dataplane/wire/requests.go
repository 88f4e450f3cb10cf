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
	c.idle.Store(true)
	defer c.idle.Store(false)
	if c.raw == nil {
		return c.requestsPlain(w, d)
	}
	c.wait, c.errno, c.n = w, 0, 1
	c.R.arm(d)
	err := c.raw.Read(c.waitFn)
	c.wait = nil
	if err == nil {
		c.R.disarm()
		switch {
		case c.errno != 0:
			return os.NewSyscallError("read", c.errno)
		case c.n == 0:
			return io.EOF
		}
		return nil
	}
	if err = c.readErr(err); !errors.Is(err, ErrTimeout) {
		return err
	}
	// A request may have arrived at the very end of the wait. Closing on it
	// would be a reset, so it is looked for once more.
	c.ResumeRead()
	return c.lastLook(w)
}

// requestsPlain is Requests for connections that are not bare TCP.
func (c *Conn) requestsPlain(w Waiter, d time.Duration) error {
	for {
		b := Get(Small)
		n, err := c.Read(b.B, d)
		if n == 0 {
			Put(b)
			return err
		}
		b.W = n
		c.idle.Store(false)
		again, next := w.Request(b)
		if !again {
			return nil
		}
		c.idle.Store(true)
		d = next
	}
}

// lastLook hands over what is there without waiting.
func (c *Conn) lastLook(w Waiter) error {
	b := Get(Small)
	c.n = 0
	if err := c.raw.Control(func(fd uintptr) { c.n, c.errno = rawRead(fd, b.B) }); err != nil || c.errno != 0 || c.n == 0 {
		Put(b)
		return ErrTimeout
	}
	b.W = c.n
	c.idle.Store(false)
	if again, _ := w.Request(b); again {
		return ErrTimeout // answered; the time for another one is over
	}
	return nil
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
		c.idle.Store(false)
		c.inside, c.fd = true, fd
		again, next := c.wait.Request(b)
		c.inside = false
		if !again {
			return true
		}
		c.idle.Store(true)
		c.R.arm(next)
		// A short read has emptied the socket, and what came later is
		// remembered as readiness. A full one may have left something.
		if !full {
			return false
		}
	}
}
