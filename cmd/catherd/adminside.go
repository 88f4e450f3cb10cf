package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/handoff"
	"github.com/catherd/catherd/controlplane/overrides"
)

// none is the word for "do not listen".
const none = "none"

// adminSide is the admin server and where it listens. open and follow are
// called by one goroutine at a time.
type adminSide struct {
	log    *slog.Logger
	server *admin.Server
	listen string // of the configuration
	tcp    net.Listener
	asked  string // the socket of the configuration at the start
	socket string // the one in use, or "none"
	unix   *net.UnixListener
	getenv func(string) string

	elder   *elder     // whose sockets are used where there are some
	waiting bool       // nobody is answered before serve
	mu      sync.Mutex // guards tcp, listen and unix against handing over
}

// open listens on the address and on the socket. A taken address is an error,
// because it most often means that Catherd runs already; a folder that may not
// be written to is none, because everything but the command line works.
func (a *adminSide) open(cfg *config.Config) error {
	if err := a.openTCP(cfg.Admin.Listen); err != nil {
		return err
	}
	a.asked, a.socket = cfg.Admin.Socket, cfg.Admin.Socket
	if a.socket == none {
		return nil
	}
	err := a.openUnix(a.socket)
	if own := userSocket(a.getenv); forbidden(err) && a.socket == defaultSocket && own != "" {
		a.socket = own
		err = a.openUnix(own)
	}
	switch {
	case err == nil:
		return nil
	case forbidden(err):
		a.log.Warn("no admin socket", "reason", err.Error(),
			"cure", "run as a user who may write to "+filepath.Dir(a.socket)+", or name another place with --socket or admin.socket")
		a.socket = none
		return nil
	default:
		return failed("%v: stop what runs there, or name another place with --socket or admin.socket", err)
	}
}

func forbidden(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// userSocket is where somebody who may not write to the default place has the
// socket instead; "" when there is no such place.
func userSocket(getenv func(string) string) string {
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "catherd", "admin.sock")
}

// openTCP listens on an address, in the place of the one before. After an error
// that one stays.
func (a *adminSide) openTCP(address string) error {
	if address == none {
		a.replace(address, nil)
		return nil
	}
	l, err := a.elder.listener(handoff.Status, address)
	if l == nil && err == nil {
		l, err = net.Listen("tcp", address)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return failed("listen for admin on %s: another program listens there, perhaps Catherd itself: stop it, or set admin.listen (or --admin) to another port or to none", address)
	}
	if err != nil {
		return failed("listen for admin: %v: set admin.listen (or --admin) to an address of this host, or to none", err)
	}
	if !a.waiting {
		a.server.Serve(l)
	}
	a.replace(address, l)
	return nil
}

// openUnix listens on the socket.
func (a *adminSide) openUnix(path string) error {
	l, err := a.elder.listener(handoff.Admin, path)
	if err != nil {
		return err
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		if u, err = admin.Listen(path); err != nil {
			return err
		}
	}
	a.unix = u
	if !a.waiting {
		a.server.Serve(u)
	}
	return nil
}

func (a *adminSide) replace(address string, l net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tcp != nil {
		_ = a.tcp.Close()
	}
	a.listen, a.tcp = address, l
}

// follow takes over what a reload changed.
func (a *adminSide) follow(cfg *config.Config) {
	a.server.SetAccess(admin.AccessOf(&cfg.Admin))
	if cfg.Admin.Listen != a.listen {
		if err := a.openTCP(cfg.Admin.Listen); err != nil {
			a.log.Error("admin address unchanged", "reason", err.Error())
		}
	}
	if cfg.Admin.Socket != a.asked {
		a.log.Warn("admin socket unchanged", "path", a.socket, "reason", "a new place is used from the next start on")
	}
}

// address is the URL of the API; "" when it is only at the socket.
func (a *adminSide) address() string {
	if a.tcp == nil {
		return ""
	}
	return "http://" + a.tcp.Addr().String() + "/"
}

func (a *adminSide) close() {
	if a.waiting {
		// The server has none of them.
		for _, l := range a.listeners() {
			_ = l.Close()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.server.Close(ctx); err != nil {
		a.log.Debug("admin requests cut", "reason", err.Error())
	}
}

// statePath is where overrides outlive the process; "" keeps them in memory.
// A process with a socket of its own is another instance and must not take
// over the drains of the installed one.
func statePath(e *env, flag string, cfg *config.Config) (path, why string) {
	switch dir := e.getenv("STATE_DIRECTORY"); {
	case flag == none:
		return "", "--state none"
	case flag != "":
		return flag, "--state"
	case dir != "":
		return filepath.Join(dir, "overrides.json"), "STATE_DIRECTORY"
	case cfg.Admin.Socket == defaultSocket:
		return overrides.DefaultPath, "default"
	case cfg.Admin.Socket == none:
		return "", "no socket"
	default:
		return cfg.Admin.Socket + ".overrides.json", "beside the socket"
	}
}

// defaultSocket is where the command line looks when it is told nothing.
const defaultSocket = "/run/catherd/admin.sock"
