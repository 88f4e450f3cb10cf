package behaviour

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// request is what a member sees of one.
type request struct {
	id, method, path string
	body             []byte
}

// conn is one connection as a member sees it, whatever the protocol. Steps fail
// quietly once it has ended; next tells.
type conn interface {
	number() int
	next() (request, bool)                       // the next request with its whole body
	answer(status int, body string, f ...string) // a whole answer; f are field lines
	begin(length int)                            // the head of a 200; -1 without a length
	piece(s string)                              // a part of the body, flushed
	end()                                        // the end of an answer without a length
	close()
	reset()
	stopped() <-chan struct{} // closed when the test is over
}

// member runs a script on every connection.
type member struct {
	t      testing.TB
	scheme table.Scheme
	addr   string
	stop   chan struct{}

	mu       sync.Mutex // guards what follows
	ledger   map[string]int
	total    int
	accepted int
}

func (m *member) saw(r request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ledger[r.id]++
	m.total++
}

// count is how often the request with this id arrived.
func (m *member) count(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledger[id]
}

func (m *member) requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

func (m *member) conns() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.accepted
}

// as is the member in a pool.
func (m *member) as(name string) table.Member { return enginetest.Member(name, m.scheme, m.addr) }

// bothKinds runs f with a way to start members of each protocol.
func bothKinds(t *testing.T, f func(t *testing.T, start func(script func(conn)) *member)) {
	t.Run("ajp", func(t *testing.T) {
		f(t, func(s func(conn)) *member { return startAJP(t, s) })
	})
	t.Run("http", func(t *testing.T) {
		f(t, func(s func(conn)) *member { return startHTTP(t, s) })
	})
}

func startAJP(t testing.TB, script func(conn)) *member {
	t.Helper()
	m := &member{t: t, scheme: table.AJP, ledger: map[string]int{}, stop: make(chan struct{})}
	srv := ajptest.New(t, func(c *ajptest.Conn) {
		m.mu.Lock()
		m.accepted++
		m.mu.Unlock()
		script(&ajpConn{c: c, m: m})
	})
	m.addr = srv.Addr()
	t.Cleanup(func() { close(m.stop) }) // before the server waits for its scripts
	return m
}

type ajpConn struct {
	c *ajptest.Conn
	m *member
}

func (a *ajpConn) number() int              { return a.c.Number }
func (a *ajpConn) stopped() <-chan struct{} { return a.m.stop }
func (a *ajpConn) close()                   { a.c.Close() }
func (a *ajpConn) reset()                   { a.c.Reset() }

func (a *ajpConn) next() (r request, ok bool) {
	q, err := a.c.ReadRequest()
	if err != nil {
		return r, false
	}
	r = request{id: q.ID, method: string(q.Method), path: string(q.URI)}
	a.m.saw(r)
	r.body, err = a.c.ReadBody(q)
	return r, err == nil
}

func (a *ajpConn) answer(status int, body string, fields ...string) {
	list := []ajp.HeaderField{ajp.Field("Content-Length", fmt.Sprint(len(body)))}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		list = append(list, ajp.Field(name, value))
	}
	parts := [][]byte{ajp.AppendSendHeaders(nil, status, "", list...)}
	if body != "" {
		parts = append(parts, ajp.AppendChunk(nil, []byte(body)))
	}
	_ = a.c.Send(append(parts, ajp.AppendEnd(nil, true))...)
}

func (a *ajpConn) begin(length int) {
	var fields []ajp.HeaderField
	if length >= 0 {
		fields = append(fields, ajp.Field("Content-Length", fmt.Sprint(length)))
	}
	_ = a.c.Headers(200, fields...)
}

func (a *ajpConn) piece(s string) {
	_ = a.c.Send(ajp.AppendChunk(nil, []byte(s)), ajp.AppendChunk(nil, nil))
}

func (a *ajpConn) end() { _ = a.c.End(true) }

func startHTTP(t testing.TB, script func(conn)) *member {
	t.Helper()
	return startTCP(t, func(m *member, n int, c *net.TCPConn) {
		script(&httpConn{n: n, m: m, c: c, br: bufio.NewReader(c)})
	})
}

// startTCP starts an HTTP member whose script gets the bare connection.
func startTCP(t testing.TB, script func(m *member, n int, c *net.TCPConn)) *member {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &member{t: t, scheme: table.HTTP, addr: ln.Addr().String(), ledger: map[string]int{}, stop: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.accepted++
			n := m.accepted
			m.mu.Unlock()
			ended := make(chan struct{})
			wg.Go(func() {
				defer close(ended)
				defer c.Close()
				script(m, n, c.(*net.TCPConn))
			})
			wg.Go(func() {
				select {
				case <-ended:
				case <-m.stop:
					_ = c.Close()
				}
			})
		}
	})
	t.Cleanup(func() {
		close(m.stop)
		_ = ln.Close()
		wg.Wait()
	})
	return m
}

type httpConn struct {
	n       int
	m       *member
	c       *net.TCPConn
	br      *bufio.Reader
	chunked bool
}

func (h *httpConn) number() int              { return h.n }
func (h *httpConn) stopped() <-chan struct{} { return h.m.stop }
func (h *httpConn) close()                   { _ = h.c.Close() }

func (h *httpConn) reset() {
	_ = h.c.SetLinger(0)
	_ = h.c.Close()
}

func (h *httpConn) next() (r request, ok bool) {
	q, err := http.ReadRequest(h.br)
	if err != nil {
		return r, false
	}
	r = request{id: q.Header.Get("X-Request-Id"), method: q.Method, path: q.URL.Path}
	h.m.saw(r)
	r.body, err = io.ReadAll(q.Body)
	return r, err == nil
}

func (h *httpConn) answer(status int, body string, fields ...string) {
	b := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, f := range fields {
		b += f + "\r\n"
	}
	_, _ = io.WriteString(h.c, b+"\r\n"+body)
}

func (h *httpConn) begin(length int) {
	if h.chunked = length < 0; h.chunked {
		_, _ = io.WriteString(h.c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	} else {
		_, _ = fmt.Fprintf(h.c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", length)
	}
}

func (h *httpConn) piece(s string) {
	if h.chunked {
		s = fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
	}
	_, _ = io.WriteString(h.c, s)
}

func (h *httpConn) end() {
	if h.chunked {
		_, _ = io.WriteString(h.c, "0\r\n\r\n")
	}
}

// good answers everything with its name.
func good(name string) func(conn) {
	return func(c conn) {
		for {
			if _, ok := c.next(); !ok {
				return
			}
			c.answer(200, name)
		}
	}
}

// breaks takes every request and resets the connection.
func breaks(c conn) {
	if _, ok := c.next(); ok {
		c.reset()
	}
}

// holds takes a request and never answers it.
func holds(c conn) {
	if _, ok := c.next(); ok {
		<-c.stopped()
	}
}

// await waits for ch; false when the test is over.
func await[T any](stop <-chan struct{}, ch <-chan T) bool {
	select {
	case <-ch:
		return true
	case <-stop:
		return false
	}
}

// refused is an address where nobody listens.
func refused(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
