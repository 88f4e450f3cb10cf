package ajptest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/catherd/catherd/ajp"
)

func echo(t *testing.T, a answer) Echo {
	t.Helper()
	var e Echo
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	return e
}

func TestTomcatDescribes(t *testing.T) {
	s := New(t, Tomcat{Name: "one", Route: "n1", Secret: "s3cret"}.Serve)
	c := dial(t, s)
	c.send(ajp.AppendCPing(nil))
	if payload, err := c.packet(); err != nil || ajp.ParseCPong(payload) != nil {
		t.Fatalf("answer to CPING: %x, %v", payload, err)
	}
	a := c.do(head("PATCH", "session=1", "s3cret", "X-Request-Id", "r1", "X-Two", "a b"), nil, false)
	if a.err != nil || a.status != 200 || !a.reuse || a.asked != 0 {
		t.Fatalf("answer: %+v", a)
	}
	e := echo(t, a)
	if e.Name != "one" || e.Method != "PATCH" || e.URI != "/a" || e.ID != "r1" || e.RemoteHost != nil {
		t.Errorf("echo: %+v", e)
	}
	if e.Header("host") != "example.com" || e.Header("X-Two") != "a b" || e.Header("none") != "" {
		t.Errorf("headers: %q", e.Headers)
	}
	if e.Attr("0c") != "s3cret" || e.Attr("05") != "session=1" || e.Attr("AJP_REMOTE_PORT") != "1234" || e.Attr("0b") != "256" {
		t.Errorf("attributes: %q", e.Attributes)
	}
	if a.fields["Content-Length"] != strconv.Itoa(len(a.body)) || a.fields["X-Request-Id"] != "r1" {
		t.Errorf("fields: %q", a.fields)
	}
	if got := a.fields["Set-Cookie"]; got != "JSESSIONID=0123456789ABCDEF0123456789ABCDEF.n1; Path=/; HttpOnly" {
		t.Errorf("cookie: %q", got)
	}
	// The connection goes on.
	if a := c.do(head("GET", "", "s3cret", "X-Request-Id", "r1"), nil, false); a.status != 200 {
		t.Errorf("second request: %+v", a)
	}
	if s.Count("r1") != 2 || s.Count("r2") != 0 || s.Accepted() != 1 || s.Pings() != 1 || len(s.Requests()) != 2 {
		t.Errorf("ledger: %+v, %d connections, %d pings", s.Requests(), s.Accepted(), s.Pings())
	}
}

func TestTomcatAnswers(t *testing.T) {
	s := New(t, Tomcat{}.Serve)
	c := dial(t, s)
	f := func(method, query string, status, body, flushes int, length string) {
		t.Helper()
		a := c.do(head(method, query, ""), nil, false)
		if a.err != nil || !a.reuse || a.status != status || len(a.body) != body || a.flushes != flushes || a.fields["Content-Length"] != length {
			t.Errorf("%s %s: %d, %d bytes, %d flushes, length %q, %v", method, query, a.status, len(a.body), a.flushes, a.fields["Content-Length"], a.err)
		}
		want := make([]byte, body)
		Pattern(want, 0)
		if !bytes.Equal(a.body, want) {
			t.Errorf("%s %s: body is not the pattern", method, query)
		}
	}
	f("GET", "size=0", 200, 0, 0, "0")
	f("GET", "size=8184", 200, 8184, 0, "8184")
	f("GET", "size=20000", 200, 20000, 0, "20000")
	f("GET", "size=20000&flush=1", 200, 20000, 4, "20000")
	f("GET", "size=3&nolength=1", 200, 3, 0, "")
	f("HEAD", "size=3", 200, 0, 0, "3")
	f("GET", "status=404&size=1", 404, 1, 0, "1")
	f("GET", "status=204&size=1", 204, 0, 0, "1")
	f("GET", "status=304&size=1&flush=1", 304, 0, 1, "1")
	if a := c.do(head("GET", "end=0", ""), nil, false); a.reuse || a.err != nil || !c.closed() {
		t.Errorf("end=0: %+v, or not closed after it", a)
	}
}

