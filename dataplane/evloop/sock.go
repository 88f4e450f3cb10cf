package evloop

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Owner is told when a parked socket can be read, on the loop's thread.
type Owner interface{ Readable() }

// Sock is a connected socket that a loop watches. Reads and writes of the
// descriptor itself are the owner's business; Sock knows when to try. It is a
// net.Conn too, for code that is not in a hurry.
type Sock struct {
	fd    int
	loop  *Loop
	slot  uint32
	gen   int32
	owner Owner
	calls func() // for listening sockets: what an event calls
	rd    gate
	wr    gate

	local, remote net.Addr

	mu     sync.Mutex // guards closed and timers; l.mu may be taken under it
	closed bool
	using  sync.WaitGroup // calls of the net.Conn methods
	timers [2]*time.Timer
}

// FD is the descriptor.
func (s *Sock) FD() int { return s.fd }

// Loop is the loop that watches s.
func (s *Sock) Loop() *Loop { return s.loop }

// WaitRead waits until s may have something to read. False: the read deadline is over.
func (s *Sock) WaitRead(t *Task) bool { return s.rd.wait(t) }

// WaitWrite waits until s may take more. False: the write deadline is over.
func (s *Sock) WaitWrite(t *Task) bool { return s.wr.wait(t) }

// Park makes the loop call o.Readable when s can be read, or when the read
// deadline is over. The caller must not touch s after it.
func (s *Sock) Park(o Owner) {
	s.owner = o
	if !s.rd.enter(byOwner) {
		s.loop.post(posted{ready: s})
		return
	}
	if s.rd.caught(byOwner) {
		s.loop.post(posted{ready: s})
	}
}

// Again undoes the consumption of an edge: there may be more to read.
func (s *Sock) Again() { s.rd.state.CompareAndSwap(idle, ready) }

// Calm forgets an edge that has been found to mean nothing.
func (s *Sock) Calm() { s.rd.state.CompareAndSwap(ready, idle) }

// Ended reports whether the peer has ended its stream or reset the connection.
func (s *Sock) Ended() bool { return s.rd.over.Load() }

// Past reports whether the read deadline is over.
func (s *Sock) Past() bool { return s.rd.past.Load() }

// Touched reports whether anything has come since it was last waited for:
// bytes, or the end of the stream.
func (s *Sock) Touched() bool { return s.rd.over.Load() || s.rd.state.Load() == ready }

// SetReadDeadline implements net.Conn.
func (s *Sock) SetReadDeadline(t time.Time) error { return s.deadline(0, &s.rd, t) }

// SetWriteDeadline implements net.Conn.
func (s *Sock) SetWriteDeadline(t time.Time) error { return s.deadline(1, &s.wr, t) }

// SetDeadline implements net.Conn.
func (s *Sock) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

func (s *Sock) deadline(i int, g *gate, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.timers[i] != nil {
		s.timers[i].Stop()
		s.timers[i] = nil
	}
	switch d := time.Until(t); {
	case t.IsZero():
		g.past.Store(false)
	case d <= 0:
		s.expire(g)
	default:
		g.past.Store(false)
		s.timers[i] = s.after(d, i, g)
	}
	return nil
}

// after is the timer of a deadline. Once another deadline has been set it does
// nothing, even if it has fired by then. s.mu is held.
func (s *Sock) after(d time.Duration, i int, g *gate) *time.Timer {
	var me *time.Timer
	me = time.AfterFunc(d, func() {
		s.mu.Lock() // also orders this behind the assignment of me
		defer s.mu.Unlock()
		s.fired(i, g, me)
	})
	return me
}

// fired is what a timer does. s.mu is held.
func (s *Sock) fired(i int, g *gate, t *time.Timer) {
	if !s.closed && s.timers[i] == t {
		s.expire(g)
	}
}

// expire ends the waits of one direction.
func (s *Sock) expire(g *gate) {
	g.past.Store(true)
	s.wake(g, g.take(), false)
}

// wake carries out what notify or take has returned. onLoop tells that the
// caller is s's loop.
func (s *Sock) wake(g *gate, left uint32, onLoop bool) {
	switch left {
	case byTask:
		t := g.task
		if onLoop && t.loop == s.loop {
			s.loop.step(t)
		} else {
			t.loop.post(posted{task: t})
		}
	case byChan:
		g.ch <- struct{}{}
	case byOwner:
		if onLoop {
			s.owner.Readable()
		} else {
			s.loop.post(posted{ready: s})
		}
	}
}

// mark records an epoll event in the gates and adds those who wait to l.woken.
func (s *Sock) mark(events uint32) {
	const broken = unix.EPOLLHUP | unix.EPOLLERR
	const ended = broken | unix.EPOLLRDHUP
	if events&ended != 0 {
		s.rd.over.Store(true)
	}
	if events&broken != 0 {
		s.wr.over.Store(true)
	}
	if events&(unix.EPOLLIN|ended) != 0 {
		if left := s.rd.notify(); left != idle {
			s.loop.woken = append(s.loop.woken, woken{s, &s.rd, left})
		}
	}
	if events&(unix.EPOLLOUT|broken) != 0 {
		if left := s.wr.notify(); left != idle {
			s.loop.woken = append(s.loop.woken, woken{s, &s.wr, left})
		}
	}
}

// Close lets go of the descriptor. Nobody may wait for s in a task; calls of the
// net.Conn methods that are under way end with net.ErrClosed.
func (s *Sock) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	for _, t := range s.timers {
		if t != nil {
			t.Stop()
		}
	}
	s.mu.Unlock()
	s.expire(&s.rd)
	s.expire(&s.wr)
	s.using.Wait()
	s.loop.forget(s)
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// use begins a call of a net.Conn method.
func (s *Sock) use() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.using.Add(1)
	}
	return !s.closed
}

func (s *Sock) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// late is the error of a wait that the deadline ended.
func (s *Sock) late() error {
	if s.isClosed() {
		return net.ErrClosed
	}
	return os.ErrDeadlineExceeded
}

// Read implements net.Conn, for goroutines that are no attached task.
func (s *Sock) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if !s.use() {
		return 0, net.ErrClosed
	}
	defer s.using.Done()
	for {
		if s.rd.past.Load() {
			return 0, s.late()
		}
		n, err := unix.Read(s.fd, b)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if !s.WaitRead(nil) {
				return 0, s.late()
			}
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements net.Conn, for goroutines that are no attached task.
func (s *Sock) Write(b []byte) (n int, err error) {
	if !s.use() {
		return 0, net.ErrClosed
	}
	defer s.using.Done()
	for n < len(b) {
		if s.wr.past.Load() {
			return n, s.late()
		}
		k, err := unix.SendmsgN(s.fd, b[n:], nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if !s.WaitWrite(nil) {
				return n, s.late()
			}
		case err != nil:
			return n, os.NewSyscallError("write", err)
		default:
			n += k
		}
	}
	return n, nil
}

// CloseWrite ends the stream to the peer.
func (s *Sock) CloseWrite() error {
	if !s.use() {
		return net.ErrClosed
	}
	defer s.using.Done()
	return os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
}

// SetLinger is that of net.TCPConn: 0 makes Close a reset.
func (s *Sock) SetLinger(sec int) error {
	if !s.use() {
		return net.ErrClosed
	}
	defer s.using.Done()
	l := unix.Linger{Onoff: 1, Linger: int32(sec)}
	return os.NewSyscallError("setsockopt", unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &l))
}

// LocalAddr implements net.Conn.
func (s *Sock) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements net.Conn.
func (s *Sock) RemoteAddr() net.Addr { return s.remote }
