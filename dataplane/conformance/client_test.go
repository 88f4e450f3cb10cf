package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// client is a connection that sends bytes and reads answers strictly.
type client struct {
	t    testing.TB
	c    *net.TCPConn
	br   *bufio.Reader
	held []*reply // read ahead of their turn

	spent bool // no further request can be sent
}

// reply is one answer as it stood on the wire.
type reply struct {
	status int
	fields [][2]string
	body   []byte
	until  bool // the body ended with the connection
	tail   [][2]string
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c := enginetest.Dial(t, addr)
	return &client{t: t, c: c, br: bufio.NewReaderSize(c, 64<<10)}
}

func (c *client) send(b string) {
	c.t.Helper()
	if _, err := io.WriteString(c.c, b); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("send: %v", err)
	}
}

func (r *reply) all(name string) (values []string) {
	for _, f := range r.fields {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

func (r *reply) get(name string) string { return strings.Join(r.all(name), ", ") }

// errBroken is an answer that visibly did not come whole.
var errBroken = errors.New("answer broken off")

// read reads one answer. head says that it answers a HEAD. The error is io.EOF
// when the connection ended before the first byte, errBroken when it ended or
// was reset later or was reset at all; everything else is bad framing.
func (c *client) read(head bool) (*reply, error) {
	if len(c.held) > 0 {
		r := c.held[0]
		c.held = c.held[1:]
		return r, nil
	}
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	r := new(reply)
	if r.status, err = statusLine(line); err != nil {
		return nil, err
	}
	if r.fields, err = c.fields(); err != nil {
		return nil, err
	}
	return r, c.body(r, head)
}

func statusLine(line string) (int, error) {
	if len(line) < 13 || line[:9] != "HTTP/1.1 " || line[12] != ' ' {
		return 0, fmt.Errorf("bad status line %q", line)
	}
	n, err := strconv.Atoi(line[9:12])
	if err != nil || n < 100 {
		return 0, fmt.Errorf("bad status in %q", line)
	}
	return n, nil
}

// line reads up to CRLF and takes that off.
func (c *client) line() (string, error) {
	line, err := c.br.ReadString('\n')
	if err != nil {
		return "", brokenOff(err, line == "")
	}
	if !strings.HasSuffix(line, "\r\n") || strings.ContainsAny(line[:len(line)-2], "\r\x00") {
		return "", fmt.Errorf("bad end of line in %q", line)
	}
	return line[:len(line)-2], nil
}

func brokenOff(err error, first bool) error {
	if errors.Is(err, io.EOF) && first {
		return io.EOF
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return errBroken
	}
	return err
}

func (c *client) fields() (list [][2]string, err error) {
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) {
			err = errBroken
		}
		if err != nil {
			return nil, err
		}
		if line == "" {
			return list, nil
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name == "" || strings.ContainsAny(name, " \t:") {
			return nil, fmt.Errorf("bad field line %q", line)
		}
		list = append(list, [2]string{name, value})
	}
}

// body reads the body by the framing of RFC 9112 section 6.3.
func (c *client) body(r *reply, head bool) error {
	lengths, codings := r.all("Content-Length"), r.all("Transfer-Encoding")
	if len(lengths) > 1 || len(codings) > 1 || len(lengths)+len(codings) > 1 {
		return fmt.Errorf("ambiguous framing: %q", r.fields)
	}
	if r.status < 200 || r.status == 204 {
		if len(lengths)+len(codings) > 0 {
			return fmt.Errorf("status %d announces a body: %q", r.status, r.fields)
		}
		return nil
	}
	if head || r.status == 304 {
		return nil
	}
	switch {
	case len(codings) == 1:
		if codings[0] != "chunked" {
			return fmt.Errorf("transfer-encoding %q", codings[0])
		}
		return c.chunked(r)
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 32)
		if err != nil {
			return fmt.Errorf("content-length %q", lengths[0])
		}
		r.body = make([]byte, n)
		got, err := io.ReadFull(c.br, r.body)
		r.body = r.body[:got]
		if err != nil {
			return brokenOff(err, false)
		}
		return nil
	}
	var err error
	r.until = true
	if r.body, err = io.ReadAll(c.br); err != nil {
		return brokenOff(err, false)
	}
	return nil
}

func (c *client) chunked(r *reply) (err error) {
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) {
			err = errBroken
		}
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(line, 16, 24)
		if err != nil {
			return fmt.Errorf("chunk size %q", line)
		}
		if n == 0 {
			r.tail, err = c.fields()
			return err
		}
		piece := make([]byte, n+2)
		got, err := io.ReadFull(c.br, piece)
		r.body = append(r.body, piece[:min(got, int(n))]...)
		if err != nil {
			return brokenOff(err, false)
		}
		if !bytes.HasSuffix(piece, []byte("\r\n")) {
			return fmt.Errorf("chunk of %d bytes not followed by CRLF but %q", n, piece[n:])
		}
	}
}

// end tells how the connection ended: "close" for an orderly end, "abort" for a
// reset, or what came instead.
func (c *client) end() string {
	rest, err := io.ReadAll(c.br)
	switch {
	case len(rest) > 0:
		return fmt.Sprintf("more bytes: %q", rest)
	case err == nil:
		return "close"
	case errors.Is(err, syscall.ECONNRESET):
		return "abort"
	}
	return err.Error()
}