func TestTomcatBodies(t *testing.T) {
	s := New(t, Tomcat{}.Serve)
	c := dial(t, s)
	body := make([]byte, 20000)
	Pattern(body, 0)
	digest := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	f := func(what string, a answer, n, asked int) {
		t.Helper()
		if a.err != nil || a.status != 200 {
			t.Fatalf("%s: %+v", what, a)
		}
		if e := echo(t, a); e.BodyLen != int64(n) || n > 0 && e.BodySHA256 != digest(body[:n]) || a.asked != asked {
			t.Errorf("%s: %d bytes, digest %s, asked %d times", what, e.BodyLen, e.BodySHA256, a.asked)
		}
	}
	f("length 20000", c.do(head("POST", "", "", "Content-Length", "20000"), body, true), 20000, 3)
	f("length 5", c.do(head("POST", "", "", "Content-Length", "5"), body[:5], true), 5, 1)
	f("length 0", c.do(head("POST", "", "", "Content-Length", "0"), nil, false), 0, 0)
	f("chunked", c.do(head("POST", "", "", "Transfer-Encoding", "chunked"), body, false), 20000, 4)
	f("asked for nothing", c.do(head("GET", "read=1", ""), nil, false), 0, 1)
	f("not read", c.do(head("POST", "noread=1", "", "Content-Length", "20000"), body, true), 0, 0)
	f("no body", c.do(head("GET", "", ""), nil, false), 0, 0)
	all := s.Requests()
	if !all[0].Complete || all[0].BodyLen != 20000 || all[0].Digest != digest(body) || all[5].Complete {
		t.Errorf("ledger: %+v", all)
	}
	// A body shorter or longer than announced ends the connection without answer.
	if a := c.do(head("POST", "", "", "Content-Length", "9"), body[:5], true); a.err == nil {
		t.Errorf("short body: %+v", a)
	}
	c = dial(t, s)
	if a := c.do(head("POST", "", "", "Content-Length", "4"), body[:5], true); a.err == nil {
		t.Errorf("long body: %+v", a)
	}
}

func TestTomcatRefuses(t *testing.T) {
	s := New(t, Tomcat{Secret: "s3cret"}.Serve)
	f := func(what string, request []byte, status int) {
		t.Helper()
		c := dial(t, s)
		a := c.do(request, nil, false)
		if a.err != nil || a.status != status || a.reuse || !c.closed() {
			t.Errorf("%s: %+v", what, a)
		}
	}
	f("no secret", head("GET", "", ""), 403)
	f("wrong secret", head("GET", "", "other"), 403)
	f("two lengths", head("POST", "", "s3cret", "Content-Length", "0", "Content-Length", "0"), 400)
	f("shutdown", []byte("\x12\x34\x00\x01\x07"), 400)
	f("wrong magic", []byte("GET / HTTP/1.0\r\n\r\n"), 400)
}

func TestScripts(t *testing.T) {
	release := make(chan struct{})
	half := func(c *Conn) {
		if _, err := c.ReadRequest(); err == nil {
			c.Headers(200, ajp.Field("X-A", "1\r\nX-B: 2"))
			c.Reset()
		}
	}
	late := func(c *Conn) {
		if _, err := c.ReadRequest(); err == nil && c.Wait(release) {
			c.Headers(202)
			c.Chunk([]byte("ok"))
			c.End(true)
			c.AwaitClose()
		}
	}
	cut := func(c *Conn) {
		if _, err := c.ReadRequest(); err == nil {
			c.Send([]byte("AB\x00\x02"), []byte{5})
			c.CloseWrite()
			c.AwaitClose()
		}
	}
	s := New(t, Sequence(half, late, cut))
	if a := dial(t, s).do(head("GET", "", "", "X-Request-Id", "a"), nil, false); a.err == nil {
		t.Errorf("header with CR LF, then RST: %+v", a)
	}
	c := dial(t, s)
	c.send(head("GET", "", "", "X-Request-Id", "b"))
	if !s.Await(2) || !s.AwaitConns(2) {
		t.Fatal("server closed before two requests arrived")
	}
	close(release)
	if a := c.do(nil, nil, false); a.status != 202 || string(a.body) != "ok" || !a.reuse {
		t.Errorf("late answer: %+v", a)
	}
	for range 2 { // the last script goes on
		c = dial(t, s)
		if a := c.do(head("GET", "", ""), nil, false); a.err == nil || string(c.buf) != "AB\x00\x02\x05" {
			t.Errorf("half a packet: %+v, left %q", a, c.buf)
		}
		c.tcp.Close()
	}
	if s.Count("a") != 1 || s.Count("b") != 1 || s.Requests()[1].Conn != 2 {
		t.Errorf("ledger: %+v", s.Requests())
	}
}

func TestKillAndComeBack(t *testing.T) {
	never := make(chan struct{})
	s := New(t, func(c *Conn) {
		c.ReadRequest()
		c.Wait(never)
	})
	c := dial(t, s)
	c.send(head("GET", "", ""))
	s.Await(1)
	s.Kill()
	s.Close()
	if a := c.do(nil, nil, false); a.err == nil {
		t.Errorf("answer of a killed server: %+v", a)
	}
	if s.Await(2) || s.AwaitConns(2) {
		t.Error("a closed server reports requests that never came")
	}
	again := Listen(t, s.Addr(), Tomcat{}.Serve)
	again.Handle(Tomcat{Name: "new"}.Serve)
	if e := echo(t, dial(t, again).do(head("GET", "", ""), nil, false)); e.Name != "new" {
		t.Errorf("echo: %+v", e)
	}
}
