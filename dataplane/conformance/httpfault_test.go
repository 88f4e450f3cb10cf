package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// httpHandler is handler for HTTP members.
func (f *fault) httpHandler(reused *atomic.Int64) func(*httpConn) {
	return func(c *httpConn) {
		for {
			s, err := c.head()
			if err != nil {
				return
			}
			if s.target != "/bad" {
				if c.body(s) != nil || c.echo(s) != nil {
					return
				}
				continue
			}
			_ = c.body(s)
			f.http(c, s)
			if f.reuse {
				continue
			}
			if s, err := c.head(); err == nil && s.target != "/bad" {
				reused.Add(1)
			}
			c.awaitClose()
			return
		}
	}
}

// echo answers with the id in a field and in the body.
func (c *httpConn) echo(s *seen) error {
	id := strings.Join(s.all("X-Request-Id"), "+")
	return c.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\ngood %s", id, len(id)+5, id))
}

// says makes a fault that sends these bytes.
func says(b string) func(*httpConn, *seen) {
	return func(c *httpConn, _ *seen) { _ = c.send(b) }
}

func saysAndCloses(b string) func(*httpConn, *seen) {
	return func(c *httpConn, _ *seen) { _ = c.send(b); _ = c.nc.CloseWrite() }
}

func saysAndResets(b string) func(*httpConn, *seen) {
	return func(c *httpConn, _ *seen) { _ = c.send(b); c.reset() }
}

const okHead = "HTTP/1.1 200 OK\r\nX-Request-Id: bad\r\n"

var httpFaults = []fault{
	{name: "ajp on the http port", want: 502, http: says("AB\x00\x02\x05\x01\r\n\r\n")},
	{name: "http 0.9", want: 502, http: saysAndCloses("hello")},
	{name: "http 2.0", want: 502, http: says("HTTP/2.0 200 OK\r\n\r\n")},
	{name: "status of two digits", want: 502, http: says("HTTP/1.1 20 OK\r\n\r\n")},
	{name: "status below 100", want: 502, http: says("HTTP/1.1 099 OK\r\n\r\n")},
	{name: "bare LF", want: 502, http: says("HTTP/1.1 200 OK\nInjected: 1\n\n")},
	{name: "bare CR in a value", want: 502, http: says("HTTP/1.1 200 OK\r\nX: a\rInjected: 1\r\nContent-Length: 0\r\n\r\n")},
	{name: "folded line", want: 502, http: says("HTTP/1.1 200 OK\r\nX: a\r\n Injected: 1\r\nContent-Length: 0\r\n\r\n")},
	{name: "NUL in a value", want: 502, http: says("HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n")},
	{name: "space before a colon", want: 502, http: says("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")},
	{name: "length and chunked", want: 502, http: says(okHead + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{name: "differing lengths", want: 502, http: says(okHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")},
	{name: "signed length", want: 502, http: says(okHead + "Content-Length: +5\r\n\r\nhello")},
	{name: "gzip as transfer-encoding", want: 502, http: says(okHead + "Transfer-Encoding: gzip\r\n\r\n")},
	{name: "204 with a length", want: 502, http: says("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")},
	{name: "204 with chunks", want: 502, http: says("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{name: "switches protocols unasked", want: 502, http: says("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")},
	{name: "interim answers without end", want: either, http: says(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 40))},
	{name: "head of 300 kB", want: 502, http: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 997)+"\r\n", 300) + "\r\n")},
	{name: "1001 fields", want: 502, http: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: x\r\n", 1001) + "\r\n")},
	{name: "end at once", want: 502, http: saysAndCloses("")},
	{name: "end in the head", want: 502, http: saysAndCloses("HTTP/1.1 200 OK\r\nContent-")},
	{name: "end in a body of known length", want: either, http: saysAndCloses(okHead + "Content-Length: 10\r\n\r\nhello")},
	{name: "end in a chunk", want: either, http: saysAndCloses(okHead + "Transfer-Encoding: chunked\r\n\r\na\r\nhello")},
	{name: "end before the last chunk", want: either, http: saysAndCloses(okHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")},
	{name: "end in the trailer", want: either, http: saysAndCloses(okHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n")},
	{name: "reset at once", want: 502, http: saysAndResets("")},
	{name: "reset in the head", want: 502, http: saysAndResets("HTTP/1.1 200 OK\r\nContent-")},
	{name: "reset in a body that ends with the connection", want: either, http: func(c *httpConn, _ *seen) {
		_ = c.send(okHead + "Connection: close\r\n\r\nhello")
		c.reset()
	}},
	{name: "bad chunk size", want: either, http: says(okHead + "Transfer-Encoding: chunked\r\n\r\nZ\r\nhello\r\n0\r\n\r\n")},
	{name: "chunk size overflow", want: either, http: says(okHead + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n")},
	{name: "chunk longer than its size", want: either, http: says(okHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n")},
	{name: "chunk framing with bare LF", want: either, http: says(okHead + "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n")},
	{name: "silence", late: true, want: 504, http: says("")},
	{name: "silence in the head", late: true, want: 504, http: says("HTTP/1.1 200 OK\r\nX")},
	{name: "silence in the body", late: true, want: broken, http: says(okHead + "Content-Length: 10\r\n\r\nhello")},
	{name: "a second answer behind the first", want: 200, body: "x", http: says(okHead + "Content-Length: 1\r\n\r\nx" + okHead + "Injected: 1\r\nContent-Length: 5\r\n\r\nother")},
	{name: "more body than announced", want: 200, body: "x", http: says(okHead + "Content-Length: 1\r\n\r\nxyz")},
	{name: "a body to a head request", request: badHead, want: 200, http: says(okHead + "Content-Length: 5\r\n\r\nhello")},
	{name: "a body with 304", want: 304, http: says("HTTP/1.1 304 Not Modified\r\nX-Request-Id: bad\r\n\r\nhello")},
	{name: "byte by byte", good: true, reuse: true, want: 200, body: "hello", http: func(c *httpConn, _ *seen) {
		for _, b := range []byte(okHead + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") {
			_ = c.send(string([]byte{b}))
		}
	}},
	{name: "two equal lengths", good: true, reuse: true, want: 200, body: "x", http: says(okHead + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")},
	{name: "status line without a reason", good: true, reuse: true, want: 200, http: says("HTTP/1.1 200\r\nX-Request-Id: bad\r\nContent-Length: 0\r\n\r\n")},
	{name: "unasked 100", good: true, reuse: true, want: 200, http: says("HTTP/1.1 100 Continue\r\n\r\n" + okHead + "Content-Length: 0\r\n\r\n")},
	{name: "205 with a length", good: true, reuse: true, want: 205, http: says("HTTP/1.1 205 Reset Content\r\nX-Request-Id: bad\r\nContent-Length: 0\r\n\r\n")},
}

func TestHTTPFaults(t *testing.T) { playFaults(t, httpFaults, 25) }
