package tribes

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// receiveBuffer in bytes: some hundred heartbeats. In a flood a small one is
// cheap, because the kernel throws away what does not fit before anybody wakes.
const receiveBuffer = 128 << 10

// open joins the group and returns its socket, which cannot send. The file is
// in non-blocking mode, so that reads obey deadlines.
func open(group netip.AddrPort, on *net.Interface) (*os.File, error) {
	family := unix.AF_INET6
	if group.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a datagram socket: %v", err)
	}
	if err := prepare(fd, group, on); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "group "+group.String()), nil
}

func prepare(fd int, group netip.AddrPort, on *net.Interface) error {
	// Tomcats of this host have the port as well (McastServiceImpl sets
	// SO_REUSEADDR); every socket of a group gets every datagram.
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err != nil {
		return fmt.Errorf("share port %d: %v", group.Port(), err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // only a matter of cost
	if err := silenceSocket(fd, group.Addr().Is4()); err != nil {
		return err
	}
	// Bound to the group address the kernel keeps unicast datagrams away, which
	// could come from anywhere. Linux always allows it, so there is no wildcard
	// to fall back to.
	if err := unix.Bind(fd, sockaddr(group, on)); err != nil {
		return fmt.Errorf("bind to %s: %v", group, err)
	}
	return join(fd, group.Addr(), on)
}

// silenceSocket makes sending impossible: a datagram socket whose sending side
// is shut down answers EPIPE. The kernel reports ENOTCONN for a socket without
// a peer and shuts the side down all the same (inet_shutdown). If that were not
// so, what is sent to a group would not leave this host, and would not be
// heard on it.
func silenceSocket(fd int, four bool) error {
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil && err != unix.ENOTCONN {
		return fmt.Errorf("shut the sending side: %v", err)
	}
	level, hops, loop := unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, unix.IPV6_MULTICAST_LOOP
	if four {
		level, hops, loop = unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, unix.IP_MULTICAST_LOOP
	}
	if err := cmp.Or(unix.SetsockoptInt(fd, level, hops, 0), unix.SetsockoptInt(fd, level, loop, 0)); err != nil {
		return fmt.Errorf("keep the socket from sending: %v", err)
	}
	return nil
}

// join becomes a member of the group on the interface, and of no group that
// other processes have joined (IP_MULTICAST_ALL is on by default).
func join(fd int, group netip.Addr, on *net.Interface) error {
	var err error
	if group.Is4() {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		if err == nil {
			err = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(on.Index)})
		}
	} else {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
		if err == nil {
			err = unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(on.Index)})
		}
	}
	if err != nil {
		return fmt.Errorf("join %s: %v", group, err)
	}
	return nil
}

func sockaddr(group netip.AddrPort, on *net.Interface) unix.Sockaddr {
	if group.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	}
	// Groups of link scope need the interface, the others do not mind.
	return &unix.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16(), ZoneId: uint32(on.Index)}
}
