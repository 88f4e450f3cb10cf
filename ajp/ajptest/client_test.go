package ajptest

import (
	"bytes"
	"net"
	"testing"

	"github.com/catherd/catherd/ajp"
)

// client is the smallest web server: one connection, one request at a time.
type client struct {
	t   *testing.T
	tcp net.Conn
	buf []byte
}

// answer is what came back, END_RESPONSE included.
type answer struct {
	status  int
	fields  map[string]string
	body    []byte
	flushes int
	reuse   bool
	asked   int   // GET_BODY_CHUNKs
	err     error // the connection ended before the answer did
}

func dial(t *testing.T, s *Server) *client {
	t.Helper()
	tcp, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	return &client{t: t, tcp: tcp}
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.tcp.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) packet() ([]byte, error) {
	for {
		payload, n, _, err := ajp.Split(c.buf, ajp.MaxPacket)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			payload, c.buf = bytes.Clone(payload), bytes.Clone(c.buf[n:])
			return payload, nil
		}
		var b [4096]byte
		m, err := c.tcp.Read(b[:])
		if err != nil {
			return nil, err
		}
		c.buf = append(c.buf, b[:m]...)
	}
}

// head writes a request head. method, query and headers are those of the request.
func head(method, query, secret string, headers ...string) []byte {
	var w ajp.Writer
	w.Begin(nil, ajp.DefaultPacket, &ajp.Line{
		Method: []byte(method), Protocol: []byte("HTTP/1.1"), URI: []byte("/a"),
		RemoteAddr: []byte("192.0.2.1"), ServerName: []byte("example.com"), ServerPort: 80,
	})
	w.Header([]byte("Host"), []byte("example.com"))
	for i := 0; i < len(headers); i += 2 {
		w.Header([]byte(headers[i]), []byte(headers[i+1]))
	}
	if secret != "" {
		w.Attr(ajp.AttrSecret, []byte(secret))
	}
	w.Attr(ajp.AttrQuery, []byte(query))
	w.ReqAttr(ajp.NameRemotePort, []byte("1234"))
	w.KeySize(256)
	b, err := w.End()
	if err != nil {
		panic(err)
	}
	return b
}

// do sends a request, hands out body as it is asked for, the first packet unasked when
// announced, and reads the answer.
func (c *client) do(request, body []byte, announced bool) (a answer) {
	c.t.Helper()
	next := func(want int) {
		n := min(want, len(body))
		c.send(append(ajp.AppendBodyHeader(nil, n), body[:n]...))
		body = body[n:]
	}
	if len(request) > 0 {
		c.send(request)
	}
	if announced {
		next(ajp.MaxBody(ajp.DefaultPacket))
	}
	a.fields = map[string]string{}
	for {
		payload, err := c.packet()
		if err != nil {
			a.err = err
			return a
		}
		switch ajp.Type(payload[0]) {
		case ajp.GetBodyChunk:
			want, err := ajp.ParseGetBody(payload)
			if err != nil {
				c.t.Fatal(err)
			}
			a.asked++
			next(want)
		case ajp.SendHeaders:
			var h ajp.ResponseHead
			if err := h.Parse(payload); err != nil {
				a.err = err
				return a
			}
			a.status = h.Status
			for _, f := range h.Fields {
				a.fields[string(f.Name)] = string(f.Value)
			}
		case ajp.SendBodyChunk:
			data, err := ajp.ParseChunk(payload)
			if err != nil {
				a.err = err
				return a
			}
			if len(data) == 0 {
				a.flushes++
			}
			a.body = append(a.body, data...)
		case ajp.EndResponse:
			if a.reuse, a.err = ajp.ParseEnd(payload); a.err != nil {
				c.t.Fatal(a.err)
			}
			return a
		default:
			c.t.Fatalf("unexpected %v", ajp.Type(payload[0]))
		}
	}
}

// closed reports whether the container has closed without a further byte.
func (c *client) closed() bool {
	payload, err := c.packet()
	return payload == nil && err != nil && len(c.buf) == 0
}
