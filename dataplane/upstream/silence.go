package upstream

import (
	"crypto/tls"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// leastSilence is twice the interval of the kernel's own probes of a quiet
// connection: one of them may be lost.
const leastSilence = time.Minute

// silence has the kernel end a connection whose other side has acknowledged nothing
// for a while (TCP_USER_TIMEOUT, RFC 5482). Without it a host that has vanished is
// noticed after five minutes on a quiet connection, and after a quarter of an hour on
// one with data on its way. A member that lives and reads nothing must not fall under
// it before the pool's own time-out, between, has.
func silence(nc net.Conn, between time.Duration) {
	ms := int(max(leastSilence, between) / time.Millisecond)
	// It cannot fail on a connected TCP socket, and without it all goes on later.
	set := func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, ms) }
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	switch c := nc.(type) {
	case *evloop.Sock:
		set(c.FD())
	case *net.TCPConn:
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { set(int(fd)) })
		}
	}
}
