package doctor

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/catherd/catherd/ajp"
)

// handler plays the peer on the n-th connection, counted from 1. The
// connection is closed when it returns.
type handler func(n int, c net.Conn)

// pipes is a Subject.Dial whose connections are answered by h, inside this
// process and, in a synctest bubble, inside its time.
func pipes(h handler) func(context.Context, string, string) (net.Conn, error) {
	var n atomic.Int64
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		number := int(n.Add(1))
		go func() { // ends with its handler, which ends when our side is closed
			defer theirs.Close()
			h(number, theirs)
		}()
		return ours, nil
	}
}

// container is a Tomcat's AJP connector. Its zero value is one without a secret.
type container struct {
	secret  string
	allowed string // the one request attribute that is let in beyond Tomcat's own
	packet  int    // 0: 8192
	host    string // the only Host that gets the page; "" for any
	status  int    // of the page; 0: 200
	head    []ajp.HeaderField
	chunk   int    // bytes of the page's one chunk
	page    string // another chunk before it
	reads   bool   // the application asks for a body
	threads int    // requests served at a time; 0: any number
	inside  atomic.Int64
}

// serve answers until the peer closes.
func (t *container) serve(_ int, c net.Conn) {
	in := &inbox{Conn: c, packet: t.packet}
	for {
		payload, err := in.next()
		if err != nil {
			if err == ajp.ErrLength { // ajp13.md 10: head larger than P
				t.end(c, 500, false)
			}
			return
		}
		if ajp.ParseCPing(payload) == nil {
			if _, err := c.Write(ajp.AppendCPong(nil)); err != nil {
				return
			}
			continue
		}
		var r ajp.Request
		if r.Parse(payload) != nil || !t.answer(c, in, &r) {
			return
		}
	}
}

func (t *container) answer(c net.Conn, in *inbox, r *ajp.Request) bool {
	if !r.Authorized(t.secret) {
		return t.end(c, 403, false)
	}
	for i := range r.Attributes {
		a := &r.Attributes[i]
		if a.Code == ajp.AttrReqAttr && !strings.HasPrefix(string(a.Name), "AJP_") && string(a.Name) != ajp.NameActivation &&
			string(a.Name) != t.allowed {
			return t.end(c, 403, false)
		}
	}
	if strings.Contains(string(r.Header("host")), "_") {
		return t.end(c, 400, false)
	}
	if t.host != "" && string(r.Header("host")) != t.host {
		return t.end(c, 404, true)
	}
	if t.reads {
		if _, err := c.Write(ajp.AppendGetBody(nil, ajp.MaxBody(t.packet))); err != nil {
			return false
		}
		if _, err := in.next(); err != nil {
			return false
		}
	}
	if length, _ := r.BodyLength(); length > 0 { // END_RESPONSE waits for the announced packet
		if _, err := c.Write(ajp.AppendSendHeaders(nil, 200, "")); err != nil {
			return false
		}
		if _, err := in.next(); err != nil {
			return false
		}
		_, err := c.Write(ajp.AppendEnd(nil, true))
		return err == nil
	}
	return t.end(c, max(t.status, 200), true)
}

// end writes a whole answer.
func (t *container) end(c net.Conn, status int, reuse bool) bool {
	out := ajp.AppendSendHeaders(nil, status, "", t.head...)
	if t.page != "" {
		out = ajp.AppendChunk(out, []byte(t.page))
	}
	if t.chunk > 0 {
		out = ajp.AppendChunk(out, make([]byte, t.chunk))
	}
	_, err := c.Write(ajp.AppendEnd(out, reuse))
	return err == nil && reuse
}

// inbox gives the packets of a web server.
type inbox struct {
	net.Conn
	packet int
	buf    []byte
}

func (i *inbox) next() ([]byte, error) {
	for {
		payload, n, _, err := ajp.SplitRequest(i.buf, i.packet)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			payload = bytes.Clone(payload)
			i.buf = i.buf[n:]
			return payload, nil
		}
		var b [70000]byte
		got, err := i.Read(b[:])
		if err != nil {
			return nil, err
		}
		i.buf = append(i.buf, b[:got]...)
	}
}

// says reads something and answers with these bytes.
func says(text string) handler {
	return func(_ int, c net.Conn) {
		var b [4096]byte
		if _, err := c.Read(b[:]); err == nil {
			_, _ = io.WriteString(c, text)
		}
	}
}

// mute reads and says nothing.
func mute(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// examineWith examines a peer inside a bubble of its own, where time passes
// only when everybody waits.
func examineWith(t *testing.T, s Subject, h handler) (r Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if s.Protocol == "" {
			s.Protocol = AJP
		}
		if s.Addr == "" {
			s.Addr = "tomcat.test:8009"
		}
		s.Dial = pipes(h)
		r = Examine(t.Context(), s)
	})
	return r
}

// wants checks the IDs of the findings.
func wants(t *testing.T, r Report, ids string) {
	t.Helper()
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.ID)
		if f.Seen == "" || f.Cause == "" || f.Cure == "" || f.Severity == "" {
			t.Errorf("%s is incomplete: %+v", f.ID, f)
		}
	}
	if strings.Join(got, " ") != ids {
		t.Errorf("found %q, want %q:\n%s", got, ids, r.Text("tomcat1", 0, 100))
	}
}
