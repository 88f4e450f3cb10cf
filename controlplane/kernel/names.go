package kernel

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// askNames is how often names are resolved again, and nameLimit how long one may take.
const (
	askNames  = 30 * time.Second
	nameLimit = 5 * time.Second
)

// numbers are the addresses that a member's address means without asking anybody;
// ok is false for a name.
func numbers(addr string) (at netip.AddrPort, ok bool) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return netip.AddrPort{}, false
	}
	// The kernel's sockets know no zone; the port tells link-local members apart.
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port()), true
}

// lookup resolves names of members. What cannot be resolved is left out: then
// nobody can connect to it either.
func lookup(ctx context.Context, names []string) map[string][]netip.AddrPort {
	out := make(map[string][]netip.AddrPort, len(names))
	for _, name := range names {
		host, service, err := net.SplitHostPort(name)
		if err != nil {
			continue
		}
		port, err := strconv.ParseUint(service, 10, 16)
		if err != nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, nameLimit)
		found, err := net.DefaultResolver.LookupNetIP(limited, "ip", host)
		cancel()
		if err != nil {
			continue
		}
		for _, a := range found {
			at := netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(port))
			if !slices.Contains(out[name], at) {
				out[name] = append(out[name], at)
			}
		}
	}
	return out
}
