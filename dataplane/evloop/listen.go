package evloop

import (
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Listener is a listening socket whose connections are taken by a loop.
type Listener struct {
	s     *Sock
	take  func(fd int, remote net.Addr)
	empty func() // nothing waits to be taken; may be nil
	onErr func(error)
	wait  time.Duration // after an error; doubles with each in a row
	close sync.Once
}

// acceptBatch bounds how many connections are taken before others get a turn.
const acceptBatch = 64

// Listen makes l take the connections of a listening, non-blocking socket. take
// is called on l's thread with each, non-blocking and TCP_NODELAY; it must not
// block. empty, if there is one, is called there whenever nothing is left to be taken.
// onErr is told of errors after which accepting goes on later, such as a lack of file
// descriptors.
func (l *Loop) Listen(fd int, take func(fd int, remote net.Addr), empty func(), onErr func(error)) (*Listener, error) {
	ln := &Listener{s: &Sock{fd: fd}, take: take, empty: empty, onErr: onErr}
	ln.s.calls = ln.accept
	if err := l.add(ln.s, unix.EPOLLIN); err != nil {
		return nil, err
	}
	return ln, nil
}

// The pause after a failed accept.
const (
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

func (ln *Listener) accept() {
	for range acceptBatch {
		fd, sa, err := unix.Accept4(ln.s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			ln.wait = 0
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			ln.take(fd, addrOf(sa))
		case unix.EAGAIN:
			if ln.empty != nil {
				ln.empty()
			}
			return
		case unix.EINTR, unix.ECONNABORTED:
		default:
			ln.onErr(err)
			ln.pause()
			return
		}
	}
}

// pause stops accepting for a while: the queue stays full, and an event that
// cannot be served would come again at once.
func (ln *Listener) pause() {
	l := ln.s.loop
	ln.wait = min(max(2*ln.wait, firstPause), maxPause)
	ln.watch(0)
	time.AfterFunc(ln.wait, func() { l.Do(ln.resume) })
}

// resume ends a pause, unless the listener has been closed meanwhile.
func (ln *Listener) resume() {
	if ln.s.loop.at(ln.s.slot) == ln.s {
		ln.watch(unix.EPOLLIN)
	}
}

func (ln *Listener) watch(events uint32) {
	s := ln.s
	_ = unix.EpollCtl(s.loop.ep, unix.EPOLL_CTL_MOD, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.slot), Pad: s.gen})
}

// Descriptor gives a duplicate of the listening socket, which the caller closes. It
// must not be called at the same time as Close.
func (ln *Listener) Descriptor() (int, error) {
	return unix.FcntlInt(uintptr(ln.s.fd), unix.F_DUPFD_CLOEXEC, 0)
}

// Close closes the socket on the loop's thread, which may be inside accept, and
// waits for that. Connections that have come are taken first. When the loop has ended
// the caller closes it.
//
// The socket may live on in another process, and an epoll set watches sockets, not
// descriptors (epoll(7), "Will closing a file descriptor ..."): it is taken out of the
// set by name, or its events would go on coming.
func (ln *Listener) Close() {
	done := make(chan struct{})
	l := ln.s.loop
	end := func() {
		ln.close.Do(func() {
			_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, ln.s.fd, nil)
			l.forget(ln.s)
			_ = unix.Close(ln.s.fd)
		})
	}
	l.Do(func() {
		if l.at(ln.s.slot) == ln.s {
			ln.accept()
		}
		end()
		close(done)
	})
	select {
	case <-done:
	case <-l.done:
		end()
	}
}

// addrOf is a socket address as package net has it. The zone of a link-local address
// is the number of its interface (RFC 4007 section 11.2): to learn its name takes
// several system calls, which is too much for each connection on a loop.
func addrOf(sa unix.Sockaddr) *net.TCPAddr {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
	case *unix.SockaddrInet6:
		addr := &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
		if addr.IP.To4() == nil && a.ZoneId != 0 {
			addr.Zone = strconv.FormatUint(uint64(a.ZoneId), 10)
		}
		return addr
	}
	return &net.TCPAddr{}
}

// LocalAddr asks the kernel for the local address of a connected socket.
func LocalAddr(fd int) net.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return &net.TCPAddr{}
	}
	return addrOf(sa)
}
