package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// patience bounds one request; nothing here should take a tenth of it.
const patience = 90 * time.Second

// request is what a client sends.
type request struct {
	method, target, id string
	cookie             string
	body               []byte
	chunked            bool // the body goes out in chunks of random sizes
	expect             bool // with Expect: 100-continue
	leaveAfter         int64
	// leaveAfter > 0: the client leaves when it has sent (with a body) or received
	// (without) that many bytes.
	pace time.Duration // pause of the client after each piece of the answer
}

// client is one connection, made anew when it was lost. For one goroutine.
type client struct {
	addr   string
	random *rand.Rand
	conn   net.Conn // nil: none
	in     *bufio.Reader
	dials  int
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// connect makes the connection if there is none. Catherd never goes away while the load
// runs, so a connect that fails is as bad as a request that does.
func (c *client) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := net.DialTimeout("tcp", c.addr, 10*time.Second)
	if err != nil {
		return err
	}
	c.dials++
	c.conn = conn
	if c.in == nil {
		c.in = bufio.NewReaderSize(conn, 32<<10)
	}
	c.in.Reset(conn)
	return nil
}

// head is the request as far as its empty line.
func (q *request) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: soak.example\r\nX-Request-Id: %s\r\n", q.method, q.target, q.id)
	if q.cookie != "" {
		fmt.Fprintf(&b, "Cookie: JSESSIONID=%s\r\n", q.cookie)
	}
	switch {
	case q.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case q.method == http.MethodPost:
		b.WriteString("Content-Length: " + strconv.Itoa(len(q.body)) + "\r\n")
	}
	if q.expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// do sends one request and reads its answer; check sees the body as it comes. The
// connection is kept when both ended in order.
func (c *client) do(q *request, check io.Writer) (result, http.Header) {
	r := result{method: q.method, target: q.target, id: q.id, start: time.Now()}
	header := c.exchange(q, &r, check)
	r.end = time.Now()
	return r, header
}

func (c *client) exchange(q *request, r *result, check io.Writer) http.Header {
	if r.err = c.connect(); r.err != nil {
		return nil
	}
	c.conn.SetDeadline(r.start.Add(patience)) // a live connection takes every deadline
	if _, r.err = c.conn.Write(q.head()); r.err != nil {
		c.close()
		return nil
	}
	// The body goes out beside the reading: an answer may come before it is complete.
	u := upload{conn: c.conn, q: q, random: rand.New(rand.NewPCG(c.random.Uint64(), 0)), done: make(chan error, 1)}
	if q.expect {
		u.permit = make(chan struct{})
	}
	if q.method == http.MethodPost {
		go u.run() // ends when the body is sent or the connection is closed
	} else {
		u.done <- nil
	}
	keep, header := c.read(q, r, &u, check)
	if !keep {
		c.close()
	}
	u.allow()
	if keep {
		// The answer is complete and so was the body, or the member's digest of it
		// would be wrong; the goroutine is at most one instruction away from its end.
		if err := <-u.done; err != nil && r.err == nil {
			r.err = fmt.Errorf("send the body: %v", err)
			c.close()
		}
	} else {
		<-u.done
	}
	r.sent = u.sent
	return header
}

// read takes the answer; keep tells whether another request may follow.
func (c *client) read(q *request, r *result, u *upload, check io.Writer) (keep bool, header http.Header) {
	var resp *http.Response
	for {
		if _, r.err = c.in.Peek(1); r.err != nil {
			r.left = u.left.Load()
			return false, nil
		}
		r.first = true
		if resp, r.err = http.ReadResponse(c.in, &http.Request{Method: q.method}); r.err != nil {
			return false, nil
		}
		if resp.StatusCode != http.StatusContinue {
			break
		}
		r.first = false // an interim answer is none
		u.allow()
	}
	r.head, r.status = true, resp.StatusCode
	r.node, r.gotID, r.reason = resp.Header.Get("X-Node"), resp.Header.Get("X-Request-Id"), resp.Header.Get("Catherd-Reason")
	body := io.Reader(resp.Body)
	if q.pace > 0 {
		body = &paced{body, q.pace}
	}
	if q.leaveAfter > 0 && len(q.body) == 0 {
		body = io.LimitReader(body, q.leaveAfter)
	}
	r.size, r.err = io.Copy(check, body)
	if q.leaveAfter > 0 && r.err == nil && r.size == q.leaveAfter {
		r.left = true
		return false, resp.Header
	}
	if r.err != nil {
		r.left = u.left.Load()
		return false, resp.Header
	}
	r.extra = c.in.Buffered()
	return !resp.Close && r.extra == 0 && (q.method != http.MethodPost || r.status == 200) && !u.left.Load(), resp.Header
}

// paced is a client that takes its time, which keeps a member at work on a long answer.
type paced struct {
	io.Reader
	pause time.Duration
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	timer := time.NewTimer(p.pause)
	<-timer.C
	return n, err
}
