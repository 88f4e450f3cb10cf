package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/steering"
	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/frontend"
)

// front gives the engine the listeners that a configuration asks for. It is
// the controller's Listeners.
type front struct {
	engine   *dataplane.Engine
	steering *steering.Steering
	getenv   func(string) string
	addrs    atomic.Pointer[[]net.Addr] // as opened, in the order of the configuration
}

// Listen implements controlplane.Listeners.
func (f *front) Listen(specs []compile.ListenerSpec) error {
	list := make([]frontend.Spec, 0, len(specs))
	for _, s := range specs {
		spec := frontend.Spec{Address: s.Address}
		if s.RedirectTo == "https" {
			spec.RedirectHTTPS = portHTTPS(specs)
		}
		if s.TLS.Cert != "" {
			c, err := serverTLS(s.TLS)
			if err != nil {
				return err
			}
			spec.TLS = c
		}
		list = append(list, spec)
	}
	undo, err := f.steer(specs)
	if err != nil {
		return err
	}
	addrs, err := f.engine.Listen(list)
	if err != nil {
		undo()
		return err
	}
	f.addrs.Store(&addrs)
	if len(specs) > 0 {
		f.engine.SetLimits(limits(specs[0].Front))
	}
	return nil
}

// steer has the addresses that are open follow the kernel's section of the
// configuration. undo goes back to what was wanted before.
func (f *front) steer(specs []compile.ListenerSpec) (undo func(), err error) {
	if len(specs) == 0 {
		return func() {}, nil
	}
	k := specs[0].Kernel
	plan := steering.Plan{Mode: k.Steering, Policy: k.Policy, Why: "never in the file"}
	if f.getenv("KERNEL") == "off" {
		plan.Mode, plan.Why = steering.Never, "KERNEL=off in the environment"
	}
	before := f.steering.Set(plan)
	undo = func() {
		f.steering.Set(before)
		_ = f.engine.Steer() // it worked before
	}
	if err := f.engine.Steer(); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

// steerAgain has our own program choose, after a process that wanted to take over may
// have put another one in its place.
func (f *front) steerAgain() {
	f.steering.Again()
	_ = f.engine.Steer() // what came of it is in the log and the status
}

// steerOn has the steering looked after until ctx ends.
func (f *front) steerOn(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = f.engine.Steer() // what came of it is in the log and the status
		}
	}
}

// portHTTPS is where redirects to https go: the port of the first listener with
// TLS, or the usual one when TLS ends somewhere in front of us.
func portHTTPS(specs []compile.ListenerSpec) uint16 {
	for _, s := range specs {
		if s.TLS.Cert == "" {
			continue
		}
		if _, port, err := net.SplitHostPort(s.Address); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
				return uint16(n)
			}
		}
	}
	return 443
}

// Addrs are the addresses that are listened on, with real ports.
func (f *front) Addrs() []net.Addr {
	if a := f.addrs.Load(); a != nil {
		return *a
	}
	return nil
}

func limits(f compile.FrontSpec) frontend.Limits {
	return frontend.Limits{
		Connections:          f.Connections,
		ConnectionsPerClient: f.ConnectionsPerClient,
		HeaderTimeout:        f.HeaderTimeout,
		BodyTimeout:          f.BodyTimeout,
		IdleTimeout:          f.IdleTimeout,
		HeaderSize:           f.HeaderSize,
	}
}

// serverTLS reads certificate, key and authorities anew.
func serverTLS(s compile.TLSSpec) (*tls.Config, error) {
	cert, err := readPEM("certificate", s.Cert)
	if err != nil {
		return nil, err
	}
	key, err := readPEM("key", s.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("use certificate %q with key %q: %v: put the server's own certificate first, the chain after it, and the key that belongs to it", s.Cert, s.Key, err)
	}
	c := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
	if s.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if s.ClientCA != "" {
		pem, err := readPEM("client authorities", s.ClientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("use client authorities %q: there is no certificate in it: give a PEM file of the authorities", s.ClientCA)
		}
		// The language says that they are required.
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// readPEM reads a file of TLS and says what helps when that does not work.
func readPEM(what, name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read %s %q: there is no such file: correct the path in listen.tls", what, name)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("read %s %q: permission denied: let the user that runs catherd read it", what, name)
	default:
		return nil, fmt.Errorf("read %s %q: %v", what, name, err)
	}
}
