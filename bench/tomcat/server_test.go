package tomcat

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/catherd/catherd/ajp"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.AJP, o.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func must(t *testing.T, c *client, k call) result {
	t.Helper()
	r, err := c.do(k)
	if err != nil {
		t.Fatalf("%s %s?%s: %v", k.method, k.uri, k.query, err)
	}
	return r
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// TestSessionsMove goes round two servers that share their sessions, over both protocols.
func TestSessionsMove(t *testing.T) {
	shared := NewSessions()
	one, two := start(t, Options{Route: "tomcat1", Sessions: shared}), start(t, Options{Route: "tomcat2", Sessions: shared})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	web := http.Client{Jar: jar}
	visit := func(s *Server, want string) string {
		t.Helper()
		resp, err := web.Get("http://" + s.HTTPAddr() + "/app/counter.jsp")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasSuffix(string(text), want) {
			t.Errorf("got %q (%v), want suffix %q", text, err, want)
		}
		return resp.Header.Get("Set-Cookie")
	}
	if c := visit(one, " count=1 node=tomcat1\n"); !strings.HasSuffix(c, ".tomcat1; Path=/app; HttpOnly") {
		t.Errorf("first cookie %q", c)
	}
	if c := visit(one, " count=2 node=tomcat1\n"); c != "" {
		t.Errorf("cookie set again: %q", c)
	}
	c := visit(two, " count=3 node=tomcat2\n")
	if !strings.Contains(c, ".tomcat2;") {
		t.Errorf("route not rewritten: %q", c)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(c, "JSESSIONID="), ";")
	r := must(t, dial(t, two.AJPAddr()), call{method: "GET", uri: "/app/counter", header: map[string]string{"Cookie": "a=b; JSESSIONID=" + id}})
	if want := "session=" + id + " count=4 node=tomcat2\n"; string(r.body) != want || r.header.Get("Set-Cookie") != "" {
		t.Errorf("over AJP: %q, cookie %q, want %q", r.body, r.header.Get("Set-Cookie"), want)
	}
	r = must(t, dial(t, two.AJPAddr()), call{method: "GET", uri: "/app/counter.jsp;jsessionid=" + id + ";v=1"})
	if want := "session=" + id + " count=5 node=tomcat2\n"; string(r.body) != want {
		t.Errorf("by path parameter: %q, want %q", r.body, want)
	}
	r = must(t, dial(t, two.AJPAddr()), call{method: "GET", uri: "/app/counter.jsp", header: map[string]string{"Cookie": "JSESSIONID=INVENTED.tomcat2"}})
	if !strings.Contains(string(r.body), " count=1 ") || strings.Contains(string(r.body), "INVENTED") {
		t.Errorf("an id from outside was taken: %q", r.body)
	}
}

// TestAJPBodies sends bodies of every shape over one connection: it stays in step.
func TestAJPBodies(t *testing.T) {
	s := start(t, Options{Route: "tomcat1"})
	c := dial(t, s.AJPAddr())
	part := ajp.MaxBody(ajp.DefaultPacket)
	f := func(n int, chunked bool, asked int) {
		t.Helper()
		body := bytes.Repeat([]byte("x"), n)
		r := must(t, c, call{method: "POST", uri: "/app/upload.jsp", body: body, chunked: chunked,
			header: map[string]string{"X-Request-Id": fmt.Sprintf("%d-%v", n, chunked)}})
		want := fmt.Sprintf("length=%d sha256=%s node=tomcat1\n", n, digest(body))
		if string(r.body) != want || !r.reuse || r.asked != asked {
			t.Errorf("%d bytes, chunked %v: %q, reuse %v, asked %d times, want %d", n, chunked, r.body, r.reuse, r.asked, asked)
		}
		r = must(t, c, call{method: "POST", uri: "/app/ignore.jsp", body: body, chunked: chunked})
		if string(r.body) != "ignored node=tomcat1\n" || !r.reuse || r.asked != 0 {
			t.Errorf("%d bytes ignored, chunked %v: %q, reuse %v, asked %d times", n, chunked, r.body, r.reuse, r.asked)
		}
	}
	f(0, false, 0)
	f(1, false, 1) // the question after the last byte
	f(part, false, 1)
	f(part+1, false, 2)
	f(5*part+17, false, 6)
	f(0, true, 1)
	f(1, true, 2)
	f(2*part+1, true, 4)
	want := []string{"0-false", "1-false", fmt.Sprintf("%d-false", part), fmt.Sprintf("%d-false", part+1),
		fmt.Sprintf("%d-false", 5*part+17), "0-true", "1-true", fmt.Sprintf("%d-true", 2*part+1)}
	if got := s.Ledger(); !slices.Equal(got, want) {
		t.Errorf("ledger %q, want %q", got, want)
	}
}

