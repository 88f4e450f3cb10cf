package ajp

import (
	"fmt"
	"net"
	"testing"
)

func TestProbeLine(t *testing.T) {
	v4 := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 40000}
	f := func(host, target string, own net.Addr, want string) {
		t.Helper()
		l, query := ProbeLine(host, target, own)
		got := fmt.Sprintf("%s %s query %q of %s for %s port %d", l.Method, l.URI, query, l.RemoteAddr, l.ServerName, l.ServerPort)
		if query == nil {
			got += ", none"
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("shop.example", "/app/status", v4, `GET /app/status query "" of 10.0.0.1 for shop.example port 80, none`)
	f("shop.example:8443", "/a?x=1?y", v4, `GET /a query "x=1?y" of 10.0.0.1 for shop.example port 8443`)
	f("[2001:db8::1]:8080", "/?", v4, `GET / query "" of 10.0.0.1 for 2001:db8::1 port 8080`)
	f("shop.example:0", "/", v4, `GET / query "" of 10.0.0.1 for shop.example port 80, none`)
	f("shop.example:65536", "/", v4, `GET / query "" of 10.0.0.1 for shop.example port 80, none`)
	f("shop.example:http", "/", v4, `GET / query "" of 10.0.0.1 for shop.example port 80, none`)
	f("2001:db8::1", "/", v4, `GET / query "" of 10.0.0.1 for 2001:db8::1 port 80, none`)
	f("a", "/", &net.UnixAddr{Name: "@"}, `GET / query "" of 127.0.0.1 for a port 80, none`)
	f("a", "/", nil, `GET / query "" of 127.0.0.1 for a port 80, none`)
	f("a", "/", &net.TCPAddr{IP: net.ParseIP("2001:db8::2")}, `GET / query "" of 2001:db8::2 for a port 80, none`)
}

// What ProbeLine gives is what a container reads.
func TestProbeLineTravels(t *testing.T) {
	l, query := ProbeLine("shop.example:8080", "/app?a=b", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	var w Writer
	w.Begin(nil, DefaultPacket, &l)
	w.Attr(AttrQuery, query)
	packet, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	var r Request
	if err := r.Parse(packet[HeadLen:]); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s:%d %s %s", r.Method, r.URI, r.ServerName, r.ServerPort, r.RemoteAddr, r.Attributes[0].Value)
	if got != "GET /app shop.example:8080 127.0.0.1 a=b" {
		t.Error(got)
	}
}
