package tribes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestParseBeacon(t *testing.T) {
	good := func(text string, want Beacon) {
		t.Helper()
		if got, err := ParseBeacon([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	good("v=1&ready=180&busy=20&port=8009", Beacon{180, 20, 8009})
	good("v=1&ready=180&busy=20&port=8009\r\n", Beacon{180, 20, 8009})
	good("port=8009&busy=20&x=y&ready=180&v=1", Beacon{180, 20, 8009})
	good("v=1&ready=-1&busy=-1&port=8080", Beacon{Unknown, Unknown, 8080})
	good("v=1&ready=-200&busy=0&port=8080", Beacon{Unknown, 0, 8080})
	good("v=1&port=65535", Beacon{Unknown, Unknown, 65535})
	good("v=1&port=8009&port=8010&&=&port", Beacon{Unknown, Unknown, 8009})

	bad := func(text string, want error) {
		t.Helper()
		if got, err := ParseBeacon([]byte(text)); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: got %+v, %v; want %v", text, got, err, want)
		}
	}
	bad("", ErrBeaconVersion)
	bad("ready=1&busy=1&port=8009", ErrBeaconVersion)
	bad("v=2&ready=1&busy=1&port=8009", ErrBeaconVersion)
	bad("v=1&ready=1&busy=1", ErrBeaconPort)
	bad("v=1&ready=1&busy=1&port=0", ErrBeaconPort)
	bad("v=1&ready=1&busy=1&port=-8009", ErrBeaconPort)
	bad("v=1&ready=1&busy=1&port=65536", ErrBeaconPort)
	bad("v=1&ready=x&busy=1&port=8009", nil)
	bad("v=1&ready=&busy=1&port=8009", nil)
	bad("v=1&ready&busy=1&port=8009", nil)
	bad("v=1&ready=1.5&busy=1&port=8009", nil)
	bad("v=1&ready=12345678&busy=1&port=8009", nil)
	bad("v=1&port=8009&"+strings.Repeat("x", 512), ErrBeaconLong)
}

// TestBeaconCut: a beacon that is cut before its port ends is refused or names
// another port; it never panics. That it can name another one is Tomcat's
// format, which has no end.
func TestBeaconCut(t *testing.T) {
	text := "v=1&ready=180&busy=20&port=8009"
	for n := range len(text) - len("8009") + 1 {
		if b, err := ParseBeacon([]byte(text[:n])); err == nil {
			t.Errorf("%q: got %+v", text[:n], b)
		}
	}
}

func FuzzBeacon(f *testing.F) {
	f.Add([]byte("v=1&ready=180&busy=20&port=8009"))
	f.Add([]byte("port=1&v=1&ready=-5&busy=\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseBeacon(b)
		if err != nil {
			if got != (Beacon{}) {
				t.Fatalf("%+v and %v", got, err)
			}
			return
		}
		if got.Port < 1 || got.Port > 65535 || got.Ready < Unknown || got.Busy < Unknown {
			t.Fatalf("%+v", got)
		}
		if again, err := ParseBeacon(got.Append(nil)); err != nil || again != got {
			t.Fatalf("%+v is written as %q and read as %+v, %v", got, got.Append(nil), again, err)
		}
	})
}

func TestBeacons(t *testing.T) {
	var s Beacons
	hear := func(at time.Duration, host, text string, wantFresh, wantErr bool) {
		t.Helper()
		fresh, err := s.Hear(day.Add(at), netip.MustParseAddr(host), []byte(text))
		if fresh != wantFresh || (err != nil) != wantErr {
			t.Errorf("%s %q: new %t, %v", host, text, fresh, err)
		}
	}
	hear(0, "10.0.0.2", "v=1&ready=190&busy=10&port=8009", true, false)
	hear(0, "10.0.0.1", "v=1&ready=200&busy=0&port=8009", true, false)
	hear(10*time.Second, "::ffff:10.0.0.1", "v=1&ready=150&busy=50&port=8009", false, false)
	hear(10*time.Second, "10.0.0.1", "nonsense", false, true)
	got := fmt.Sprint(s.Nodes())
	at := func(d time.Duration) string { return day.Add(d).String() }
	want := fmt.Sprintf("[{10.0.0.1:8009 150 50 %s %s 2} {10.0.0.2:8009 190 10 %s %s 1}]", at(0), at(10*time.Second), at(0), at(0))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := s.Nodes()[0]; !n.Fresh(day.Add(44*time.Second)) || n.Fresh(day.Add(45*time.Second)) {
		t.Error("the numbers are not fresh for 35 seconds")
	}
	if s.Tick(day.Add(9*time.Minute)) || !s.Tick(day.Add(10*time.Minute)) || len(s.Nodes()) != 1 {
		t.Errorf("after ten minutes: %v", s.Nodes())
	}
	if junk, refused := s.Junk(); junk != 1 || refused != 0 {
		t.Errorf("junk %d, refused %d", junk, refused)
	}
}

// TestBeaconsBounded: forged connectors push each other out, not those that
// were heard twice.
func TestBeaconsBounded(t *testing.T) {
	var s Beacons
	host := netip.MustParseAddr("10.0.0.1")
	s.Take(day, host, Beacon{Port: 8009})
	s.Take(day, host, Beacon{Port: 8009})
	for i := range 5000 {
		s.Take(day.Add(time.Duration(i)*time.Millisecond), host, Beacon{Port: 10000 + i})
	}
	nodes := s.Nodes()
	if len(nodes) != maxBeacons || nodes[0].Addr.Port() != 8009 {
		t.Errorf("%d connectors, the first is %+v", len(nodes), nodes[0])
	}
	for i := range maxBeacons {
		s.Take(day, host, Beacon{Port: 20000 + i})
		s.Take(day, host, Beacon{Port: 20000 + i})
	}
	if _, refused := s.Junk(); refused == 0 || len(s.Nodes()) != maxBeacons {
		t.Errorf("%d refused, %d connectors", refused, len(s.Nodes()))
	}
	if !s.Take(day.Add(time.Minute), host, Beacon{Port: 7}) {
		t.Error("stale ones do not make room")
	}
}

func TestBeaconObserver(t *testing.T) {
	group := testGroup(t, "224.0.1.105")
	fresh, joined := make(chan BeaconNode, 10), make(chan Notice, 10)
	o := NewBeaconObserver(GroupConfig{Group: group, Interface: "lo"}, func(n BeaconNode) { fresh <- n }, func(n Notice) { joined <- n })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Run(ctx)
	}()
	if n := <-joined; !n.Joined {
		t.Fatal(n.Text)
	}
	c := sender(t, group, "lo")
	for _, text := range []string{"nonsense", "v=1&ready=180&busy=20&port=8009"} {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	n := <-fresh
	if n.Addr.Port() != 8009 || n.Ready != 180 || n.Busy != 20 || n.Beacons != 1 {
		t.Errorf("%+v", n)
	}
	o.Take(n.LastSeen, netip.MustParseAddr("10.0.0.1"), Beacon{Port: 9009})
	if n := <-fresh; n.Addr != netip.MustParseAddrPort("10.0.0.1:9009") {
		t.Errorf("%+v", n)
	}
	cancel()
	<-done
	if junk, _ := o.Junk(); junk != 1 || len(o.Nodes(n.LastSeen)) != 2 || len(o.Nodes(n.LastSeen.Add(forgetBeacon))) != 0 {
		t.Errorf("junk %d, nodes %v", junk, o.Nodes(n.LastSeen))
	}
}

// TestBeaconHTTP sends the bytes that TcpSender sends.
func TestBeaconHTTP(t *testing.T) {
	var got []string
	srv := httptest.NewServer(BeaconHandler(func(_ time.Time, host netip.Addr, b Beacon) bool {
		got = append(got, fmt.Sprint(host, b))
		return b.Port != 6666
	}))
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	post := func(body string) *http.Response {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /HeartbeatListener HTTP/1.0\r\nContent-Length: %d\r\nUser-Agent: HeartbeatListener/1.0\r\nConnection: Keep-Alive\r\n\r\n%s\r\n", len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		return resp
	}
	f := func(body string, status int) {
		t.Helper()
		resp := post(body)
		// TcpSender wants a status line of three words and reads as much body as
		// Content-Length says; the connection is not to stay.
		if resp.StatusCode != status || len(strings.Fields(resp.Status)) < 2 || !resp.Close {
			t.Errorf("%q: %s, close %t", body, resp.Status, resp.Close)
		}
		if status == http.StatusOK && resp.ContentLength != 3 {
			t.Errorf("%q: the length of the answer is %d", body, resp.ContentLength)
		}
	}
	f("v=1&ready=180&busy=20&port=8009", http.StatusOK)
	f("v=1&ready=180&busy=20&port=6666", http.StatusForbidden)
	f("v=1&ready=180&busy=20", http.StatusBadRequest)
	f(strings.Repeat("x", 1000), http.StatusRequestEntityTooLarge)
	if want := "127.0.0.1 {180 20 8009},127.0.0.1 {180 20 6666}"; strings.Join(got, ",") != want {
		t.Errorf("accepted %v, want %s", got, want)
	}
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}
