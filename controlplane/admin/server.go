package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options makes a Server.
type Options struct {
	Controller Controller
	Metrics    prometheus.Gatherer
	Access     Access
	Log        *slog.Logger // nil: nothing is logged
	// Upgrade puts another process in the place of this one; nil: that is not
	// possible. A *Refusal says why nothing has changed.
	Upgrade func(context.Context, Upgrade) (UpgradeResult, error)
}

// Server answers operators. Make it with New, give it listeners, and Close it.
type Server struct {
	c      Controller
	access atomic.Pointer[Access]
	http   *http.Server
	wg     sync.WaitGroup
	log    *slog.Logger

	upgrader func(context.Context, Upgrade) (UpgradeResult, error)

	mu     sync.Mutex // guards the rest
	asking map[net.Conn]bool
	doors  map[*door]bool // that are served
}

// New returns a server that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{c: o.Controller, log: o.Log, upgrader: o.Upgrade, asking: map[net.Conn]bool{}, doors: map[*door]bool{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.access.Store(&o.Access)
	metrics := promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	s.http = &http.Server{
		Handler:           s.guard(s.routes(metrics)),
		ConnContext:       identify,
		ConnState:         s.follow,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute, // a reload may wait for a slow disk
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s
}

// SetAccess replaces who may ask what, from the next request on.
func (s *Server) SetAccess(a Access) { s.access.Store(&a) }

// socketMode lets owner and group in. Whoever is in the group operates the
// balancer.
const socketMode = 0o660

// ListenUnix serves on a Unix socket from now on, see Listen.
func (s *Server) ListenUnix(path string) error {
	l, err := Listen(path)
	if err != nil {
		return err
	}
	s.Serve(l)
	return nil
}

// Listen opens a Unix socket. One that nobody answers any longer is replaced; one that
// somebody answers is left alone.
func Listen(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("listen for admin: %w", err)
	}
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for admin on %q: %w", path, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for admin: %w", err)
	}
	return l, nil
}

// clearSocket removes what an earlier process left behind.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen for admin: %w", err)
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("listen for admin on %q: something that is no socket is there", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("listen for admin on %q: another process answers there", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("listen for admin on %q: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("listen for admin: %w", err)
	}
	return nil
}

// Serve answers on a listener, which is closed by Close. It returns at once;
// the goroutine ends with the listener.
func (s *Server) Serve(l net.Listener) {
	noted := &door{Listener: l, s: s}
	s.mu.Lock()
	s.doors[noted] = true
	s.mu.Unlock()
	s.wg.Go(func() {
		defer func() {
			s.mu.Lock()
			delete(s.doors, noted)
			s.mu.Unlock()
		}()
		if err := s.http.Serve(noted); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.log.Error("admin listener ended", "address", l.Addr().String(), "reason", err.Error())
		}
	})
}

// Close stops listening, lets running requests end until ctx does, and waits
// for the goroutines.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	s.wg.Wait()
	return err
}
