package conformance

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
)

// seen is one request as a member saw it.
type seen struct {
	method, target string
	fields         [][2]string
	tail           [][2]string // trailer
	digest         string      // of a body read to its end: SHA-256 in hex
	whole          bool        // the body was read to its end
	conn           int
}

func (s *seen) all(name string) (values []string) {
	for _, f := range s.fields {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// member is a Tomcat of either kind.
type member interface {
	addr() string
	ledger() []seen
	await(n int) bool // until n requests have arrived in all; false: it closed before
	close()
}

// ajpMember is an ajptest.Tomcat. Its ledger knows bodies by their digest.
type ajpMember struct{ s *ajptest.Server }

func newAJPMember(t testing.TB) *ajpMember {
	return &ajpMember{ajptest.New(t, ajptest.Tomcat{Name: "tomcat1", Route: "tomcat1"}.Serve)}
}

func (m *ajpMember) addr() string     { return m.s.Addr() }
func (m *ajpMember) await(n int) bool { return m.s.Await(n) }
func (m *ajpMember) close()           { m.s.Close() }

func (m *ajpMember) ledger() (list []seen) {
	for _, e := range m.s.Requests() {
		s := seen{method: e.Method, target: e.URI, whole: e.Complete, conn: e.Conn, digest: e.Digest}
		if q := e.Head.Attr(ajp.AttrQuery); q != nil {
			s.target += "?" + string(q)
		}
		for _, h := range e.Head.Headers {
			s.fields = append(s.fields, [2]string{string(h.Name), string(h.Value)})
		}
		list = append(list, s)
	}
	return list
}

// httpMember records raw requests and answers with their X-Request-Id. The
// query says what to answer, as with ajptest.Tomcat: size, status, nolength
// (chunked), noread, and besides
//
//	until=1    the body ends with the connection
//	hints=1    a 103 goes ahead
//	trailer=1  a trailer follows the chunked body
//	hop=1      fields that concern the connection alone
//	old=1      the answer is HTTP/1.0
//	set=1      two Set-Cookie fields, Date and Server
type httpMember struct {
	ln   net.Listener
	wg   sync.WaitGroup
	play func(c *httpConn) // nil: good

	mu      sync.Mutex // guards what follows
	arrived *sync.Cond
	closed  bool
	conns   map[net.Conn]bool
	list    []*seen
	count   int
}

func newHTTPMember(t testing.TB, play func(c *httpConn)) *httpMember {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if play == nil {
		play = (*httpConn).good
	}
	m := &httpMember{ln: ln, play: play, conns: map[net.Conn]bool{}}
	m.arrived = sync.NewCond(&m.mu)
	m.wg.Go(m.accept) // ended by close
	t.Cleanup(m.close)
	return m
}

func (m *httpMember) accept() {
	for {
		nc, err := m.ln.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.closed {
			m.mu.Unlock()
			_ = nc.Close()
			return
		}
		m.count++
		m.conns[nc] = true
		c := &httpConn{m: m, nc: nc.(*net.TCPConn), br: bufio.NewReader(nc), number: m.count}
		m.wg.Go(func() { // ended by its connection
			m.play(c)
			_ = nc.Close()
			m.mu.Lock()
			delete(m.conns, nc)
			m.mu.Unlock()
		})
		m.mu.Unlock()
	}
}

func (m *httpMember) close() {
	m.mu.Lock()
	m.closed = true
	_ = m.ln.Close()
	for c := range m.conns {
		_ = c.Close()
	}
	m.arrived.Broadcast()
	m.mu.Unlock()
	m.wg.Wait()
}

func (m *httpMember) addr() string { return m.ln.Addr().String() }

func (m *httpMember) await(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.list) < n && !m.closed {
		m.arrived.Wait()
	}
	return len(m.list) >= n
}

func (m *httpMember) ledger() []seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]seen, len(m.list))
	for i, s := range m.list {
		list[i] = *s
	}
	return list
}

// httpConn is one connection as the HTTP member sees it.
type httpConn struct {
	m      *httpMember
	nc     *net.TCPConn
	br     *bufio.Reader
	number int
}

func (c *httpConn) send(s string) error {
	_, err := io.WriteString(c.nc, s)
	return err
}

// reset closes with RST and drops what was not yet sent.
func (c *httpConn) reset() {
	_ = c.nc.SetLinger(0)
	_ = c.nc.Close()
}

// awaitClose reads until the other side closes.
func (c *httpConn) awaitClose() { _, _ = io.Copy(io.Discard, c.br) }

