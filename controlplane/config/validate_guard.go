package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

func (d *decoder) checkGuard(c *Config) {
	g := &c.Guard
	if d.bad["guard"] {
		return
	}
	if len(g.Interfaces) > 1 && slices.Contains(g.Interfaces, AutoInterfaces) {
		d.errorAt("guard.interfaces", "guard.interfaces: auto stands beside names of interfaces", "write auto alone, or only the names")
	}
	if g.Burst > 0 && g.NewConnections == 0 {
		d.warnAt("guard.burst", "guard.burst does nothing without new_connections", "add new_connections, or remove the line")
	}
	d.checkAlways(g.Allow, "guard.allow", len(g.Deny) > 0 || g.NewConnections > 0)
	if c.Admin.Listen != "none" {
		d.checkAlways(c.Admin.Allow, "admin.allow", len(g.Deny) > 0 || g.NewConnections > 0)
	}
	for i, p := range g.Deny {
		path := "guard.deny[" + strconv.Itoa(i) + "]"
		for _, list := range []struct {
			name     string
			prefixes []netip.Prefix
			on       bool
		}{{"guard.allow", g.Allow, true}, {"admin.allow", c.Admin.Allow, c.Admin.Listen != "none"}} {
			if k := slices.IndexFunc(list.prefixes, func(a netip.Prefix) bool { return within(p, a) }); list.on && k >= 0 && list.prefixes[k].Bits() > 0 {
				d.warnAt(path, fmt.Sprintf("guard.deny: %s is never dropped, because %s has %s", p, list.name, list.prefixes[k]), "remove one of them")
				break
			}
		}
		if p.Bits() == 0 {
			d.warnAt(path, fmt.Sprintf("guard.deny: %s is everybody, so nobody but those who are allowed can connect", p),
				"write the networks to deny, or list those who may connect in guard.allow")
		}
	}
	if c.Kernel.Guard == "never" && !d.bad["kernel"] && (len(g.Deny) > 0 || g.NewConnections > 0) {
		d.warnAt("kernel.guard", "kernel.guard: never, so guard does nothing", "write auto, or remove guard")
	}
}

// checkAlways remarks on a list that lets everybody through.
func (d *decoder) checkAlways(list []netip.Prefix, path string, matters bool) {
	for i, p := range list {
		if p.Bits() == 0 && matters {
			d.warnAt(path+"["+strconv.Itoa(i)+"]", fmt.Sprintf("%s: %s is everybody, and who is in it always passes the guard", path, p),
				"list only the networks that must always pass")
		}
	}
}

// within reports whether all addresses of p are in a.
func within(p, a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) }