func TestAJPAnswers(t *testing.T) {
	s := start(t, Options{Route: "tomcat1"})
	c := dial(t, s.AJPAddr())
	for _, length := range []string{"0", "1"} {
		r := must(t, c, call{method: "GET", uri: "/app/size.jsp", query: "n=300000&length=" + length})
		if len(r.body) != 300000 || digest(r.body) != r.header.Get("X-Digest") || (r.header.Get("Content-Length") == "300000") != (length == "1") {
			t.Errorf("size, length=%s: %d bytes, header %v", length, len(r.body), r.header)
		}
	}
	if r := must(t, c, call{method: "HEAD", uri: "/app/size", query: "n=100&length=1"}); len(r.body) != 0 || r.header.Get("Content-Length") != "100" {
		t.Errorf("HEAD: %d bytes, header %v", len(r.body), r.header)
	}
	for _, code := range []int{204, 304, 404, 503} {
		r := must(t, c, call{method: "GET", uri: "/app/status.jsp", query: fmt.Sprintf("code=%d", code)})
		if r.status != code || (len(r.body) == 0) != (code < 400) {
			t.Errorf("status %d: got %d, body %q", code, r.status, r.body)
		}
	}
	if r := must(t, c, call{method: "GET", uri: "/app/flush.jsp", query: "parts=3"}); string(r.body) != "part=0\npart=1\npart=2\n" {
		t.Errorf("flush: %q", r.body)
	}
	if r := must(t, c, call{method: "GET", uri: "/app/bighead", query: "n=7000"}); len(r.header.Get("X-Big")) != 7000 {
		t.Errorf("bighead: %d", len(r.header.Get("X-Big")))
	}
	if r := must(t, c, call{method: "GET", uri: "/app/bighead", query: "n=70000"}); r.status != 500 {
		t.Errorf("a head larger than the packet: status %d", r.status)
	}
	r := must(t, c, call{method: "PATCH", uri: "/app/echo.jsp", query: "a=b", body: []byte("abc"), header: map[string]string{"X-Two": "2"}})
	for _, line := range []string{"method=PATCH", "query=a=b", "server=app.example", "remote_addr=192.0.2.7", "remote_port=4711",
		"header.x-two=2", "attr.JK_LB_ACTIVATION=ACT", "body_length=3", "body_sha256=" + digest([]byte("abc"))} {
		if !slices.Contains(strings.Split(string(r.body), "\n"), line) {
			t.Errorf("echo: no line %q in\n%s", line, r.body)
		}
	}
	if r := must(t, c, call{method: "GET", uri: "/elsewhere"}); r.status != 404 {
		t.Errorf("outside the application: %d", r.status)
	}
}

func TestSecretAndPing(t *testing.T) {
	s := start(t, Options{Secret: "right"})
	c := dial(t, s.AJPAddr())
	if _, err := c.conn.Write(ajp.AppendCPing(nil)); err != nil {
		t.Fatal(err)
	}
	if pong, err := c.packet(); err != nil || ajp.ParseCPong(pong) != nil {
		t.Errorf("ping: % x, %v", pong, err)
	}
	if r := must(t, c, call{method: "GET", uri: "/app/status", secret: "right"}); r.status != 200 || !r.reuse {
		t.Errorf("right secret: %d, reuse %v", r.status, r.reuse)
	}
	for _, secret := range []string{"", "wrong"} {
		if r := must(t, dial(t, s.AJPAddr()), call{method: "GET", uri: "/app/status", secret: secret}); r.status != 403 || r.reuse {
			t.Errorf("secret %q: %d, reuse %v", secret, r.status, r.reuse)
		}
	}
}

func TestFaults(t *testing.T) {
	s := start(t, Options{Route: "tomcat1"})
	f := func(how string, check func(result, error) bool) {
		t.Helper()
		r, err := dial(t, s.AJPAddr()).do(call{method: "GET", uri: "/app/fault", query: "do=" + how})
		if !check(r, err) {
			t.Errorf("%s over AJP: status %d, %d bytes, %v", how, r.status, len(r.body), err)
		}
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + s.HTTPAddr() + "/app/fault?do=" + how)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s over HTTP: no fault", how)
		}
	}
	f("close", func(_ result, err error) bool { return errors.Is(err, io.EOF) })
	f("reset", func(_ result, err error) bool { return errors.Is(err, syscall.ECONNRESET) })
	f("half", func(r result, err error) bool {
		return r.status == 200 && string(r.body) == "0123456789" && errors.Is(err, io.EOF)
	})
	f("garbage", func(_ result, err error) bool { return errors.Is(err, ajp.ErrMagic) })
	if r := must(t, dial(t, s.AJPAddr()), call{method: "GET", uri: "/app/fault", query: "do=nothing"}); r.status != 400 {
		t.Errorf("unknown fault: %d", r.status)
	}
	f("die", func(_ result, err error) bool { return err != nil })
	if c, err := net.Dial("tcp", s.AJPAddr()); err == nil {
		c.Close()
		t.Error("a dead server accepts")
	}
}

// TestKillEndsAHang: a hanging request keeps neither Kill nor Close.
func TestKillEndsAHang(t *testing.T) {
	entered := make(chan struct{})
	var s *Server
	s = start(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		s.misbehave(w, r, "hang")
	})})
	c := dial(t, s.AJPAddr())
	done := make(chan error)
	go func() {
		_, err := c.do(call{method: "GET", uri: "/"})
		done <- err
	}()
	<-entered
	s.Kill()
	if err := <-done; err == nil {
		t.Error("the hanging request was answered")
	}
	s.Close()
	if n := len(s.conns); n != 0 {
		t.Errorf("%d connections left", n)
	}
}

func TestPacketSizeHasBounds(t *testing.T) {
	if _, err := Start(Options{PacketSize: 100}); err == nil {
		t.Error("packet size 100 accepted")
	}
}

func TestUpgrade(t *testing.T) {
	s := start(t, Options{Route: "tomcat1"})
	c, err := net.Dial("tcp", s.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /app/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nfirst")
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The key and its answer are the example of RFC 6455 section 1.3.
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("status %d, header %v", resp.StatusCode, resp.Header)
	}
	io.WriteString(c, " second")
	got := make([]byte, len("first second"))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "first second" {
		t.Errorf("came back: %q, %v", got, err)
	}
	if r := must(t, dial(t, s.AJPAddr()), call{method: "GET", uri: "/app/ws", header: map[string]string{"Upgrade": "websocket", "Sec-WebSocket-Key": "x"}}); r.status != 501 {
		t.Errorf("over AJP: %d", r.status)
	}
}
