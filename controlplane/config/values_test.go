package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	f := func(text string, want time.Duration, shown string) {
		t.Helper()
		got, what, cure := parseDuration(text)
		if got != want || what != "" || formatDuration(got) != shown {
			t.Errorf("%q is %v (%s, %s), shown %q", text, got, what, cure, formatDuration(got))
		}
		if again, what, _ := parseDuration(shown); again != want || what != "" {
			t.Errorf("%q does not come back: %v %s", shown, again, what)
		}
	}
	f("0", 0, "0s")
	f("500ms", 500*time.Millisecond, "500ms")
	f("1.5s", 1500*time.Millisecond, "1500ms")
	f("1m30s", 90*time.Second, "90s")
	f("2m", 2*time.Minute, "2m")
	f("90m", 90*time.Minute, "90m")
	f("24h", 24*time.Hour, "24h")
	f("250us", 250*time.Microsecond, "250us")
	f("1h1s", time.Hour+time.Second, "1h0m1s")
	f("1.0000015s", 1000001500*time.Nanosecond, "1.0000015s")
	bad := func(text, want string) {
		t.Helper()
		if _, what, cure := parseDuration(text); what+"; "+cure != want {
			t.Errorf("%q: %s; %s", text, what, cure)
		}
	}
	unit := "; write a number and its unit without a blank: us, ms, s, m or h, as in 1m30s"
	bad("3", `"3" has no unit; write 3s or 3000ms`)
	bad("1.5", `"1.5" has no unit; write 1.5s or 1.5ms`)
	bad("99999999999", `"99999999999" has no unit; write 99999999999s or 99999999999ms`)
	bad("3 s", `"3 s" is not a duration`+unit)
	bad("-3s", `"-3s" is not a duration`+unit)
	bad("3d", `"3d" is not a duration`+unit)
	bad("", `"" is not a duration`+unit)
}

