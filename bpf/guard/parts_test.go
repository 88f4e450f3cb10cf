package guard

import (
	"net/netip"
	"testing"
)

// A prefix of IPv6 that holds ::ffff:0:0/96 must not hit IPv4, which stands there.
func TestParts(t *testing.T) {
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	for _, text := range []string{"::/0", "::/1", "::/7", "::/16", "::/80", "192.0.2.0/24", "2001:db8::/32", "::ffff:0:0/97", "8000::/1"} {
		p := netip.MustParsePrefix(text)
		has := func(a string) bool {
			for _, part := range parts(p) {
				if x := netip.MustParseAddr(a); part.Contains(x) {
					return true
				}
			}
			return false
		}
		for _, a := range []string{"2001:db8::1", "fe80::1", "1::1", "8000::", "ffff::", "::1", "192.0.2.1"} {
			if x := netip.MustParseAddr(a); has(a) != p.Contains(x) {
				t.Errorf("%s holds %s: %t", p, a, has(a))
			}
		}
		if len(parts(p)) > 1 {
			for _, part := range parts(p) {
				if part.Contains(mapped) || part.Bits() <= 80 && part.Addr() == netip.IPv6Unspecified() {
					t.Errorf("%s: %s holds IPv4", p, part)
				}
			}
		}
	}
	if n := len(parts(netip.MustParsePrefix("::/0"))); n != 17 {
		t.Errorf("%d parts", n)
	}
}

// Denying all of IPv6 denies no address of IPv4, and the reverse.
func TestFamiliesApart(t *testing.T) {
	four, six := tcp4("203.0.113.1", "192.0.2.10", 80, syn), tcp6("2001:db8:bad::1", "2001:db8::10", 80, syn)
	b := start(t, Rules{Serve: web, Deny: prefixes("::/0", "2000::/3")})
	b.passes(four)
	b.drops(six)
	// The longer one of the list has the packet, as if the other one were whole.
	if c := b.g.Counts(); c.Of("deny 2000::/3").Packets != 2 || c.Of("deny ::/0").Packets != 0 {
		t.Errorf("%+v", c.Rules)
	}
	b = start(t, Rules{Serve: web, Deny: prefixes("0.0.0.0/0"), Allow: prefixes("::/0")})
	b.drops(four)
	b.passes(six)
}
