package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	kernelguard "github.com/catherd/catherd/bpf/guard"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/guard"
	"github.com/catherd/catherd/controlplane/kernel"
)

// newGuard makes the keeper of the kernel's guard. Without Options.Guard it has
// nothing to keep.
func (c *Controller) newGuard() *guard.Keeper {
	var o guard.Options
	if c.o.Guard != nil {
		o = *c.o.Guard
		o.Path = guard.Beside(c.o.OverridesPath)
		if c.o.Carry != nil && len(c.o.Carry.Guard) > 0 {
			o.Kept = func() ([]guard.Rule, error) { return guard.Parse(c.o.Carry.Guard) }
		}
	}
	o.Tell = func(e guard.Event) {
		c.tell(e.Level, admin.Event{Kind: admin.Guarded, Owner: e.Owner, Text: e.Text})
	}
	return guard.New(o)
}

// guardWish is what a configuration asks of the guard.
func (c *Controller) guardWish(cfg *config.Config) guard.Wish {
	g := &cfg.Guard
	w := guard.Wish{
		Require: cfg.Kernel.Guard == "require",
		Deny:    g.Deny, Allow: g.Allow,
		NewConnections: kernelguard.Rate{PerSecond: g.NewConnections, Burst: g.Burst},
		Bits4:          g.SourceIPv4, Bits6: g.SourceIPv6,
		Interfaces: g.Interfaces, Auto: g.Auto(), DryRun: g.DryRun,
	}
	switch {
	case c.o.Guard == nil:
		w.Off = "the process was started without the kernel's help"
		w.Require = false
	case cfg.Kernel.Guard == "never":
		w.Off = "kernel.guard: never"
	}
	for _, l := range cfg.Listen {
		w.Serve = append(w.Serve, doors(l.Address)...)
	}
	if cfg.Admin.Listen != "none" {
		w.Serve = append(w.Serve, doors(cfg.Admin.Listen)...)
		w.Always = cfg.Admin.Allow
	}
	for i := range cfg.Tribes {
		w.Groups = append(w.Groups, groupsOf(&cfg.Tribes[i])...)
	}
	return w
}

// doors are what an address of the file opens. A name is taken for all addresses of
// this host: what is guarded too much is a rule that hits its own port.
func doors(address string) []guard.Door {
	host, port, err := net.SplitHostPort(address)
	n, nerr := strconv.ParseUint(port, 10, 16)
	if err != nil || nerr != nil || n == 0 {
		return nil // the language lets none of these through
	}
	if host == "localhost" {
		return []guard.Door{{Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: uint16(n)}, {Addr: netip.IPv6Loopback(), Port: uint16(n)}}
	}
	d := guard.Door{Port: uint16(n)}
	if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() {
		d.Addr = a.Unmap().WithZone("")
	}
	return []guard.Door{d}
}

// groupsOf are the groups that one entry of tribes listens to.
func groupsOf(t *config.Tribes) (out []guard.Group) {
	if at, err := netip.ParseAddrPort(t.Group); err == nil {
		out = append(out, guard.Group{At: at, Interface: t.Interface, Every: t.Heartbeat})
	}
	if at, err := netip.ParseAddrPort(t.Beacon); err == nil {
		out = append(out, guard.Group{At: at, Interface: t.Interface, Beacon: true})
	}
	return out
}

// guardStatus is the guard among the other programs of the kernel.
func (c *Controller) guardStatus() kernel.Status {
	g := c.guard.Glance()
	switch g.State {
	case guard.Off:
		return kernel.NotWanted(kernel.Guard, g.Why)
	case guard.Missing:
		s := kernel.Idle(kernel.Guard, g.Why)
		s.State, s.Cure = kernel.Missing, g.Cure
		return s
	case guard.Unused, guard.Soon:
		return kernel.Idle(kernel.Guard, "no rule and no group asks for it")
	}
	var where []string
	for _, i := range g.Interfaces {
		if i.Problem == "" {
			where = append(where, i.Name+" by "+i.Mode)
		}
	}
	s := kernel.At(kernel.Guard, g.Since, where...)
	s.Drops = g.Drops
	return s
}

// Guard implements admin.Controller.
func (c *Controller) Guard() guard.Status { return c.guard.Status() }

// ChangeGuard implements admin.Controller. When it returns, the kernel judges by the
// new rules.
func (c *Controller) ChangeGuard(ctx context.Context, change guard.Change) (guard.Result, error) {
	frozen := false
	if err := c.do(ctx, func() { frozen = c.frozen }); err != nil {
		return guard.Result{}, err
	}
	if frozen {
		return guard.Result{}, busyUpgrading()
	}
	// Not in the loop: the kernel examines new rules for some tenths of a second.
	r, err := c.guard.Change(change)
	if bad := (*guard.Refusal)(nil); errors.As(err, &bad) {
		status := http.StatusBadRequest
		if bad.Missing {
			status = http.StatusNotFound
		}
		return r, &admin.Refusal{Status: status, What: bad.What, Cure: bad.Cure}
	}
	if err != nil {
		return r, &admin.Refusal{Status: http.StatusServiceUnavailable, What: fmt.Sprint(err), Cure: "catherd guard shows what is at work"}
	}
	return r, nil
}
