package tomcat

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/catherd/catherd/ajp"
)

// client is the web server side of one AJP connection, as plain as can be.
type client struct {
	conn net.Conn
	buf  []byte
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{conn: c}
}

// result is one answer over AJP.
type result struct {
	status int
	header http.Header
	body   []byte
	reuse  bool
	asked  int // GET_BODY_CHUNKs
}

// call is one request. A body is announced by Content-Length unless chunked is set.
type call struct {
	method, uri, query, secret string
	header                     map[string]string
	body                       []byte
	chunked                    bool
}

func (c *client) do(k call) (result, error) {
	var w ajp.Writer
	line := ajp.Line{Method: []byte(k.method), Protocol: []byte("HTTP/1.1"), URI: []byte(k.uri),
		RemoteAddr: []byte("192.0.2.7"), ServerName: []byte("app.example"), ServerPort: 80}
	w.Begin(nil, ajp.DefaultPacket, &line)
	w.Header([]byte("Host"), []byte("app.example"))
	for name, value := range k.header {
		w.Header([]byte(name), []byte(value))
	}
	if k.chunked {
		w.Header([]byte("Transfer-Encoding"), []byte("chunked"))
	} else if k.body != nil {
		w.Header([]byte("Content-Length"), fmt.Append(nil, len(k.body)))
	}
	if k.query != "" {
		w.Attr(ajp.AttrQuery, []byte(k.query))
	}
	if k.secret != "" {
		w.Attr(ajp.AttrSecret, []byte(k.secret))
	}
	w.ReqAttr("JK_LB_ACTIVATION", []byte("ACT"))
	w.ReqAttr(ajp.NameRemotePort, []byte("4711"))
	out, err := w.End()
	if err != nil {
		return result{}, err
	}
	rest := k.body
	if len(rest) > 0 && !k.chunked {
		out = takeBody(out, &rest)
	}
	if _, err := c.conn.Write(out); err != nil {
		return result{}, err
	}
	return c.read(rest)
}

func takeBody(out []byte, rest *[]byte) []byte {
	n := min(len(*rest), ajp.MaxBody(ajp.DefaultPacket))
	out = append(ajp.AppendBodyHeader(out, n), (*rest)[:n]...)
	*rest = (*rest)[n:]
	return out
}

// read takes one answer and hands out the rest of the body when asked.
func (c *client) read(rest []byte) (result, error) {
	r := result{header: http.Header{}}
	for {
		payload, err := c.packet()
		if err != nil {
			return r, err
		}
		switch ajp.Type(payload[0]) {
		case ajp.GetBodyChunk:
			r.asked++
			out := ajp.EmptyBody
			if len(rest) > 0 {
				out = takeBody(nil, &rest)
			}
			if _, err := c.conn.Write(out); err != nil {
				return r, err
			}
		case ajp.SendHeaders:
			var head ajp.ResponseHead
			if err := head.Parse(payload); err != nil {
				return r, err
			}
			r.status = head.Status
			for _, f := range head.Fields {
				r.header.Add(string(f.Name), string(f.Value))
			}
		case ajp.SendBodyChunk:
			data, err := ajp.ParseChunk(payload)
			if err != nil {
				return r, err
			}
			r.body = append(r.body, data...)
		case ajp.EndResponse:
			r.reuse, err = ajp.ParseEnd(payload)
			return r, err
		default:
			return r, fmt.Errorf("unexpected packet % x", payload)
		}
	}
}

func (c *client) packet() ([]byte, error) {
	for {
		payload, n, _, err := ajp.Split(c.buf, ajp.DefaultPacket)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			c.buf = c.buf[n:]
			return payload, nil
		}
		more := make([]byte, 16<<10)
		got, err := c.conn.Read(more)
		if err != nil && got == 0 {
			if errors.Is(err, io.EOF) && len(c.buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		c.buf = append(c.buf, more[:got]...)
	}
}
