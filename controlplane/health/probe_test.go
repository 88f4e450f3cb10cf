package health

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

// serve listens and gives each connection to script, which closes it by
// returning.
func serve(t *testing.T, script func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			script(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// take reads one packet of the client.
func take(c net.Conn) []byte {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil
	}
	body := make([]byte, int(head[2])<<8|int(head[3]))
	if _, err := io.ReadFull(c, body); err != nil {
		return nil
	}
	return body
}

// tomcat answers CPING, then whatever request with the bytes.
func tomcat(t *testing.T, answer []byte) string {
	return serve(t, func(c net.Conn) {
		take(c)
		_, _ = c.Write(ajp.AppendCPong(nil))
		if take(c) != nil {
			_, _ = c.Write(answer)
			_, _ = io.Copy(io.Discard, c)
		}
	})
}

func ask(t *testing.T, scheme table.Scheme, addr string, req *Request) Sample {
	t.Helper()
	return new(NetProber).Probe(t.Context(), Target{
		ID: "x", To: table.Target{Scheme: scheme, Addr: addr, Host: addr, Secret: "s3cret"},
		Settings: Settings{Every: 2 * time.Second, Connect: 2 * time.Second, Timeout: 2 * time.Second, Request: req},
	})
}

func check(t *testing.T, s Sample, ok bool, text string) {
	t.Helper()
	if s.OK != ok || s.Text != text {
		t.Errorf("got %v %q, want %v %q", s.OK, s.Text, ok, text)
	}
}

func TestCPing(t *testing.T) {
	f := func(script func(net.Conn), ok bool, text string) {
		t.Helper()
		check(t, ask(t, table.AJP, serve(t, script), nil), ok, text)
	}
	say := func(b string) func(net.Conn) {
		return func(c net.Conn) { take(c); _, _ = io.WriteString(c, b) }
	}
	f(say("AB\x00\x01\x09"), true, "cping ok")
	f(say(""), false, "cping: closed at once; no AJP connector listens there")
	f(say("HTTP/1.1 400 \r\n\r\n"), false, "cping: the port speaks HTTP; give the AJP connector's port, or write http://")
	f(say("\x15\x03\x03\x00\x02\x02\x50"), false, "cping: the port speaks TLS; give the AJP connector's port, or write https://")
	f(say("SSH-2.0"), false, "cping: the answer is no AJP (it begins with 5353482d)")
	f(say("AB\x00\x02\x05\x01"), false, "cping: answered with packet type 5 instead of a cpong")
	// Every proper prefix of the CPONG is no CPONG.
	for n := 1; n < 5; n++ {
		if s := ask(t, table.AJP, serve(t, say("AB\x00\x01\x09"[:n])), nil); s.OK {
			t.Errorf("%d bytes of a cpong were accepted", n)
		}
	}
}

func TestCPingSilence(t *testing.T) {
	hold := make(chan struct{})
	addr := serve(t, func(c net.Conn) { <-hold })
	defer close(hold)
	s := new(NetProber).Probe(t.Context(), Target{To: table.Target{Addr: addr},
		Settings: Settings{Connect: time.Second, Timeout: 20 * time.Millisecond}})
	check(t, s, false, "connected, but no cpong within 20ms: the connector is not started (secretRequired without a secret?), still deploying, or busy")
}

func TestProbeEndsWithItsContext(t *testing.T) {
	hold := make(chan struct{})
	addr := serve(t, func(c net.Conn) { take(c); <-hold })
	defer close(hold)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Sample)
	go func() {
		done <- new(NetProber).Probe(ctx, Target{To: table.Target{Addr: addr},
			Settings: Settings{Connect: time.Hour, Timeout: time.Hour}})
	}()
	cancel()
	if s := <-done; s.OK {
		t.Error("a cancelled probe was good")
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	check(t, ask(t, table.AJP, addr, nil), false, "connect refused")
	check(t, ask(t, table.HTTP, addr, &Request{Path: "/"}), false, "connect refused")
}

func answer(status int, reuse bool) []byte {
	b := ajp.AppendSendHeaders(nil, status, "x")
	b = ajp.AppendChunk(b, []byte("page"))
	return ajp.AppendEnd(b, reuse)
}

func TestRequestAJP(t *testing.T) {
	f := func(answer []byte, expect []Range, ok bool, text string) {
		t.Helper()
		s := ask(t, table.AJP, tomcat(t, answer), &Request{Path: "/healthz", Expect: expect})
		check(t, s, ok, text)
	}
	f(answer(200, true), nil, true, "health request 200")
	f(answer(302, true), nil, true, "health request 302")
	f(answer(404, true), nil, false, "health request got 404, expected 200-399")
	f(answer(404, true), []Range{{200, 299}, {404, 404}}, true, "health request 404")
	f(answer(503, true), []Range{{200, 299}, {404, 404}}, false, "health request got 503, expected 200-299, 404")
	// An application's own 403 and a connector's differ in the reuse flag only.
	f(answer(403, true), nil, false, "health request got 403, expected 200-399")
	f(answer(403, false), nil, false, refused)
	f(answer(403, false), []Range{{403, 403}}, true, "health request 403")
	f(ajp.AppendEnd(nil, true), nil, false, "health request: the answer ended without a status")
	f([]byte("HTTP/1.1 200 OK"), nil, false, "health request: "+string(ajp.ErrMagic))
	// Tomcat 7.0 answers a wrong secret with these bytes.
	seven, err := hex.DecodeString("414200110401930009466f7262696464656e000000" + "4142000205" + "00")
	if err != nil {
		t.Fatal(err)
	}
	f(seven, nil, false, refused)
	// An application that reads although there is no body is served an end.
	f(append(ajp.AppendGetBody(nil, 8186), answer(200, true)...), nil, true, "health request 200")
}

func TestRequestAJPTruncated(t *testing.T) {
	whole := answer(403, false)
	for n := range whole {
		addr := serve(t, func(c net.Conn) {
			take(c)
			_, _ = c.Write(ajp.AppendCPong(nil))
			take(c)
			_, _ = c.Write(whole[:n])
		})
		if s := ask(t, table.AJP, addr, &Request{Path: "/"}); s.OK {
			t.Errorf("%d of %d bytes were a good answer: %q", n, len(whole), s.Text)
		}
	}
}

// The request carries the secret, the host and the query where AJP wants them.
func TestHealthPacket(t *testing.T) {
	var got ajp.Request
	addr := serve(t, func(c net.Conn) {
		take(c)
		_, _ = c.Write(ajp.AppendCPong(nil))
		if err := got.Parse(take(c)); err != nil {
			t.Error(err)
		}
		_, _ = c.Write(answer(200, true))
	})
	s := ask(t, table.AJP, addr, &Request{Path: "/app/healthz?deep=1", Host: "shop.example:8443"})
	check(t, s, true, "health request 200")
	has := func(what string, got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	has("method", got.Line.Method, "GET")
	has("path", got.Line.URI, "/app/healthz")
	has("query", got.Attr(ajp.AttrQuery), "deep=1")
	has("secret", got.Attr(ajp.AttrSecret), "s3cret")
	has("host", got.Header("host"), "shop.example:8443")
	has("server name", got.Line.ServerName, "shop.example")
	has("server port", fmt.Append(nil, got.Line.ServerPort), "8443")
	has("length", got.Header("content-length"), "0")
}

func TestHTTP(t *testing.T) {
	var host string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	check(t, ask(t, table.HTTP, addr, nil), true, "connect ok")
	check(t, ask(t, table.HTTP, addr, &Request{Path: "/ok?x=1", Host: "shop.example"}), true, "health request 200")
	if host != "shop.example" {
		t.Errorf("host was %q", host)
	}
	check(t, ask(t, table.HTTP, addr, &Request{Path: "/moved"}), true, "health request 302")
	check(t, ask(t, table.HTTP, addr, &Request{Path: "/broken"}), false, "health request got 500, expected 200-399")
	// TLS against a port without it, and a plain request against one with it.
	s := ask(t, table.HTTPS, addr, &Request{Path: "/ok"})
	check(t, s, false, "TLS: the port does not speak TLS")
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	s = ask(t, table.HTTPS, secure.Listener.Addr().String(), nil)
	check(t, s, false, "TLS: certificate not accepted: x509: certificate signed by unknown authority")
	odd := serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _, _ = io.WriteString(c, "AB\x00\x01\x09") })
	if s := ask(t, table.HTTP, odd, &Request{Path: "/"}); s.OK || !strings.HasPrefix(s.Text, "health request: ") {
		t.Errorf("an answer that is no HTTP: %v", s)
	}
}

func TestWords(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if got := words("connect", err, time.Second); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
	f(context.DeadlineExceeded, "connect: no answer within 1s")
	f(&net.DNSError{Name: "tomcat9", IsNotFound: true}, `host name "tomcat9" not found`)
	f(&net.DNSError{Name: "tomcat9", IsTimeout: true}, `host name "tomcat9": no answer from the name server`)
	f(net.ErrClosed, "connect: given up")
	f(io.EOF, "connect: connection closed without an answer")
	f(tls.AlertError(40), "connect: TLS refused: tls: handshake failure")
}
