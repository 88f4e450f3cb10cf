package health

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

// aim is a probe of addr with short time-outs.
func aim(scheme table.Scheme, addr string, limit time.Duration, quick bool, req *Request) Target {
	return Target{To: table.Target{Scheme: scheme, Addr: addr, Host: addr}, Quick: quick,
		Settings: Settings{Every: limit, Connect: limit, Timeout: limit, Request: req}}
}

func TestKindsOfFailure(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	f := func(name, addr string, req *Request, want Fail) {
		t.Helper()
		s := new(NetProber).Probe(t.Context(), aim(table.AJP, addr, time.Second, false, req))
		if s.OK || s.Fail != want {
			t.Errorf("%s: ok %v, kind %v, want %v: %s", name, s.OK, s.Fail, want, s.Text)
		}
	}
	f("nobody listens", gone.Addr().String(), nil, Refused)
	f("closed at once", serve(t, func(c net.Conn) { take(c) }), nil, Closed)
	f("speaks HTTP", serve(t, func(c net.Conn) { take(c); _, _ = io.WriteString(c, "HTTP/1.1 400 \r\n\r\n") }), nil, Odd)
	f("bad status", tomcat(t, answer(503, true)), &Request{Path: "/"}, BadStatus)
	// The connector refuses every request: that is no answer of an application.
	f("wrong secret", tomcat(t, answer(403, false)), &Request{Path: "/"}, Odd)
	s := new(NetProber).Probe(t.Context(), aim(table.AJP, serve(t, func(net.Conn) { <-hold }), 20*time.Millisecond, false, nil))
	if s.OK || s.Fail != Late {
		t.Errorf("silence: ok %v, kind %v: %s", s.OK, s.Fail, s.Text)
	}
}

// A 403 whose end does not come still says what to look at.
func TestForbiddenWithoutEnd(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	addr := serve(t, func(c net.Conn) {
		take(c)
		_, _ = c.Write(ajp.AppendCPong(nil))
		take(c)
		_, _ = c.Write(ajp.AppendSendHeaders(nil, 403, "x"))
		<-hold
	})
	s := new(NetProber).Probe(t.Context(), aim(table.AJP, addr, 200*time.Millisecond, false, &Request{Path: "/"}))
	check(t, s, false, refusedBySome)
}

// A quick probe is a ping over the protocol: no health request, and for HTTP
// no mere connect, which the kernel of a frozen process accepts as well.
func TestQuick(t *testing.T) {
	s := new(NetProber).Probe(t.Context(), aim(table.AJP, tomcat(t, answer(503, true)), time.Second, true, &Request{Path: "/"}))
	check(t, s, true, "cping ok")
	if s.Ping <= 0 {
		t.Error("the ping was not measured")
	}

	var asked string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	defer srv.Close()
	// net/http answers OPTIONS * by itself; whatever the status, it lives.
	s = new(NetProber).Probe(t.Context(), aim(table.HTTP, srv.Listener.Addr().String(), time.Second, true, &Request{Path: "/healthz"}))
	check(t, s, true, "ping ok")
	if asked != "" || s.Ping <= 0 {
		t.Errorf("an application was asked: %q, ping %v", asked, s.Ping)
	}
	got := make(chan string, 1)
	hold := make(chan struct{})
	defer close(hold)
	frozen := serve(t, func(c net.Conn) {
		b := make([]byte, 512)
		n, _ := c.Read(b)
		got <- string(b[:n])
		<-hold
	})
	s = new(NetProber).Probe(t.Context(), aim(table.HTTP, frozen, 200*time.Millisecond, true, nil))
	if s.OK || s.Fail != Late {
		t.Errorf("frozen: ok %v, kind %v: %s", s.OK, s.Fail, s.Text)
	}
	if line := <-got; !strings.HasPrefix(line, "OPTIONS * HTTP/1.1\r\n") {
		t.Errorf("asked %q", line)
	}
}

func TestPingIsMeasured(t *testing.T) {
	s := ask(t, table.AJP, tomcat(t, answer(200, true)), &Request{Path: "/"})
	check(t, s, true, "health request 200")
	if s.Ping <= 0 || !s.Request {
		t.Errorf("ping %v, request %v", s.Ping, s.Request)
	}
}
