package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// deadline is what a user waits, counted from the moment the request was due.
const deadline = 10 * time.Second

// maxText bounds the body that is kept of an answer, in bytes; none here is longer.
const maxText = 64 << 10

// line is one kept connection.
type line struct {
	net.Conn
	in *bufio.Reader
}

// lines is the pool of kept connections, last in first out as browsers do.
type lines struct {
	addr string

	mu   sync.Mutex // guards idle
	idle []*line
}

// get takes a kept connection that is still open and silent, or makes one.
func (p *lines) get(until time.Time) (l *line, err error) {
	for {
		p.mu.Lock()
		if len(p.idle) == 0 {
			p.mu.Unlock()
			break
		}
		l = p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		p.mu.Unlock()
		if quiet(l.Conn) {
			return l, nil
		}
		l.Close()
	}
	conn, err := (&net.Dialer{Deadline: until}).Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return &line{Conn: conn, in: bufio.NewReader(conn)}, nil
}

func (p *lines) put(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, l)
}

func (p *lines) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.idle {
		l.Close()
	}
	p.idle = nil
}

// quiet peeks without waiting: false when the peer has closed or says something unasked.
// A browser looks, too, before it uses a connection again.
func quiet(c net.Conn) bool {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN)
	})
	return silent && err == nil
}

// exchange makes the request of r and enters into r what came of it. Nothing is repeated:
// what the front does to one request is what one user sees.
func (p *lines) exchange(r *result) {
	until := r.due.Add(deadline)
	r.start = time.Now()
	defer func() { r.end = time.Now() }()
	l, err := p.get(until)
	if err != nil {
		r.fault = dialing(err)
		return
	}
	l.SetDeadline(until) // a live connection takes every deadline
	if _, err := io.WriteString(l, r.head()); err != nil {
		l.Close()
		r.fault = broken(err, false)
		return
	}
	if keep := r.read(l); !keep {
		l.Close()
		return
	}
	p.put(l)
}

// head is the request as it goes over the wire, its short body included.
func (r *result) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: outage.example\r\nX-Request-Id: %s\r\n", r.kind.method(), r.target(), r.id)
	if r.cookie != "" {
		fmt.Fprintf(&b, "Cookie: JSESSIONID=%s\r\n", r.cookie)
	}
	if r.kind == post {
		fmt.Fprintf(&b, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%s", postBytes, strings.Repeat("p", postBytes))
		return b.String()
	}
	b.WriteString("\r\n")
	return b.String()
}

// read takes the answer; keep tells whether the connection may be used again.
func (r *result) read(l *line) (keep bool) {
	if _, err := l.in.Peek(1); err != nil {
		r.fault = broken(err, false)
		return false
	}
	r.begun = true
	resp, err := http.ReadResponse(l.in, &http.Request{Method: r.kind.method()})
	if err != nil {
		r.fault = broken(err, true)
		return false
	}
	r.status, r.node, r.reason = resp.StatusCode, resp.Header.Get("X-Node"), resp.Header.Get("Catherd-Reason")
	for _, c := range resp.Cookies() {
		if c.Name == "JSESSIONID" && c.Value != "" && c.MaxAge >= 0 {
			r.given = c.Value
		}
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxText))
	if err != nil {
		r.fault = broken(err, true)
		return false
	}
	switch {
	case r.status != http.StatusOK:
		r.fault = fmt.Sprintf("status %d", r.status)
	case resp.Header.Get("X-Request-Id") != r.id:
		r.fault = "answer of another request"
	default:
		r.fault = r.examine(string(text))
	}
	return !resp.Close && len(text) < maxText && l.in.Buffered() == 0
}

// dialing names what kept a connection from being opened.
func dialing(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "time-out"
	}
	return "connect"
}

// broken names what ended an exchange.
func broken(err error, begun bool) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && begun:
		return "time-out in the answer"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "time-out"
	case begun:
		return "cut in the answer"
	}
	return "reset"
}
