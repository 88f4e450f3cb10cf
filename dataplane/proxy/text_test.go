package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
)

func TestDecimal(t *testing.T) {
	f := func(s string, want int64, ok bool) {
		t.Helper()
		if n, good := decimal([]byte(s)); n != want || good != ok {
			t.Errorf("%q: %d %v", s, n, good)
		}
	}
	f("0", 0, true)
	f("0042", 42, true)
	f("999999999999999999", 999999999999999999, true)
	f("1000000000000000000", 0, false) // 19 digits: nobody sends that, and nothing can overflow
	f("", 0, false)
	f("+5", 0, false)
	f("5 ", 0, false)
	f("5,5", 0, false)
}

func TestHostOnly(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		if got := string(hostOnly([]byte(host))); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	f("", "")
	f("shop.example", "shop.example")
	f("shop.example:8080", "shop.example")
	f("[::1]", "[::1]")
	f("[::1]:443", "[::1]")
}

// A reason is part of a head: nothing in it may end the line.
func TestReasonCannotEndItsLine(t *testing.T) {
	got := string(appendLine(nil, "no route\r\nSet-Cookie: a=b\x00\x7f"))
	if strings.ContainsAny(got, "\r\n\x00\x7f") || got != "no route  Set-Cookie: a=b  " {
		t.Errorf("%q", got)
	}
}

// Behind trusted proxies the client is the rightmost address that is none of
// them: what stands left of it anybody may have written.
func TestClientBehindProxies(t *testing.T) {
	trust := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f := func(list, want string) {
		t.Helper()
		x := &Exchange{view: &View{Table: &table.Table{Trust: trust}}}
		x.client.text = []byte("10.0.0.1")
		x.fromList([]byte(list))
		if got := string(x.client.text); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
	f("192.0.2.7", "192.0.2.7")
	f("203.0.113.9, 192.0.2.7, 10.9.9.9", "192.0.2.7")
	f("10.1.1.1, 10.2.2.2", "10.1.1.1")
	f("192.0.2.7, unknown", "10.0.0.1")
	f("192.0.2.7, unknown, 10.2.2.2", "10.2.2.2")
	f("[2001:db8::1]", "2001:db8::1")
	f("", "10.0.0.1")
}

// What the client is told depends on what went wrong, and only what cannot have
// been processed counts as unsent.
func TestVerdicts(t *testing.T) {
	f := func(k upstream.Kind, status int, unsent bool) {
		t.Helper()
		got, _ := verdict(k)
		if got != status || (upstream.Fault{Kind: k}).Unsent() != unsent {
			t.Errorf("kind %d: %d, unsent %v", k, got, upstream.Fault{Kind: k}.Unsent())
		}
	}
	f(upstream.QueueFull, 503, true)
	f(upstream.QueueTimeout, 503, true)
	f(upstream.Dial, 503, true)
	f(upstream.DialTimeout, 504, true)
	f(upstream.Stale, 502, true)
	f(upstream.Broken, 502, false)
	f(upstream.BrokenBody, 502, false)
	f(upstream.TimeoutHead, 504, false)
	f(upstream.TimeoutBody, 504, false)
	f(upstream.Protocol, 502, false)
	f(upstream.TooLarge, 431, false)
	f(upstream.ClientTimeout, 408, false)
	f(upstream.ClientProtocol, 400, false)
	f(upstream.ClientTooLarge, 413, false)
}
