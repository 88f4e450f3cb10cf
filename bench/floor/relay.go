package main

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// relay is one loop.
type relay struct {
	ep, ls int // epoll set, listening socket
	to     unix.Sockaddr
	peer   []int // the other end of each descriptor, 0 for none
	buf    [64 << 10]byte
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// open listens at an address together with the other loops.
func open(at, to netip.AddrPort) (*relay, error) {
	r := &relay{to: sockaddr(to)}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, os.NewSyscallError("getrlimit", err)
	}
	r.peer = make([]int, min(limit.Max, 1<<20))
	var err error
	if r.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	const kind = unix.SOCK_STREAM | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	if r.ls, err = unix.Socket(unix.AF_INET, kind, 0); err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(r.ls, unix.SOL_SOCKET, option, 1); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(r.ls, sockaddr(at)); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	if err := unix.Listen(r.ls, 1024); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return r, r.watch(r.ls, unix.EPOLLIN)
}

func (r *relay) watch(fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(r.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// run relays until the epoll set fails.
func (r *relay) run() error {
	events := make([]unix.EpollEvent, 256)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_WAIT, uintptr(r.ep), uintptr(unsafe.Pointer(&events[0])),
			uintptr(len(events)), ^uintptr(0), 0, 0)
		switch errno {
		case 0:
		case unix.EINTR:
			runtime.Gosched() // the signal is how the runtime asks for a moment
			continue
		default:
			return os.NewSyscallError("epoll_wait", errno)
		}
		for _, e := range events[:n] {
			if fd := int(e.Fd); fd == r.ls {
				r.accept()
			} else if to := r.peer[fd]; to > 0 && !r.carry(fd, to, e.Events) {
				r.end(fd, to)
			}
		}
	}
}

// accept takes all clients there are and connects each to the backend. One that
// cannot be is closed.
func (r *relay) accept() {
	for {
		c, _, err := unix.Accept4(r.ls, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // none left, or no descriptor: the event comes again
		}
		b, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			_ = unix.Close(c)
			continue
		}
		err = unix.Connect(b, r.to) // loopback: it does not wait for anybody
		if err != nil || max(b, c) >= len(r.peer) || unix.SetNonblock(b, true) != nil {
			r.end(c, b)
			continue
		}
		r.peer[c], r.peer[b] = b, c
		for _, fd := range []int{c, b} {
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			if err := r.watch(fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLET); err != nil {
				r.end(c, b)
				break
			}
		}
	}
}

// carry moves what there is. False: one side has ended or is broken. A short read
// has emptied the socket, unless its end has come as well.
func (r *relay) carry(from, to int, events uint32) bool {
	ended := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(from), uintptr(unsafe.Pointer(&r.buf[0])), uintptr(len(r.buf)))
		switch {
		case errno == unix.EAGAIN:
			return true
		case errno != 0 || n == 0 || !write(to, r.buf[:n]):
			return false
		case int(n) < len(r.buf) && !ended:
			return true
		}
	}
}

// write writes all of b. Where there is no room the whole loop waits for it.
func write(fd int, b []byte) bool {
	for len(b) > 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			b = b[n:]
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		default:
			return false
		}
	}
	return true
}

// end closes both sides of a connection.
func (r *relay) end(a, b int) {
	for _, fd := range []int{a, b} {
		if fd < len(r.peer) {
			r.peer[fd] = 0
		}
		_ = unix.Close(fd)
	}
}
