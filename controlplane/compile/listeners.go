package compile

import (
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

// ListenerSpec is one address that clients connect to, with all that whoever
// opens it must know. It is a plain value; two equal ones ask for the same.
type ListenerSpec struct {
	Address    string // host:port; the host is empty for all addresses
	RedirectTo string // "https", or "" when requests are forwarded
	TLS        TLSSpec
	Front      FrontSpec
	Kernel     KernelSpec
}

// KernelSpec says how the kernel chooses among the listeners of an address, by the
// words of the file. It is the same for all listeners.
type KernelSpec struct {
	Steering string // auto, require, never
	Policy   string // auto, least-loaded, hash, cpu
}

// TLSSpec names the files of a TLS listener. It is in use when Cert is set.
type TLSSpec struct {
	Cert, Key  string // PEM files
	MinVersion string // "1.2" or "1.3"
	ClientCA   string // PEM file; "" asks for no client certificate
}

// FrontSpec bounds clients. It is the same for all listeners; zero means no
// limit.
type FrontSpec struct {
	Connections          int // in all
	ConnectionsPerClient int // from one address
	HeaderSize           int // bytes
	HeaderTimeout        time.Duration
	IdleTimeout          time.Duration
	BodyTimeout          time.Duration
}

// Listeners returns the addresses a configuration asks for, in its order.
func Listeners(c *config.Config) []ListenerSpec {
	front := FrontSpec{
		Connections:          c.Limits.Connections,
		ConnectionsPerClient: c.Limits.ConnectionsPerClient,
		HeaderSize:           int(c.Limits.HeaderSize),
		HeaderTimeout:        c.Limits.HeaderTimeout,
		IdleTimeout:          c.Limits.IdleTimeout,
		BodyTimeout:          c.Limits.BodyTimeout,
	}
	kernel := KernelSpec{Steering: c.Kernel.Steering, Policy: c.Kernel.Policy}
	var out []ListenerSpec
	for _, l := range c.Listen {
		s := ListenerSpec{Address: l.Address, RedirectTo: l.RedirectTo, Front: front, Kernel: kernel}
		if l.TLS.Cert != "" {
			s.TLS = TLSSpec{Cert: l.TLS.Cert, Key: l.TLS.Key, MinVersion: l.TLS.MinVersion, ClientCA: l.TLS.ClientCA}
		}
		out = append(out, s)
	}
	return out
}
