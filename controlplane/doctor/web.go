package doctor

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/health"
)

// web examines an HTTP or HTTPS connector.
func (x *exam) web() {
	g := &x.signs
	conn, ok := x.connect()
	if !ok {
		return
	}
	l := &line{Conn: conn}
	if x.s.Protocol == HTTPS && !x.handshake(l) {
		return
	}
	g.plain = x.page(l)
	x.stepOf(&g.plain)
	x.close(l)
	if g.plain.outcome != answered {
		// An AJP connector closes without a word when it is spoken to in HTTP.
		g.plain.ajpPort = x.isAJP()
		return
	}
	if x.s.judged() && (g.plain.status == 404 || g.plain.status == 400) && !g.plain.needsTLS {
		x.webElsewhere()
	}
	if g.plain.needsTLS {
		return
	}
	if x.s.Protocol == HTTP {
		x.crowd()
		x.watch()
	}
}

// isAJP asks the port with a CPING.
func (x *exam) isAJP() bool {
	l := x.another()
	if l == nil {
		return false
	}
	defer x.close(l)
	return x.cping(l, x.s.Ping).outcome == answered
}

// webElsewhere asks for the same page of localhost.
func (x *exam) webElsewhere() {
	name, _, err := net.SplitHostPort(x.s.authority())
	if err != nil {
		name = x.s.authority()
	}
	l := x.another()
	if name == "localhost" || l == nil {
		return
	}
	defer x.close(l)
	if x.s.Protocol == HTTPS {
		if s := x.secure(l); s.outcome != answered {
			return
		}
	}
	x.signs.elsewhere = x.pageFrom(l, "localhost")
}

// handshake speaks TLS on the first connection, with the settings of the data
// path: a certificate that it does not accept must not look well here.
func (x *exam) handshake(l *line) bool {
	start := time.Now()
	x.signs.tls = x.secure(l)
	t := &x.signs.tls
	if t.outcome == answered {
		x.step("TLS", true, "", time.Since(start))
		return true
	}
	x.step("TLS", false, t.text, time.Since(start))
	if t.outcome != silent {
		x.signs.plain.ajpPort = x.isAJP()
	}
	return false
}

// secure puts TLS under a line.
func (x *exam) secure(l *line) secure {
	host, _, _ := net.SplitHostPort(x.s.Addr)
	c := tls.Client(l.Conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	_ = c.SetDeadline(x.within(x.s.Answer))
	err := c.HandshakeContext(x.ctx)
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case err == nil:
		l.Conn = c
		return secure{outcome: answered}
	case errors.As(err, &cert):
		return secure{outcome: strange, text: "certificate not accepted: " + cert.Err.Error()}
	case errors.As(err, &record):
		return secure{outcome: strange, text: "the port does not speak TLS", heard: clip(record.RecordHeader[:])}
	case errors.As(err, &alert):
		return secure{outcome: reset, text: "refused: " + alert.Error()}
	case outcomeOf(err, nil) == silent:
		return secure{outcome: silent, text: "no answer within " + set(x.s.Answer)}
	case outcomeOf(err, nil) == closed:
		return secure{outcome: closed, text: "connection closed"}
	default:
		return secure{outcome: reset, text: "connection reset"}
	}
}

// page asks for the page on a connection that stays open where it can.
func (x *exam) page(l *line) answer { return x.pageFrom(l, x.s.authority()) }

func (x *exam) pageFrom(l *line, host string) answer {
	start := time.Now()
	_ = l.SetDeadline(x.within(x.s.Answer))
	// Path and host come out of a checked configuration or URL; what could
	// end the line is no part of either.
	if strings.ContainsAny(x.s.path()+host, "\r\n\x00 ") {
		return answer{outcome: strange, fault: "path or host cannot be sent"}
	}
	_, err := fmt.Fprintf(l, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: catherd-probe\r\n"+
		"Accept: */*\r\nConnection: keep-alive\r\n\r\n", x.s.path(), host)
	if err != nil {
		o := outcomeOf(err, nil)
		return answer{outcome: o, fault: x.inWords(o, nil), took: time.Since(start)}
	}
	a := x.pageOf(l)
	a.took = time.Since(start)
	return a
}

// pageOf reads the answer to a page that was asked for.
func (x *exam) pageOf(l *line) (a answer) {
	seen := &recorder{from: l}
	in := bufio.NewReader(io.LimitReader(seen, maxAnswer))
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		a.heard = seen.first
		a.outcome = outcomeOf(err, a.heard)
		if errors.Is(err, io.ErrUnexpectedEOF) && len(a.heard) == 0 {
			a.outcome = closed
		}
		a.fault = x.inWords(a.outcome, a.heard)
		return a
	}
	defer resp.Body.Close()
	a.outcome, a.status, a.location = answered, resp.StatusCode, resp.Header.Get("Location")
	body, err := io.ReadAll(resp.Body)
	a.end = err == nil
	a.body = body[:min(len(body), health.MaxBody)]
	a.reuse = a.end && !resp.Close && len(body) < maxAnswer/2
	// Tomcat 8.5 and later say so in the page (NioEndpoint's TLS check).
	a.needsTLS = resp.StatusCode == 400 && bytes.Contains(body, []byte("requires TLS"))
	x.signs.keepAlive = announced(resp.Header.Get("Keep-Alive"))
	return a
}

// inWords is an outcome without an answer in the line of steps.
func (x *exam) inWords(o outcome, heard []byte) string {
	switch o {
	case silent:
		return "no answer within " + set(x.s.Answer)
	case closed:
		return "connection closed"
	case strange:
		return "answered in " + string(sniff(heard))
	default:
		return "connection reset"
	}
}

// announced reads the timeout of a Keep-Alive field in seconds; Tomcat 9 and
// later send one (Http11Processor). 0: none, or none that makes sense.
func announced(field string) time.Duration {
	for part := range strings.SplitSeq(field, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if n, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, "timeout") && n > 0 && n < 1e6 {
			return time.Duration(n) * time.Second
		}
	}
	return 0
}

// recorder keeps the first bytes that pass.
type recorder struct {
	from  io.Reader
	first []byte
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	if room := sniffed - len(r.first); room > 0 {
		r.first = append(r.first, b[:min(n, room)]...)
	}
	return n, err
}
