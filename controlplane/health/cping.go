package health

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/catherd/catherd/ajp"
)

// probeAJP sends a CPING and, when configured, a GET on the same connection.
func probeAJP(conn net.Conn, t Target) Sample {
	begin := time.Now()
	_ = conn.SetDeadline(begin.Add(t.Settings.Timeout))
	if _, err := conn.Write(ajp.AppendCPing(nil)); err != nil {
		return failed("cping", err, t.Settings.Timeout)
	}
	in := reader{conn: conn}
	payload, err := in.next()
	switch {
	case err != nil:
		return in.noPong(err, t.Settings.Timeout)
	case len(payload) != 1 || ajp.Type(payload[0]) != ajp.CPong:
		return Sample{Text: fmt.Sprintf("cping: answered with packet type %d instead of a cpong", payload[0])}
	}
	ping := time.Since(begin)
	if t.Settings.Request == nil || t.Quick {
		return Sample{OK: true, Text: "cping ok", Ping: ping}
	}
	s := requestAJP(conn, &in, t)
	s.Ping, s.Session = ping, in.begun
	return s
}

// requestAJP sends the health request and reads to its end where the end or
// the body matters: a 403 of an application ends with reuse 1, a 403 of the connector
// (wrong secret, attribute not allowed) with reuse 0. There is no other
// difference (measured on Tomcat 7.0 to 11.0).
func requestAJP(conn net.Conn, in *reader, t Target) Sample {
	req := t.Settings.Request
	limit := t.Settings.RequestTimeout()
	_ = conn.SetDeadline(time.Now().Add(limit))
	packet, err := healthPacket(conn, t)
	if err != nil {
		return Sample{Text: fmt.Sprintf("health request %q does not fit an AJP packet", req.Path)}
	}
	if _, err := conn.Write(packet); err != nil {
		return failed("health request", err, limit)
	}
	status := 0
	var head ajp.ResponseHead
	var body []byte
	for in.total < maxAnswer {
		payload, err := in.next()
		if err != nil {
			s := req.judge(status)
			switch {
			case status == 0, s.OK && status != 403:
				// Nothing, or a body that has no end.
				return failed("health request", err, limit)
			case !s.OK:
				// It is a 403, of whom is not known without its end.
				s.Text, s.Fail = refusedBySome, Odd
			}
			return req.judgeBody(s, body)
		}
		switch ajp.Type(payload[0]) {
		case ajp.SendHeaders:
			if err := head.Parse(payload); err != nil {
				return Sample{Text: "health request: the answer is no AJP: " + err.Error()}
			}
			status = head.Status
			in.begun = req.begunAJP(t.Cookie, head.Fields)
			if s := req.judge(status); status != 403 && !req.wantsBody(s) {
				return s
			}
		case ajp.SendBodyChunk:
			chunk, err := ajp.ParseChunk(payload)
			if err != nil {
				return Sample{Text: "health request: the answer is no AJP: " + err.Error()}
			}
			if body = append(body, chunk...); len(body) >= MaxBody && status != 403 {
				return req.judgeBody(req.judge(status), body)
			}
			body = body[:min(len(body), MaxBody)]
		case ajp.GetBodyChunk:
			// The application reads although there is no body (Tomcat 7).
			if _, err := conn.Write(emptyBody); err != nil {
				return failed("health request", err, limit)
			}
		case ajp.EndResponse:
			reuse, err := ajp.ParseEnd(payload)
			if err != nil || status == 0 {
				return Sample{Text: "health request: the answer ended without a status"}
			}
			s := req.judge(status)
			if !s.OK && !reuse {
				// Not the application's word: every request would get it.
				s.Text, s.Fail = refused, Odd
			}
			return req.judgeBody(s, body)
		}
	}
	return req.judgeBody(req.judge(status), body)
}

// refused names what to look at in Tomcat's own words.
const refused = `health request got 403: the AJP secret differs from secret="..." in server.xml, or an attribute is not allowed`

// refusedBySome is for a 403 whose end did not come in time.
const refusedBySome = `health request got 403 and no end: the application refuses it, or the AJP secret differs from secret="..." in server.xml, or an attribute is not allowed`

// maxAnswer bounds what is read of an answer, in bytes. Only a 403 is read to
// its end, and Tomcat's own page has 628 bytes; of a body that is looked at
// MaxBody is enough.
const maxAnswer = 1 << 20

var emptyBody = []byte{0x12, 0x34, 0, 0}

// healthPacket builds the GET. The secret comes right after the fields, as
// both httpd modules send it; nothing else is sent that a connector could
// refuse.
func healthPacket(conn net.Conn, t Target) ([]byte, error) {
	req := t.Settings.Request
	host := req.authority(t.To)
	line, query := ajp.ProbeLine(host, req.Path, conn.LocalAddr())
	var w ajp.Writer
	w.Begin(nil, ajp.DefaultPacket, &line)
	w.Header([]byte("host"), []byte(host))
	w.Header([]byte("user-agent"), []byte("catherd-health"))
	w.Header([]byte("content-length"), []byte("0"))
	if t.Cookie != "" {
		w.Header([]byte("cookie"), []byte(t.Cookie))
	}
	if t.To.Secret != "" {
		w.Attr(ajp.AttrSecret, []byte(t.To.Secret))
	}
	if query != nil {
		w.Attr(ajp.AttrQuery, query)
	}
	return w.End()
}

// reader takes whole packets from a connection.
type reader struct {
	conn  net.Conn
	buf   []byte
	used  int // bytes of buf taken by the packet last returned
	total int
	begun Session // what the head of an answer said of a session
}

// next returns the payload of the next packet, valid until the next call.
func (r *reader) next() ([]byte, error) {
	r.buf = r.buf[:copy(r.buf, r.buf[r.used:])]
	r.used = 0
	for {
		if len(r.buf) > 0 {
			payload, n, _, err := ajp.Split(r.buf, ajp.MaxPacket)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				r.used = n
				return payload, nil
			}
		}
		if cap(r.buf)-len(r.buf) < 4096 {
			r.buf = append(make([]byte, 0, 2*cap(r.buf)+8192), r.buf...)
		}
		n, err := r.conn.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		r.total += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// noPong explains why no CPONG came, from what did come.
func (r *reader) noPong(err error, limit time.Duration) Sample {
	s := Sample{Fail: kindOf(err)}
	switch {
	case bytes.HasPrefix(r.buf, []byte("HTTP")):
		s.Text, s.Fail = "cping: the port speaks HTTP; give the AJP connector's port, or write http://", Odd
	case bytes.HasPrefix(r.buf, []byte{0x15, 0x03}):
		s.Text, s.Fail = "cping: the port speaks TLS; give the AJP connector's port, or write https://", Odd
	case len(r.buf) > 0:
		s.Text, s.Fail = fmt.Sprintf("cping: the answer is no AJP (it begins with %x)", r.buf[:min(len(r.buf), 4)]), Odd
	case errors.Is(err, os.ErrDeadlineExceeded):
		// A connector that did not start keeps its port bound.
		s.Text = fmt.Sprintf("connected, but no cpong within %s: the connector is not started "+
			"(secretRequired without a secret?), still deploying, or busy", limit)
	case errors.Is(err, io.EOF):
		s.Text = "cping: closed at once; no AJP connector listens there"
	default:
		s.Text = words("cping", err, limit)
	}
	return s
}
