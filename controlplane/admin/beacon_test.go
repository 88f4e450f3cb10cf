package admin

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// raw sends bytes to a listening server and returns all that it answers.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// What HeartbeatListener's TcpSender sends: HTTP/1.0, no Host, a line end more
// than the length says. It reaches its path whatever token and hosts there are.
func TestBeaconByPost(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Token: "secret"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(l)
	defer s.Close(t.Context())
	at := l.Addr().String()
	f := func(status, text string, taken ...string) {
		t.Helper()
		p.beacons = nil
		if got := raw(t, at, text); !strings.HasPrefix(got, "HTTP/1.0 "+status) {
			t.Errorf("%q\nanswered %q", text, got)
		}
		if !slices.Equal(p.beacons, taken) {
			t.Errorf("%q\ntook %q, want %q", text, p.beacons, taken)
		}
	}
	const body = "v=1&ready=180&busy=20&port=8009\r\n"
	const post = "POST /HeartbeatListener HTTP/1.0\r\nContent-Length: 31\r\nUser-Agent: HeartbeatListener/1.0\r\nConnection: Close\r\n"
	const beacon = "127.0.0.1 {Ready:180 Busy:20 Port:8009}"
	f("200", post+"\r\n"+body, beacon)
	f("400", strings.Replace(post, "31", "3", 1)+"\r\n"+body)
	f("405", "GET /HeartbeatListener HTTP/1.0\r\n\r\n")
	// A page that makes a browser send it has an origin, and then all the rest
	// is asked for: the name of the host comes first.
	f("403", post+"Origin: http://elsewhere.example\r\n\r\n"+body)
	f("403", post+"Sec-Fetch-Site: cross-site\r\n\r\n"+body)
	// Another path is no way around.
	f("403", strings.Replace(post, "/HeartbeatListener", "/api/v1/reload", 1)+"\r\n"+body)
	f("403", "GET /api/v1/status HTTP/1.0\r\n\r\n")

	s.SetAccess(Access{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	f("403", post+"\r\n"+body)
}
