package evloop

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Connect connects to addr within d. t waits meanwhile. A zone of addr must be the
// number of an interface: to look a name up is slow. Errors: that of the system call,
// or os.ErrDeadlineExceeded.
func (l *Loop) Connect(t *Task, addr netip.AddrPort, d time.Duration) (*Sock, error) {
	fd, to, err := socket(addr)
	if err != nil {
		return nil, err
	}
	switch err := unix.Connect(fd, to); err {
	case nil, unix.EINPROGRESS:
	default:
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	s, err := l.Add(fd, nil, net.TCPAddrFromAddrPort(addr))
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := s.connected(t, d); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.local = LocalAddr(fd)
	return s, nil
}

// connected waits until the connection stands.
func (s *Sock) connected(t *Task, d time.Duration) error {
	_ = s.SetWriteDeadline(time.Now().Add(d))
	if !s.WaitWrite(t) {
		return os.ErrDeadlineExceeded
	}
	_ = s.SetWriteDeadline(time.Time{})
	errno, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return os.NewSyscallError("connect", err)
}

// probes make the kernel notice a peer that is gone: as net.Dialer sets them.
const keepAlive = 30 // seconds

func socket(addr netip.AddrPort) (fd int, to unix.Sockaddr, err error) {
	family := unix.AF_INET6
	if ip := addr.Addr().Unmap(); ip.Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Addr: ip.As4(), Port: int(addr.Port())}
	} else {
		in6 := &unix.SockaddrInet6{Addr: ip.As16(), Port: int(addr.Port())}
		if zone := ip.Zone(); zone != "" {
			id, err := strconv.ParseUint(zone, 10, 32)
			if err != nil {
				return -1, nil, fmt.Errorf("connect to %q: the zone is no number", addr)
			}
			in6.ZoneId = uint32(id)
		}
		to = in6
	}
	if fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, nil, os.NewSyscallError("socket", err)
	}
	// None of these can fail on a new TCP socket in a way that matters.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAlive)
	return fd, to, nil
}
