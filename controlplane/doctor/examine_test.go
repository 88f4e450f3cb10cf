package doctor

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/ajp"
)

const page = "/healthz"

func TestWell(t *testing.T) {
	f := func(s Subject, c *container) {
		t.Helper()
		r := examineWith(t, s, c.serve)
		wants(t, r, "")
		if last := r.Steps[len(r.Steps)-1]; last.Name != "idle" || !last.OK {
			t.Errorf("last step %+v", last)
		}
	}
	f(Subject{}, &container{})
	f(Subject{Path: page, Secret: "s"}, &container{secret: "s"})
	f(Subject{Path: page + "?full=1", Packet: 65536}, &container{packet: 65536, chunk: 60000, reads: true})
	f(Subject{Path: page, Attributes: []string{"SSO"}}, &container{allowed: "SSO"})
	f(Subject{Path: page, Expect: []Range{{404, 404}}}, &container{status: 404})
	f(Subject{}, &container{status: 500}) // not judged
	f(Subject{Path: page, Deep: true, Max: 20, KeepFor: 40 * time.Second}, &container{})
}

// A body is held against what the health request wants of it, as by a probe that goes on.
func TestBody(t *testing.T) {
	f := func(protocol, body, text, want string) {
		t.Helper()
		serve := (&container{page: text, chunk: 7000}).serve
		if protocol == HTTP {
			serve = says("HTTP/1.1 200 \r\nConnection: close\r\n\r\n" + text)
		}
		r := examineWith(t, Subject{Protocol: protocol, Path: page, Body: body}, serve)
		ids := ""
		for _, f := range r.Findings {
			if f.ID == "body" {
				ids = f.ID
			}
		}
		if ids != want {
			t.Errorf("%s, %q in %q: %q, want %q", protocol, body, text, ids, want)
		}
		for _, s := range r.Steps {
			if strings.HasPrefix(s.Name, "GET ") && s.OK != (want == "") {
				t.Errorf("%s, %q in %q: step %+v", protocol, body, text, s)
			}
		}
	}
	for _, protocol := range []string{AJP, HTTP} {
		f(protocol, "", "DOWN", "")
		f(protocol, "UP", "status: UP", "")
		f(protocol, "UP", "status: DOWN", "body")
		f(protocol, "~^status: *UP", "status: UP", "")
		f(protocol, "~^UP", "status: UP", "body")
	}
}

func TestSecret(t *testing.T) {
	wants(t, examineWith(t, Subject{Secret: "wrong"}, (&container{secret: "right"}).serve), "secret-wrong")
	wants(t, examineWith(t, Subject{}, (&container{secret: "right"}).serve), "secret-missing")
	r := examineWith(t, Subject{Secret: "right"}, (&container{}).serve)
	wants(t, r, "secret-unused")
	if !r.OK() {
		t.Error("a note counts as a fault")
	}
	// A 403 of the application is none of the secret's.
	wants(t, examineWith(t, Subject{Path: page, Secret: "s"}, (&container{secret: "s", status: 403}).serve), "app-forbids")
}

func TestAttribute(t *testing.T) {
	r := examineWith(t, Subject{Path: page, Attributes: []string{"SSO", "OTHER", "THIRD"}}, (&container{allowed: "SSO"}).serve)
	wants(t, r, "attribute-forbidden")
	if f := r.Findings[0]; !strings.Contains(f.Cure, `allowedRequestAttributesPattern="OTHER|THIRD"`) {
		t.Errorf("cure %s", f.Cure)
	}
}

func TestPacketSize(t *testing.T) {
	f := func(ours, theirs, chunk int, reads bool, want, names string) {
		t.Helper()
		r := examineWith(t, Subject{Path: page, Packet: ours}, (&container{packet: theirs, chunk: chunk, reads: reads}).serve)
		wants(t, r, want)
		if !strings.Contains(r.Text("", 0, 1000), names) {
			t.Errorf("nothing says %q:\n%s", names, r.Text("", 0, 1000))
		}
	}
	f(65536, 8192, 0, false, "packet-smaller", "max_packet_size: 8192 here")
	f(65536, 17408, 0, false, "packet-smaller", "max_packet_size: 17408 here")
	f(9000, 8192, 0, true, "packet-smaller", `packetSize="9000"`)
	f(8192, 65536, 65528, false, "packet-larger", "max_packet_size: 65536 here")
	f(8192, 16384, 0, true, "packet-larger", "max_packet_size: 16384 here")
}

// A valve that dislikes long heads is no packet size.
func TestLongHead(t *testing.T) {
	valve := func(_ int, c net.Conn) {
		in := &inbox{Conn: c, packet: 65536}
		for {
			payload, err := in.next()
			switch {
			case err != nil:
				return
			case ajp.ParseCPing(payload) == nil:
				_, _ = c.Write(ajp.AppendCPong(nil))
			case len(payload) > 4000:
				_, _ = c.Write(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 431, ""), true))
			default:
				_, _ = c.Write(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 200, ""), true))
			}
		}
	}
	wants(t, examineWith(t, Subject{Packet: 65536}, valve), "long-head")
}