// head reads a request head into the ledger.
func (c *httpConn) head() (*seen, error) {
	s := &seen{conn: c.number}
	line, err := c.br.ReadString('\n')
	if err != nil {
		return nil, err
	}
	part := strings.Split(strings.TrimSuffix(line, "\r\n"), " ")
	if len(part) != 3 || part[2] != "HTTP/1.1" {
		return nil, fmt.Errorf("request line %q", line)
	}
	s.method, s.target = part[0], part[1]
	if s.fields, err = c.fields(); err != nil {
		return nil, err
	}
	c.m.mu.Lock()
	c.m.list = append(c.m.list, s)
	c.m.arrived.Broadcast()
	c.m.mu.Unlock()
	return s, nil
}

func (c *httpConn) fields() (list [][2]string, err error) {
	for {
		line, err := c.br.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == "\r\n" {
			return list, nil
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		list = append(list, [2]string{name, value})
	}
}

// body reads what the head announced.
func (c *httpConn) body(s *seen) error {
	var body []byte
	var tail [][2]string
	var err error
	switch {
	case len(s.all("Transfer-Encoding")) > 0:
		for {
			line, err := c.br.ReadString('\n')
			if err != nil {
				return err
			}
			n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 24)
			if err != nil {
				return err
			}
			if n == 0 {
				if tail, err = c.fields(); err != nil {
					return err
				}
				break
			}
			piece := make([]byte, n+2)
			if _, err := io.ReadFull(c.br, piece); err != nil {
				return err
			}
			body = append(body, piece[:n]...)
		}
	case len(s.all("Content-Length")) > 0:
		n, _ := strconv.Atoi(s.all("Content-Length")[0])
		body = make([]byte, n)
		_, err = io.ReadFull(c.br, body)
	}
	if err != nil {
		return err
	}
	c.m.mu.Lock()
	s.digest, s.tail, s.whole = digest(body), tail, true
	c.m.mu.Unlock()
	return nil
}

// good serves requests as a Tomcat does.
func (c *httpConn) good() {
	for {
		s, err := c.head()
		if err != nil || !c.serve(s) {
			return
		}
	}
}

// serve answers one request and reports whether another may follow.
func (c *httpConn) serve(s *seen) bool {
	_, raw, _ := strings.Cut(s.target, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		q = url.Values{}
	}
	if q.Get("noread") != "1" {
		if len(s.all("Expect")) > 0 && c.send("HTTP/1.1 100 Continue\r\n\r\n") != nil {
			return false
		}
		if c.body(s) != nil {
			return false
		}
	}
	status := 200
	if n, err := strconv.Atoi(q.Get("status")); err == nil {
		status = n
	}
	body := []byte("seen " + s.method + "\n")
	if n, err := strconv.Atoi(q.Get("size")); err == nil {
		body = make([]byte, n)
		ajptest.Pattern(body, 0)
	}
	var b bytes.Buffer
	if q.Get("hints") == "1" {
		b.WriteString("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: close\r\n\r\n")
	}
	version := "HTTP/1.1"
	if q.Get("old") == "1" {
		version = "HTTP/1.0"
	}
	fmt.Fprintf(&b, "%s %d %s\r\nX-Request-Id: %s\r\n", version, status, http.StatusText(status), strings.Join(s.all("X-Request-Id"), "+"))
	if q.Get("hop") == "1" {
		b.WriteString("Connection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTE: x\r\nProxy-Authenticate: Basic\r\n")
	}
	if q.Get("set") == "1" {
		b.WriteString("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: Coyote\r\n")
	}
	silent := s.method == "HEAD" || status == 204 || status == 304
	keep := q.Get("until") != "1" && q.Get("old") != "1"
	switch {
	case status == 204:
		b.WriteString("\r\n")
	case q.Get("nolength") == "1":
		b.WriteString("Transfer-Encoding: chunked\r\n")
		if q.Get("trailer") == "1" {
			b.WriteString("Trailer: X-Sum\r\n")
		}
		b.WriteString("\r\n")
		if !silent {
			if len(body) > 0 {
				fmt.Fprintf(&b, "%X;ext=\"a b\"\r\n%s\r\n", len(body), body)
			}
			b.WriteString("0\r\n")
			if q.Get("trailer") == "1" {
				b.WriteString("X-Sum: 42\r\nSet-Cookie: late=1\r\n")
			}
			b.WriteString("\r\n")
		}
	case q.Get("until") == "1":
		fmt.Fprintf(&b, "Connection: close\r\n\r\n%s", body)
	default:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
		if !silent {
			b.Write(body)
		}
	}
	if c.send(b.String()) != nil || !keep {
		return false
	}
	return s.whole || c.body(s) == nil // the rest of a body would be taken for a request
}
