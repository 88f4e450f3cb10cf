package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// serve runs a handler of the standard library, the judge of our requests.
func serve(t *testing.T, h http.HandlerFunc) (netip.AddrPort, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String()), s
}

// gate closes its channel at the nth call.
type gate struct {
	left atomic.Int64
	open chan struct{}
}

func newGate(n int64) *gate {
	g := &gate{open: make(chan struct{})}
	g.left.Store(n)
	return g
}

func (g *gate) step() {
	if g.left.Add(-1) == 0 {
		close(g.open)
	}
}

func TestGeneratorCountsEveryRightAnswer(t *testing.T) {
	enough := newGate(5000)
	var mu sync.Mutex
	seen := map[string]int{}
	var served atomic.Int64
	addr, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer enough.step()
		served.Add(1)
		mu.Lock()
		seen[r.Method+" "+r.Host+r.URL.Path+" "+r.Header.Get("Cookie")]++
		mu.Unlock()
		_, _ = w.Write(make([]byte, 1024))
	})
	requests := [][]byte{
		Request{Host: "shop.example", Path: "/app", Cookie: "JSESSIONID=1.tomcat1"}.Bytes(),
		Request{Host: "shop.example", Path: "/app", Cookie: "JSESSIONID=2.tomcat2"}.Bytes(),
	}
	g, err := Start(Options{Addr: addr, Conns: 8, Loops: 2, Requests: requests, Expect: Expect{Status: 200, Length: 1024}})
	if err != nil {
		t.Fatal(err)
	}
	<-enough.open
	c := g.Stop()
	if c.Failed != 0 || c.Reopened != 0 || g.FirstFailure() != nil {
		t.Errorf("%+v, first failure %v", c, g.FirstFailure())
	}
	// At most one request per connection is in flight when it stops.
	if n := served.Load(); c.Requests > n || c.Requests < 5000-8 {
		t.Errorf("counted %d, served %d", c.Requests, n)
	}
	if c.Bytes < c.Requests*1024 {
		t.Errorf("counted %d bytes for %d answers", c.Bytes, c.Requests)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 || seen["GET shop.example/app JSESSIONID=1.tomcat1"] == 0 || seen["GET shop.example/app JSESSIONID=2.tomcat2"] == 0 {
		t.Errorf("server saw %v", seen)
	}
}

func TestGeneratorPostsLargeBodies(t *testing.T) {
	enough := newGate(20)
	body := []byte(strings.Repeat("0123456789abcdef", 256<<10)) // 4 MiB: more than a socket takes at once
	addr, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer enough.step()
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != int64(len(body)) || r.Method != "POST" {
			http.Error(w, fmt.Sprint(n, err), 500)
		}
	})
	g, err := Start(Options{
		Addr: addr, Conns: 3, Requests: [][]byte{Request{Host: "h", Path: "/", Body: body}.Bytes()},
		Expect: Expect{Status: 200},
	})
	if err != nil {
		t.Fatal(err)
	}
	<-enough.open
	if c := g.Stop(); c.Failed != 0 || c.Requests < 20-3 {
		t.Errorf("%+v, first failure %v", c, g.FirstFailure())
	}
}

func TestGeneratorSeesWrongAnswers(t *testing.T) {
	f := func(want string, h http.HandlerFunc) {
		t.Helper()
		enough := newGate(40)
		addr, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			enough.step()
			h(w, r)
		})
		g, err := Start(Options{
			Addr: addr, Conns: 4, Requests: [][]byte{Request{Host: "h", Path: "/"}.Bytes()},
			Expect: Expect{Status: 200, Length: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		<-enough.open
		c := g.Stop()
		if c.Requests != 0 || c.Failed < 40-8 || g.FirstFailure() == nil || !strings.Contains(g.FirstFailure().Error(), want) {
			t.Errorf("%+v, first failure %v, want %q", c, g.FirstFailure(), want)
		}
	}
	f("status 503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	f("4 body bytes, want 3", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "four") })
	f("connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func TestGeneratorReopensPoliteCloses(t *testing.T) {
	enough := newGate(50)
	addr, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer enough.step()
		w.Header().Set("Connection", "close")
	})
	g, err := Start(Options{Addr: addr, Conns: 2, Requests: [][]byte{Request{Host: "h", Path: "/"}.Bytes()}, Expect: Expect{Status: 200}})
	if err != nil {
		t.Fatal(err)
	}
	<-enough.open
	if c := g.Stop(); c.Failed != 0 || c.Requests < 48 || c.Reopened < 46 {
		t.Errorf("%+v, first failure %v", c, g.FirstFailure())
	}
}

func TestStartRefusesWhatItCannotReach(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	_ = l.Close()
	o := Options{Addr: addr, Conns: 1, Requests: [][]byte{[]byte("x")}}
	if _, err := Start(o); err == nil || !strings.Contains(err.Error(), "connect to "+addr.String()) {
		t.Errorf("closed port: %v", err)
	}
	o.Requests = nil
	if _, err := Start(o); err == nil {
		t.Error("no request: accepted")
	}
	if _, err := OpenIdle(context.Background(), addr, 3, 2, []byte("x"), Expect{}); err == nil {
		t.Error("idle on a closed port: accepted")
	}
}

func TestIdleKeepsConnections(t *testing.T) {
	var opened, served atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = io.WriteString(w, "abc")
	}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	addr := netip.MustParseAddrPort(s.Listener.Addr().String())
	request := Request{Host: "h", Path: "/"}.Bytes()
	idle, err := OpenIdle(context.Background(), addr, 200, 7, request, Expect{Status: 200, Length: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if len(idle.conns) != 200 || opened.Load() != 200 || served.Load() != 200 || idle.Closed() != 0 {
		t.Errorf("%d held, %d opened, %d served, %d closed", len(idle.conns), opened.Load(), served.Load(), idle.Closed())
	}
	// Each is still good for a request.
	for i, c := range idle.conns {
		if err := Exchange(c, request, Expect{Status: 200, Length: 3}); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if _, err := OpenIdle(context.Background(), addr, 20, 3, request, Expect{Status: 200, Length: 4}); err == nil || !strings.Contains(err.Error(), "want 4") {
		t.Errorf("wrong length: %v", err)
	}
}