func TestSizes(t *testing.T) {
	f := func(text string, want int64, shown string) {
		t.Helper()
		got, what, _ := parseSize(text, true)
		if got != want || what != "" || formatSize(got) != shown {
			t.Errorf("%q is %d (%s), shown %q", text, got, what, formatSize(got))
		}
		if again, what, _ := parseSize(shown, false); again != want || what != "" {
			t.Errorf("%q does not come back: %d %s", shown, again, what)
		}
	}
	f("0", 0, "0")
	f("8192", 8192, "8KiB")
	f("16KiB", 16384, "16KiB")
	f("1500B", 1500, "1500B")
	f("1kB", 1000, "1000B")
	f("1PiB", 1<<50, "1PiB")
	for _, text := range []string{"", "KiB", "-1KiB", "1.5KiB", "16K", "16kb", "16 KiB", "1EiB", "9999999999999999999KiB", "9999999PiB"} {
		if _, what, cure := parseSize(text, false); what == "" || cure == "" {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestAddresses(t *testing.T) {
	all := []string{"ajp", "http", "https"}
	f := func(text, want, dial string) {
		t.Helper()
		a, what, cure := parseAddress(text, all)
		if a.String() != want || a.HostPort() != dial || what != "" {
			t.Errorf("%q is %q, dial %q (%s, %s)", text, a, a.HostPort(), what, cure)
		}
	}
	f("ajp://127.0.0.1", "ajp://127.0.0.1:8009", "127.0.0.1:8009")
	f("http://Tomcat1.example/", "http://tomcat1.example:80", "tomcat1.example:80")
	f("https://[::1]", "https://[::1]:443", "[::1]:443")
	f("ajp://[fe80::1%eth0]:9009", "ajp://[fe80::1%eth0]:9009", "[fe80::1%eth0]:9009")
	if (Address{}).String() != "" || (Address{}).HostPort() != "" || !(Address{}).IsZero() {
		t.Error("no address has a text")
	}
	for _, text := range []string{"", "ajp:", "ajp://", "ajp://:", "ajp://[", "ajp://[]", "ajp://[::1", "ajp://a:b:c", "ajp://a?x", "ajp://a#x", "ajp://-a", "AJP://a"} {
		if a, what, cure := parseAddress(text, all); what == "" || cure == "" {
			t.Errorf("%q is accepted as %q", text, a)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, what, _ := checkListen(text); got != want || what != "" {
			t.Errorf("%q is %q (%s)", text, got, what)
		}
	}
	f("80", ":80")
	f(":8080", ":8080")
	f("*:8080", ":8080")
	f("[::]:80", "[::]:80")
	f("LocalHost:080", "localhost:80")
	for _, text := range []string{"", ":", "a:", "1:2:3", "[::1]", "80/tcp", "0", ":65536", "+80"} {
		if got, what, cure := checkListen(text); what == "" || cure == "" {
			t.Errorf("%q is accepted as %q", text, got)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, text := range []string{"/", "/shop", "/shop/", "=/login", "=/", "*.jsp", "*.tar.gz", "/a.b/%7e/"} {
		if got, what, _ := checkPattern(text); got != text || what != "" {
			t.Errorf("%q: %s", text, what)
		}
	}
	for _, text := range []string{"", "=", "=login", "*", "*.", "*jsp", "/*", "/a*b", "/a b", "/a;b", "/a?b", "/a#b", "//", "/./", "/a/..", "=/a*", "*.a*b", "/\x00"} {
		if _, what, cure := checkPattern(text); what == "" || cure == "" {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestCovers(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if covers(a, b) != want {
			t.Errorf("%s covers %s: %v", a, b, !want)
		}
	}
	f("/", "/shop/", true)
	f("/", "*.jsp", true)
	f("/", "=/x", true)
	f("/shop", "/shop/", true)
	f("/shop/", "/shop/cart/", true)
	f("/shop/", "/shopping/", false)
	f("/shop/", "/", false)
	f("/shop/", "=/shop/x", true)
	f("*.jsp", "=/a.jsp", true)
	f("*.jsp", "/a/", false)
	f("=/a", "/a", false)
	f("=/a", "=/a", true)
	f("/a/", "*.jsp", false)
}

func TestHosts(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, what, _ := checkHostPattern(text); got != want || what != "" {
			t.Errorf("%q is %q (%s)", text, got, what)
		}
	}
	f("Shop.Example", "shop.example")
	f("shop.example.", "shop.example")
	f("*.example", "*.example")
	for _, text := range []string{"", "*", "*.", "*example", "a.*.b", "a:80", "a/b", strings.Repeat("a", 254)} {
		if got, what, cure := checkHostPattern(text); what == "" || cure == "" {
			t.Errorf("%q is accepted as %q", text, got)
		}
	}
}

func TestNetworks(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, what, _ := parsePrefix(text)
		if formatPrefix(p) != want || what != "" {
			t.Errorf("%q is %q (%s)", text, formatPrefix(p), what)
		}
	}
	f("10.0.0.7", "10.0.0.7")
	f("10.0.0.0/8", "10.0.0.0/8")
	f("::1", "::1")
	f("::ffff:10.0.0.7", "10.0.0.7") // peers are compared unmapped
	f("2001:db8::/32", "2001:db8::/32")
	if p, _, _ := parsePrefix("127.0.0.1"); !p.Contains(netip.MustParseAddr("127.0.0.1")) || p.Contains(netip.MustParseAddr("127.0.0.2")) {
		t.Error("one address is not one address")
	}
	for _, text := range []string{"", "localhost", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "10.0.0"} {
		if _, what, cure := parsePrefix(text); what == "" || cure == "" {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestStatusSet(t *testing.T) {
	s := StatusSet{{500, 502}, {404, 404}, {501, 503}}
	if got := s.List(); !slices.Equal(got, []uint16{404, 500, 501, 502, 503}) {
		t.Errorf("list %v", got)
	}
	if !s.Contains(404) || !s.Contains(503) || s.Contains(405) || s.String() != "500-502, 404, 501-503" {
		t.Errorf("set %s", s)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"sticky", "balance", "members", "fail_on_status", "log"}
	f := func(got, want string) {
		t.Helper()
		if near := nearest(got, words); near != want {
			t.Errorf("%q is near %q, want %q", got, near, want)
		}
	}
	f("stiky", "sticky")
	f("STICKY", "sticky")
	f("balacne", "balance")
	f("member", "members")
	f("fail-on-status", "fail_on_status")
	f("lgo", "log")
	f("x", "")
	f("", "")
	f("restaurant", "")
	f(strings.Repeat("sticky", 20), "")
}
