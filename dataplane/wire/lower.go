package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lower is the TCP connection under one of package tls. It can be read without
// waiting, which makes it possible to wait for TLS without holding a buffer: whether
// there is something is known only after the attempt to decrypt it.
type Lower struct {
	*net.TCPConn
	raw  syscall.RawConn
	hot  bool    // Read does not wait; only while next tries
	fd   uintptr // valid then
	fn   func(uintptr) bool
	up   io.Reader // what next reads: the connection above
	size int
	b    *Buffer
	err  error
}

// NewLower wraps c, to be given to package tls in its place.
func NewLower(c *net.TCPConn) (*Lower, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &Lower{TCPConn: c, raw: raw}
	l.fn = l.onReadable
	return l, nil
}

// errNothing is a temporary time-out, which package tls does not remember.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing to read yet" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// Read implements net.Conn.
func (l *Lower) Read(b []byte) (int, error) {
	if !l.hot || len(b) == 0 {
		return l.TCPConn.Read(b)
	}
	n, errno := rawRead(l.fd, b)
	switch {
	case errno == unix.EAGAIN:
		return 0, errNothing
	case errno != 0:
		return 0, os.NewSyscallError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// next waits for what up, the connection above, gives next, and returns it in a
// buffer of that size that is the caller's.
func (l *Lower) next(up io.Reader, size int) (*Buffer, error) {
	l.up, l.size, l.b, l.err = up, size, nil, nil
	if err := l.raw.Read(l.fn); err != nil {
		return nil, err
	}
	b, err := l.b, l.err
	l.up, l.b, l.err = nil, nil, nil
	return b, err
}

// onReadable tries to read above. False: there is no whole record yet.
func (l *Lower) onReadable(fd uintptr) bool {
	b := Get(l.size)
	l.hot, l.fd = true, fd
	b.W, l.err = l.up.Read(b.B)
	l.hot = false
	if b.W == 0 {
		Put(b)
		return !errors.Is(l.err, errNothing)
	}
	l.b = b
	return true
}
