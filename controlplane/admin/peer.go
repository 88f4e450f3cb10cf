package admin

import (
	"context"
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// caller is who is at the other end of a connection.
type caller struct {
	local bool   // Unix socket: the file mode let it in
	owner string // user name, or the network address
	uid   int    // of a local one; -1: not known
}

type callerKey struct{}

// identify runs once a connection and stores its caller in the context of all
// its requests.
func identify(ctx context.Context, c net.Conn) context.Context {
	who := caller{owner: c.RemoteAddr().String(), uid: -1}
	if host, _, err := net.SplitHostPort(who.owner); err == nil {
		who.owner = host
	}
	if u, ok := c.(*net.UnixConn); ok {
		who.local = true
		who.owner, who.uid = userOf(u)
	}
	return context.WithValue(ctx, callerKey{}, who)
}

// userOf asks the kernel who connected (SO_PEERCRED, unix(7)).
func userOf(c *net.UnixConn) (name string, uid int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return "unknown user", -1
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || credErr != nil {
		return "unknown user", -1
	}
	id := strconv.FormatUint(uint64(cred.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username, int(cred.Uid)
	}
	return "uid " + id, int(cred.Uid)
}
