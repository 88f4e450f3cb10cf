package guard

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/catherd/catherd/bpf/guard"
)

// danger says whom a change of rules would shut out who should see it happen: an
// operator's own address, or a whole family of addresses. "" for nobody. What is shut
// out already is no matter of the change.
func danger(before, after *guard.Rules, operators []netip.Addr) string {
	for _, a := range operators {
		if dropped(after, a) && !dropped(before, a) {
			return fmt.Sprintf("it drops %s, from which an operator is connected", a)
		}
	}
	for _, f := range []struct {
		name string
		all  netip.Prefix
	}{{"IPv4", netip.PrefixFrom(netip.IPv4Unspecified(), 0)}, {"IPv6", netip.PrefixFrom(netip.IPv6Unspecified(), 0)}} {
		if covered(after.Deny, f.all) && !covered(before.Deny, f.all) {
			return "it denies every " + f.name + " address"
		}
	}
	return ""
}

// dropped reports whether packets of an address are dropped for where they come from.
func dropped(r *guard.Rules, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	has := func(p netip.Prefix) bool { return p.Contains(a) }
	return slices.ContainsFunc(r.Deny, has) && !slices.ContainsFunc(r.Allow, has)
}

// covered reports whether the prefixes together hold all of p. It goes no deeper than
// the first 16 bits: nobody writes more than 65536 rules to say everybody.
func covered(list []netip.Prefix, p netip.Prefix) bool {
	inside := false
	for _, x := range list {
		if x.Bits() <= p.Bits() && x.Contains(p.Addr()) {
			return true
		}
		inside = inside || p.Contains(x.Addr())
	}
	if !inside || p.Bits() >= 16 {
		return false
	}
	low, high := halves(p)
	return covered(list, low) && covered(list, high)
}

// halves are the two prefixes that p consists of.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	n := p.Bits()
	b := p.Addr().AsSlice()
	b[n/8] |= 0x80 >> (n % 8)
	second, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(p.Addr(), n+1), netip.PrefixFrom(second, n+1)
}
