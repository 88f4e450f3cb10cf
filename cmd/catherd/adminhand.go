package main

import (
	"net"
	"time"

	"github.com/catherd/catherd/controlplane/handoff"
	"github.com/catherd/catherd/dataplane/evloop"
)

// deadliner is what both kinds of listeners have.
type deadliner interface {
	net.Listener
	SetDeadline(time.Time) error
}

// listeners are those that are open.
func (a *adminSide) listeners() (list []deadliner) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.tcp.(deadliner); ok {
		list = append(list, l)
	}
	if a.unix != nil {
		list = append(list, a.unix)
	}
	return list
}

// sockets gives duplicates of the listening sockets, for another process.
func (a *adminSide) sockets() (list []handoff.Socket, fds []int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tcp != nil {
		fd, err := evloop.Descriptor(a.tcp)
		if err != nil {
			return nil, nil, err
		}
		list, fds = append(list, handoff.Socket{Role: handoff.Status, Address: a.listen}), append(fds, fd)
	}
	if a.unix != nil {
		fd, err := evloop.Descriptor(a.unix)
		if err != nil {
			return list, fds, err
		}
		list, fds = append(list, handoff.Socket{Role: handoff.Admin, Address: a.socket}), append(fds, fd)
	}
	return list, fds, nil
}

// serve begins to answer, after another process has let go.
func (a *adminSide) serve() {
	a.waiting = false
	if a.unix != nil {
		a.unix.SetUnlinkOnClose(true) // it is this process's from now on
	}
	for _, l := range a.listeners() {
		a.server.Serve(l)
	}
}

// pause lets new connections wait, because another process is about to answer them. It
// would show older numbers than this one otherwise.
func (a *adminSide) pause() {
	a.server.Quiet(true)
	for _, l := range a.listeners() {
		_ = l.SetDeadline(time.Unix(1, 0))
	}
	a.server.Alone(time.Second) // but for whoever asks for the upgrade
}

// goOn ends pause.
func (a *adminSide) goOn() {
	a.server.Quiet(false)
	for _, l := range a.listeners() {
		_ = l.SetDeadline(time.Time{})
	}
}

// letGo stops listening; the sockets live on in another process.
func (a *adminSide) letGo() {
	if a.unix != nil {
		a.unix.SetUnlinkOnClose(false)
	}
	for _, l := range a.listeners() {
		_ = l.Close()
	}
}
