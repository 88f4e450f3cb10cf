package evloop

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Adopt makes l watch a connection that was made by package net, which is closed:
// the socket lives on as the Sock's. It must be a plain TCP connection.
func (l *Loop) Adopt(nc net.Conn) (*Sock, error) {
	fd, err := Descriptor(nc)
	local, remote := nc.LocalAddr(), nc.RemoteAddr()
	_ = nc.Close() // the duplicate keeps the socket open
	if err != nil {
		return nil, err
	}
	s, err := l.Add(fd, local, remote)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// Descriptor gives a duplicate of the descriptor of a connection or listener of
// package net. The runtime does not watch it; the caller closes it.
func Descriptor(of any) (fd int, err error) {
	sc, ok := of.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("take descriptor: %T has none", of)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	cerr := raw.Control(func(p uintptr) { fd, err = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 0) })
	if cerr != nil {
		return -1, cerr
	}
	return fd, err
}
