package behaviour

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// client is one connection to the engine.
type client struct {
	t  testing.TB
	c  *net.TCPConn
	br *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c := enginetest.Dial(t, addr)
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{t, c, bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.c, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// reply is an answer that came whole.
type reply struct {
	status int
	header http.Header
	body   string
	close  bool
}

// recv reads one answer to a request of the method. err tells that it did not
// come whole.
func (c *client) recv(method string) (r reply, err error) {
	res, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		return r, err
	}
	r = reply{status: res.StatusCode, header: res.Header, close: res.Close}
	b, err := io.ReadAll(res.Body)
	r.body = string(b)
	return r, err
}

// get is recv for answers that must be whole.
func (c *client) get(method string) reply {
	c.t.Helper()
	r, err := c.recv(method)
	if err != nil {
		c.t.Fatalf("answer: %v after %d %q", err, r.status, r.body)
	}
	return r
}

// head is a request head. A body of that length has to follow.
func head(method, id string, length int, fields ...string) string {
	s := method + " /app HTTP/1.1\r\nHost: www.example\r\nX-Request-Id: " + id + "\r\n"
	for _, f := range fields {
		s += f + "\r\n"
	}
	if length > 0 || method == "POST" {
		s += fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	return s + "\r\n"
}

// do sends a request with a body and reads the answer.
func (c *client) do(method, id, body string, fields ...string) reply {
	c.t.Helper()
	c.send(head(method, id, len(body), fields...) + body)
	return c.get(method)
}

// once is do on a connection of its own.
func once(t testing.TB, addr, method, id, body string, fields ...string) reply {
	t.Helper()
	c := dial(t, addr)
	defer c.c.Close()
	return c.do(method, id, body, fields...)
}

// ended reports whether the engine has ended the connection; it waits for it.
func (c *client) ended() bool {
	n, err := io.Copy(io.Discard, c.br)
	return n == 0 && (err == nil || !strings.Contains(err.Error(), "timeout"))
}

// session is the field that names the member as owner of a session.
func session(route string) string { return "Cookie: JSESSIONID=0123456789ABCDEF." + route }
