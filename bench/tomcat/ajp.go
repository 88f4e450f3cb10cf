package tomcat

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/catherd/catherd/ajp"
)

// container serves one AJP connection.
type container struct {
	server *Server
	conn   net.Conn
	in     []byte // received, not yet used
	used   int    // length of the packet at the start of in that was handed out
	taken  bool   // the application took the connection
}

// serve reads requests until the connection ends or is out of step.
func (c *container) serve() {
	defer c.conn.Close()
	var req ajp.Request
	for {
		payload, err := c.packet()
		if err != nil {
			return
		}
		if ajp.ParseCPing(payload) == nil {
			if _, err := c.conn.Write(ajp.AppendCPong(nil)); err != nil {
				return
			}
			continue
		}
		if err := req.Parse(payload); err != nil {
			c.refuse(http.StatusBadRequest, err.Error())
			return
		}
		if !req.Authorized(c.server.options.Secret) {
			c.refuse(http.StatusForbidden, "secret") // Tomcat: 403, reuse 0
			return
		}
		length, err := req.BodyLength()
		if err != nil {
			c.refuse(http.StatusBadRequest, err.Error())
			return
		}
		if !c.answer(&req, length) {
			return
		}
	}
}

// answer runs the application for one request; false: the connection must be closed.
func (c *container) answer(req *ajp.Request, length int64) (reuse bool) {
	b := newBody(c, length)
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), attributesKey{}, attributesOf(req)))
	defer cancel()
	r, err := translate(ctx, req, b, length)
	if err != nil {
		c.refuse(http.StatusBadRequest, err.Error())
		return false
	}
	w := &answer{container: c, method: r.Method, header: http.Header{}}
	c.server.handler.ServeHTTP(w, r)
	if c.taken {
		return false
	}
	if err := b.settle(w); err != nil {
		return false
	}
	return w.finish() == nil
}

// refuse answers without the application and ends the connection (reuse 0).
func (c *container) refuse(status int, why string) {
	out := ajp.AppendSendHeaders(nil, status, strconv.Itoa(status), ajp.Field("Content-Type", "text/plain"))
	out = ajp.AppendChunk(out, []byte(why+"\n"))
	c.conn.Write(ajp.AppendEnd(out, false)) // the connection is closed next in any case
}

// packet returns the payload of the next packet. It stays valid until the next call.
func (c *container) packet() ([]byte, error) {
	c.in = c.in[:copy(c.in, c.in[c.used:])]
	c.used = 0
	for {
		payload, n, need, err := ajp.SplitRequest(c.in, c.server.options.PacketSize)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			c.used = n
			return payload, nil
		}
		if cap(c.in) < need {
			c.in = append(make([]byte, 0, c.server.options.PacketSize), c.in...)
		}
		got, err := c.conn.Read(c.in[len(c.in):cap(c.in)])
		c.in = c.in[:len(c.in)+got]
		if got == 0 {
			if err == nil {
				err = io.ErrNoProgress
			}
			return nil, err
		}
	}
}

// translate makes the request the application understands. Everything is copied: the
// packet is overwritten when the body is read.
func translate(ctx context.Context, req *ajp.Request, b io.ReadCloser, length int64) (*http.Request, error) {
	target := string(req.URI)
	if query := req.Attr(ajp.AttrQuery); query != nil {
		target += "?" + string(query)
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: string(req.Method), URL: u, RequestURI: target, Proto: string(req.Protocol),
		ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: b, ContentLength: length,
		RemoteAddr: net.JoinHostPort(string(req.RemoteAddr), string(req.ReqAttr(ajp.NameRemotePort))),
		Host:       string(req.ServerName),
	}
	for _, f := range req.Headers {
		if strings.EqualFold(string(f.Name), "Host") {
			r.Host = string(f.Value)
			continue
		}
		r.Header.Add(string(f.Name), string(f.Value))
	}
	return r.WithContext(ctx), nil
}

// attributesOf copies the attributes, see Attributes.
func attributesOf(req *ajp.Request) map[string]string {
	names := map[byte]string{
		ajp.AttrContext: "context", ajp.AttrServletPath: "servlet_path", ajp.AttrRemoteUser: "remote_user",
		ajp.AttrAuthType: "auth_type", ajp.AttrQuery: "query", ajp.AttrRoute: "route",
		ajp.AttrSSLCert: "ssl_cert", ajp.AttrSSLCipher: "ssl_cipher", ajp.AttrSSLSession: "ssl_session",
		ajp.AttrSecret: "secret", ajp.AttrStoredMethod: "stored_method",
	}
	m := map[string]string{"secure": strconv.FormatBool(req.SSL)}
	for _, a := range req.Attributes {
		switch a.Code {
		case ajp.AttrReqAttr:
			m[string(a.Name)] = string(a.Value)
		case ajp.AttrKeySize:
			m["ssl_key_size"] = strconv.Itoa(int(a.Bits))
		default:
			m[names[a.Code]] = string(a.Value)
		}
	}
	return m
}
