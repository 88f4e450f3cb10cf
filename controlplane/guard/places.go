package guard

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/catherd/catherd/controlplane/tribes"
)

// Interface is a network interface of this host.
type Interface struct {
	Index    int
	Name     string
	Loopback bool
	Addrs    []netip.Addr
}

// SystemInterfaces returns the interfaces of this host.
func SystemInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %v", err)
	}
	out := make([]Interface, 0, len(all))
	for _, i := range all {
		x := Interface{Index: i.Index, Name: i.Name, Loopback: i.Flags&net.FlagLoopback != 0}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				x.Addrs = append(x.Addrs, p.Addr().Unmap().WithZone(""))
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// systemGroup returns the interface on which tribes joins a group.
func systemGroup(name string, group netip.AddrPort) (index int, err error) {
	i, err := tribes.InterfaceFor(name, group)
	if err != nil {
		return 0, err
	}
	return i.Index, nil
}

// place is an interface to guard.
type place struct {
	index int
	name  string
	edge  bool // for connections, not for a group alone
}

// edges are the interfaces that connections come in by, and the names of those that
// are not there.
func (w *Wish) edges(all []Interface) (at []place, missing []string) {
	if !w.Auto {
		for _, name := range w.Interfaces {
			i := slices.IndexFunc(all, func(x Interface) bool { return x.Name == name })
			if i < 0 {
				missing = append(missing, name)
				continue
			}
			at = append(at, place{all[i].Index, name, true})
		}
		return at, missing
	}
	for _, x := range all {
		if slices.ContainsFunc(w.Serve, (&x).carries) {
			at = append(at, place{x.Index, x.Name, true})
		}
	}
	return at, nil
}

// carries reports whether clients reach the door by the interface. Loopback counts
// only for its own addresses: guarding it costs every packet between this host's own
// processes.
func (x *Interface) carries(d Door) bool {
	switch {
	case !d.Addr.IsValid():
		return !x.Loopback && len(x.Addrs) > 0
	case d.Addr.IsLoopback():
		return x.Loopback
	}
	return slices.Contains(x.Addrs, d.Addr)
}