func TestWrongPort(t *testing.T) {
	f := func(protocol string, h handler, want string) {
		t.Helper()
		wants(t, examineWith(t, Subject{Protocol: protocol}, h), want)
	}
	const tls = "\x15\x03\x03\x00\x02\x02\x50"
	f(AJP, says("HTTP/1.1 400 \r\n\r\n"), "http-port")
	f(AJP, says(tls), "tls-port")
	f(AJP, says("SSH-2.0-OpenSSH_9.6\r\n"), "other-service")
	f(AJP, says("-ERR unknown command\r\n"), "other-service")
	f(AJP, says("AB\x00\x02\x05\x01"), "other-service")
	f(AJP, says(""), "closed")
	f(HTTP, says(tls), "tls-port")
	f(HTTP, says("HTTP/1.1 400 \r\nConnection: close\r\n\r\nBad Request\r\nThis combination of host and port requires TLS.\r\n"), "tls-port")
	f(HTTP, says("SSH-2.0-OpenSSH_9.6\r\n"), "other-service")
	f(HTTP, says(""), "closed")
	f(HTTP, (&container{}).serve, "ajp-port")
	f(HTTPS, (&container{}).serve, "ajp-port")
	f(HTTPS, says("HTTP/1.1 400 \r\n\r\n"), "not-tls")
	f(HTTPS, says("\x15\x03\x03\x00\x02\x02\x28"), "not-tls")
	f(HTTPS, mute, "silent")
	f(HTTP, mute, "silent")
}

// What one server says before it is asked is seen as well.
func TestGreeting(t *testing.T) {
	r := examineWith(t, Subject{}, func(_ int, c net.Conn) {
		go func() { _, _ = io.WriteString(c, "220 mail.test ESMTP\r\n") }() // ends with the pipe
		mute(0, c)
	})
	wants(t, r, "other-service")
	if f := r.Findings[0]; !strings.Contains(f.Seen, `"220 mail.test ESMTP"`) || !strings.Contains(f.Cause, "mail") {
		t.Errorf("%+v", f)
	}
}

func TestSilent(t *testing.T) {
	r := examineWith(t, Subject{}, mute)
	wants(t, r, "silent")
	if took := r.Steps[1].Took; took != 2500*time.Millisecond {
		t.Errorf("waited %s", took)
	}
	if !strings.Contains(r.Findings[0].String(), "secretRequired") {
		t.Error(r.Findings[0])
	}
	// Patience beyond the five seconds is not cut off and misread.
	wants(t, examineWith(t, Subject{Ping: 20 * time.Second}, mute), "silent")
	wants(t, examineWith(t, Subject{Answer: 30 * time.Second}, pingsOnly), "no-answer")
}

// pingsOnly answers pings and no request.
func pingsOnly(_ int, c net.Conn) {
	in := &inbox{Conn: c, packet: ajp.DefaultPacket}
	for {
		payload, err := in.next()
		if err != nil {
			return
		}
		if ajp.ParseCPing(payload) == nil {
			_, _ = c.Write(ajp.AppendCPong(nil))
		}
	}
}

func TestLate(t *testing.T) {
	r := examineWith(t, Subject{}, func(n int, c net.Conn) {
		if n == 1 {
			time.Sleep(1700 * time.Millisecond) // of the bubble
		}
		(&container{}).serve(n, c)
	})
	wants(t, r, "busy")
	if s := r.Steps[1].String(); s != "cping late, 1.7 s" {
		t.Errorf("step %q", s)
	}
}

func TestNoPage(t *testing.T) {
	f := func(answer string, want string) {
		t.Helper()
		wants(t, examineWith(t, Subject{Path: page}, func(_ int, c net.Conn) {
			in := &inbox{Conn: c, packet: ajp.DefaultPacket}
			if _, err := in.next(); err != nil {
				return
			}
			_, _ = c.Write(ajp.AppendCPong(nil))
			if _, err := in.next(); err == nil {
				_, _ = io.WriteString(c, answer)
			}
		}), want)
	}
	f("", "broken")
	f("AB\x00\x02\x05\x01", "malformed")             // an end without a head
	f("AB\x00\x05\x04\x00\xc8\x00\x09", "malformed") // a head that ends early
	f("AB\x00\x08\x04\x00", "broken")                // half a packet
	f("nonsense", "malformed")
}

func TestStatus(t *testing.T) {
	f := func(status int, want string) {
		t.Helper()
		wants(t, examineWith(t, Subject{Path: page}, (&container{status: status}).serve), want)
	}
	f(399, "")
	f(401, "login")
	f(403, "app-forbids")
	f(404, "not-found")
	f(418, "status")
	f(500, "status")
	f(503, "unavailable")
}

func TestHost(t *testing.T) {
	wants(t, examineWith(t, Subject{Path: page, Host: "shop.test"}, (&container{host: "localhost"}).serve), "host-wrong")
	wants(t, examineWith(t, Subject{Path: page, Host: "my_shop.test"}, (&container{}).serve), "host-refused")
	wants(t, examineWith(t, Subject{Addr: "under_score:8009"}, (&container{}).serve), "host-refused")
}

func TestRedirect(t *testing.T) {
	c := &container{status: 302, head: []ajp.HeaderField{ajp.Field("Location", "https://tomcat.test:8443/healthz")}}
	r := examineWith(t, Subject{Path: page}, c.serve)
	wants(t, r, "redirect-secure")
	if r.Findings[0].Severity != Note {
		t.Error("302 is expected, but counts")
	}
	r = examineWith(t, Subject{Path: page, Expect: []Range{{200, 200}}}, c.serve)
	wants(t, r, "redirect-secure")
	if r.Findings[0].Severity != Fault {
		t.Error("302 is not expected, but does not count")
	}
}

// An examination that is ended says what it knows and nothing that the end
// itself looks like.
func TestEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		s := Subject{Protocol: AJP, Addr: "tomcat.test:8009", Dial: pipes((&container{}).serve), Deep: true}
		start := time.Now()
		r := Examine(ctx, s)
		wants(t, r, "")
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := Examine(ctx, Subject{Protocol: AJP, Addr: "tomcat.test:8009", Dial: pipes(mute)})
		if len(r.Steps) == 0 {
			t.Error("no steps")
		}
	})
}
