package load

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// conn is one keep-alive connection, touched by its loop only.
type conn struct {
	fd      int
	request []byte
	out     []byte // part of the request the socket did not take yet
	ahead   bool   // the whole answer came although out is not empty
	answer  Answer
}

// loop owns a share of the connections and one OS thread while it runs.
type loop struct {
	g      *Generator
	o      *Options
	epoll  int
	wake   int // eventfd, readable once Stop was called
	conns  map[int32]*conn
	buffer []byte
	tally  *tally
}

func newLoop(g *Generator, o *Options, number int) (*loop, error) {
	l := &loop{g: g, o: o, epoll: -1, wake: -1, conns: map[int32]*conn{}, buffer: make([]byte, 256<<10), tally: &tally{}}
	if err := l.open(number); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (l *loop) open(number int) (err error) {
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make epoll set: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make wake-up descriptor: %w", err)
	}
	if err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, l.wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(l.wake)}); err != nil {
		return fmt.Errorf("watch wake-up descriptor: %w", err)
	}
	for i := number; i < l.o.Conns; i += l.o.Loops {
		if err = l.add(&conn{request: l.o.Requests[i%len(l.o.Requests)]}); err != nil {
			return err
		}
	}
	return nil
}

// add connects c and puts it under the loop's care.
func (l *loop) add(c *conn) error {
	fd, err := connect(l.o.Addr)
	if err != nil {
		return err
	}
	if err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("watch connection: %w", err)
	}
	c.fd = fd
	l.conns[int32(fd)] = c
	return nil
}

func (l *loop) release() {
	for fd := range l.conns {
		_ = unix.Close(int(fd))
	}
	for _, fd := range []int{l.epoll, l.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// run sends until Stop wakes it or no connection is left.
func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.release()
	waiting := make([]*conn, 0, len(l.conns))
	for _, c := range l.conns {
		waiting = append(waiting, c)
	}
	for _, c := range waiting {
		l.settle(c, l.ask(c))
	}
	events := make([]unix.EpollEvent, 256)
	for len(l.conns) > 0 {
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			l.failed(fmt.Errorf("wait for answers: %w", err))
			return
		}
		for i := range events[:n] {
			if int(events[i].Fd) == l.wake {
				return
			}
			if c := l.conns[events[i].Fd]; c != nil {
				l.settle(c, l.serve(c, events[i].Events))
			}
		}
	}
}

// errClosed: the server closed after an answer that said it would.
var errClosed = errors.New("closed as announced")

// settle opens c again if it came to an end. If that is impossible the run goes
// on with the others.
func (l *loop) settle(c *conn, err error) {
	if err == nil {
		return
	}
	if err != errClosed {
		l.failed(err)
	}
	_ = unix.Close(c.fd)
	delete(l.conns, int32(c.fd))
	c.answer.Reset()
	c.out, c.ahead = nil, false
	l.tally.reopened.Add(1)
	if err := l.add(c); err != nil {
		l.failed(err)
		return
	}
	if err := l.ask(c); err != nil {
		l.failed(err)
		_ = unix.Close(c.fd)
		delete(l.conns, int32(c.fd))
	}
}

func (l *loop) failed(err error) {
	l.tally.failed.Add(1)
	l.g.first.CompareAndSwap(nil, &err)
}

// serve handles one readiness report. An error ends the connection.
func (l *loop) serve(c *conn, ready uint32) error {
	if ready&unix.EPOLLOUT != 0 && len(c.out) > 0 {
		if err := l.push(c); err != nil {
			return err
		}
		if len(c.out) == 0 && c.ahead {
			c.ahead = false
			return l.ask(c)
		}
	}
	if ready&^unix.EPOLLOUT == 0 {
		return nil
	}
	for {
		n, err := unix.Read(c.fd, l.buffer)
		if err == unix.EAGAIN || err == unix.EINTR {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("read answer: connection closed after %d body bytes", c.answer.Length)
		}
		l.tally.bytes.Add(int64(n))
		used, done, err := c.answer.Feed(l.buffer[:n])
		if err != nil {
			return err
		}
		if done {
			if used < n {
				return fmt.Errorf("read answer: %d bytes after its end", n-used)
			}
			return l.answered(c)
		}
		if n < len(l.buffer) {
			return nil
		}
	}
}

// answered judges a whole answer and asks again.
func (l *loop) answered(c *conn) error {
	if err := l.o.Expect.check(&c.answer); err != nil {
		l.failed(err)
	} else {
		l.tally.requests.Add(1)
	}
	polite := c.answer.Close
	c.answer.Reset()
	if polite {
		return errClosed
	}
	if len(c.out) > 0 {
		c.ahead = true
		return nil
	}
	return l.ask(c)
}

func (l *loop) ask(c *conn) error {
	c.out = c.request
	n, err := unix.Write(c.fd, c.out)
	if err != nil && err != unix.EAGAIN {
		return fmt.Errorf("send request: %w", err)
	}
	if c.out = c.out[max(n, 0):]; len(c.out) > 0 {
		return l.watch(c, unix.EPOLLIN|unix.EPOLLOUT)
	}
	return nil
}

func (l *loop) push(c *conn) error {
	n, err := unix.Write(c.fd, c.out)
	if err != nil && err != unix.EAGAIN {
		return fmt.Errorf("send request: %w", err)
	}
	if c.out = c.out[max(n, 0):]; len(c.out) == 0 {
		return l.watch(c, unix.EPOLLIN)
	}
	return nil
}

func (l *loop) watch(c *conn, events uint32) error {
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)}); err != nil {
		return fmt.Errorf("watch connection: %w", err)
	}
	return nil
}
