package http1

import (
	"net/netip"
	"strings"
	"testing"
)

func TestValidIPv6(t *testing.T) {
	for _, s := range ipv6Seeds {
		checkIPv6(t, s)
	}
}

var ipv6Seeds = []string{
	"", ":", "::", ":::", "::1", "1::", "1:", ":1", "1", "1::2", "1::2::3", "1:::2",
	"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::",
	"::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1::2:3:4:5:6:7:8", "12345::", "g::",
	"::1.2.3.4", "1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4",
	"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "::1.2.3.4:5",
	"1:2:3:4:5:6::1.2.3.4", "1:2:3:4:5::1.2.3.4", "::ffff:0.0.0.0", "::1.2..4", "::a.2.3.4",
}

// checkIPv6 compares with the parser of the standard library, which knows two
// things more than RFC 3986: zones, and nothing else.
func checkIPv6(t *testing.T, s string) {
	t.Helper()
	a, err := netip.ParseAddr(s)
	want := err == nil && a.Is6() && !strings.Contains(s, "%")
	if got := validIPv6([]byte(s)); got != want {
		t.Errorf("validIPv6(%q) = %v, want %v", s, got, want)
	}
}

func FuzzIPv6(f *testing.F) {
	for _, s := range ipv6Seeds {
		f.Add(s)
	}
	f.Fuzz(checkIPv6)
}

func TestSameAuthority(t *testing.T) {
	f := func(a, b string, secure, want bool) {
		t.Helper()
		if got := sameAuthority([]byte(a), []byte(b), secure); got != want {
			t.Errorf("sameAuthority(%q, %q, %v) = %v", a, b, secure, got)
		}
	}
	f("a", "a", false, true)
	f("a", "A", false, true)
	f("a", "b", false, false)
	f("a", "a:80", false, true)
	f("a:", "a:080", false, true)
	f("a", "a:443", false, false)
	f("a", "a:443", true, true)
	f("a:8080", "a:8081", false, false)
	f("[::1]:80", "[::1]", false, true)
	f("[::1]", "[::2]", false, false)
}
