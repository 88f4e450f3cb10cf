package handoff

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Env names the environment variable that tells a process the number of the
// descriptor it takes over by.
const Env = "CATHERD_UPGRADE_FD"

// Link is one end of the socket. One goroutine may send while another receives.
type Link struct {
	c *net.UnixConn

	mu      sync.Mutex // guards the rest
	waiting bool       // for the first byte of a message
	stopped bool       // by Interrupt
}

// Pair makes both ends: ours, and the one that the other process inherits, which the
// caller closes after the start.
func Pair() (ours *Link, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "upgrade")
	if ours, err = newLink(fds[0]); err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// Inherit is the link of a process that was started to take over; nil when it was not.
func Inherit(getenv func(string) string) (*Link, error) {
	text := getenv(Env)
	if text == "" {
		return nil, nil
	}
	fd, err := strconv.ParseUint(text, 10, 16)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("take over: %s=%q is no descriptor", Env, text)
	}
	return newLink(int(fd))
}

// newLink makes a link of a descriptor, which it closes.
func newLink(fd int) (*Link, error) {
	f := os.NewFile(uintptr(fd), "upgrade")
	defer func() { _ = f.Close() }() // the connection has a duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("use descriptor %d to take over by: %w", fd, err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("use descriptor %d to take over by: it is no unix socket", fd)
	}
	return &Link{c: u}, nil
}

// Close ends the link. The other side sees the end of the stream.
func (l *Link) Close() error { return l.c.Close() }

// Interrupt makes the Receive that waits, or else the next one, return
// os.ErrDeadlineExceeded. A message that has begun to come is received whole.
func (l *Link) Interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.waiting {
		_ = l.c.SetReadDeadline(time.Unix(1, 0))
	}
}

// first waits for the first byte of a message.
func (l *Link) first(b []byte, until time.Time) error {
	l.mu.Lock()
	if l.stopped {
		until = time.Unix(1, 0)
	}
	l.waiting = true
	_ = l.c.SetReadDeadline(until)
	l.mu.Unlock()
	_, err := io.ReadFull(l.c, b[:1])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting, l.stopped = false, false
	_ = l.c.SetReadDeadline(time.Now().Add(restWithin))
	return err
}

// restWithin is how long a message may take from its first byte to its last.
const restWithin = 10 * time.Second

// Descriptor gives a duplicate of this end, for another process. It must not be
// received from meanwhile. The caller closes it.
func (l *Link) Descriptor() (fd int, err error) {
	raw, err := l.c.SyscallConn()
	if err != nil {
		return -1, err
	}
	cerr := raw.Control(func(p uintptr) { fd, err = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(cerr, err)
}

// Continue is the link that another process has received from so far. It takes the
// descriptor.
func Continue(fd int) (*Link, error) { return newLink(fd) }

// batch is how many descriptors travel with one byte; the kernel takes 253
// (SCM_MAX_FD).
const batch = 128

// Send sends a message within that time, with one descriptor for each of its sockets.
// The descriptors stay the caller's.
func (l *Link) Send(m Message, fds []int, within time.Duration) error {
	if len(fds) != len(m.Sockets) {
		return fmt.Errorf("send %s: %d descriptors for %d sockets", m.Kind, len(fds), len(m.Sockets))
	}
	b, err := Append(nil, &m)
	if err != nil {
		return err
	}
	_ = l.c.SetWriteDeadline(time.Now().Add(within))
	if _, err := l.c.Write(b); err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	for len(fds) > 0 {
		some := fds[:min(len(fds), batch)]
		fds = fds[len(some):]
		n, oob, err := l.c.WriteMsgUnix([]byte{byte(len(some))}, unix.UnixRights(some...), nil)
		if err != nil || n != 1 || oob == 0 {
			return fmt.Errorf("send %d sockets: %w", len(some), errors.Join(err, io.ErrShortWrite))
		}
	}
	return nil
}

// Receive waits that long for a message, zero: for ever. The descriptors of its sockets are the
// caller's; they are closed in a program that this one starts. io.EOF means that the
// other side has ended.
func (l *Link) Receive(within time.Duration) (m Message, fds []int, err error) {
	until := time.Time{}
	if within > 0 {
		until = time.Now().Add(within)
	}
	b := make([]byte, head)
	if err := l.first(b, until); err != nil {
		return m, nil, err
	}
	if _, err := io.ReadFull(l.c, b[1:]); err != nil {
		return m, nil, fmt.Errorf("read message: %w", err)
	}
	size, err := parseHead(b)
	if err != nil {
		return m, nil, err
	}
	b = append(b, make([]byte, size)...)
	if _, err := io.ReadFull(l.c, b[head:]); err != nil {
		return m, nil, fmt.Errorf("read message: %w", err)
	}
	if m, _, err = Parse(b); err != nil {
		return m, nil, err
	}
	for len(fds) < len(m.Sockets) {
		some, err := l.descriptors()
		fds = append(fds, some...)
		if err != nil || len(fds) > len(m.Sockets) {
			for _, fd := range fds {
				_ = unix.Close(fd)
			}
			return m, nil, fmt.Errorf("receive %d sockets: %w", len(m.Sockets), errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	return m, fds, nil
}

// descriptors reads one byte and what travels with it.
func (l *Link) descriptors() (fds []int, err error) {
	b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*batch))
	n, k, _, _, err := l.c.ReadMsgUnix(b, oob)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:k])
	if err != nil {
		return nil, err
	}
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fds, err
		}
		fds = append(fds, some...)
	}
	if n != 1 || len(fds) == 0 {
		return fds, errors.New("a byte came without them")
	}
	return fds, nil
}
