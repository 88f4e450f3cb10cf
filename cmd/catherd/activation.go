package main

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/frontend"
)

// activated gives the listening sockets that a .socket unit has opened for this process
// (sd_listen_fds(3)): they are used for the addresses of the file that they are bound to.
// What is no TCP socket is refused, because nobody would ever answer there.
func activated() (list []frontend.Socket, err error) {
	for _, f := range activation.Files(true) {
		fd, e := evloop.Descriptor(f)
		_ = f.Close() // the duplicate keeps the socket open
		if e != nil {
			err = fmt.Errorf("use the socket %s of systemd: %v", f.Name(), e)
			continue
		}
		if !listensTCP(fd) {
			_ = unix.Close(fd)
			err = fmt.Errorf("use the socket %s of systemd: it is no listening TCP socket: name only addresses of listen in the .socket unit, with ListenStream", f.Name())
			continue
		}
		list = append(list, frontend.Socket{FD: fd})
	}
	if err != nil {
		for _, s := range list {
			_ = unix.Close(s.FD)
		}
		return nil, err
	}
	return list, nil
}

func listensTCP(fd int) bool {
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listens == 0 {
		return false
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	switch sa.(type) {
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
		return true
	}
	return false
}
