package wire

import (
	"os"

	"golang.org/x/sys/unix"
)

// Lender reads a connection that is silent for most of its time, such as a tunnel:
// it borrows a buffer when there is something, so that waiting takes none. It is
// the connection's only reader.
type Lender struct {
	c     *Conn
	size  int // of the next buffer
	fn    func(uintptr) bool
	b     *Buffer
	errno unix.Errno
}

// Lend makes a Lender. Its waits have no end but that of the connection and
// Conn.StopRead.
func (c *Conn) Lend() *Lender {
	l := &Lender{c: c, size: Small}
	l.fn = l.onReadable
	return l
}

// Next gives what comes next, in a buffer that is the caller's. After a buffer
// that was filled comes a large one. Errors: io.EOF, ErrTimeout after StopRead, or
// the socket's.
func (l *Lender) Next() (b *Buffer, err error) {
	switch {
	case l.c.sock != nil:
		b, err = l.sock()
	case l.c.raw != nil:
		b, err = l.wait()
	case l.c.lower != nil:
		b, err = l.c.lower.next(l.c.nc, l.size)
	default: // a connection that we cannot look under
		b = Get(Small)
		if b.W, err = l.c.nc.Read(b.B); b.W == 0 {
			Put(b)
			b = nil
		}
	}
	if b == nil {
		return nil, l.c.readErr(err)
	}
	if l.size = Small; b.W == len(b.B) {
		l.size = Large
	}
	return b, nil
}

// sock is Next on a loop.
func (l *Lender) sock() (*Buffer, error) {
	for s := l.c.sock; ; {
		if l.onReadable(uintptr(s.FD())) {
			if l.b == nil {
				return nil, readEnd(l.errno)
			}
			l.c.note(l.b.W, len(l.b.B))
			return l.b, nil
		}
		if !s.WaitRead(l.c.ev.task) {
			return nil, os.ErrDeadlineExceeded
		}
	}
}

// wait is Next where the runtime watches the socket.
func (l *Lender) wait() (*Buffer, error) {
	if err := l.c.raw.Read(l.fn); err != nil {
		return nil, err
	}
	if l.b == nil {
		return nil, readEnd(l.errno)
	}
	return l.b, nil
}

// onReadable tries to read. False: there is nothing yet.
func (l *Lender) onReadable(fd uintptr) bool {
	b := Get(l.size)
	n, errno := rawRead(fd, b.B)
	l.b, l.errno = nil, errno
	if errno != 0 || n == 0 {
		Put(b)
		return errno != unix.EAGAIN
	}
	b.W = n
	l.b = b
	return true
}
