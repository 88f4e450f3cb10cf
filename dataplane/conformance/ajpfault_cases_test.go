package conformance

import (
	"bytes"
	"strings"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
)

// raw makes a fault that sends these bytes, as they are.
func raw(parts ...string) func(*ajptest.Conn, *ajptest.Request) {
	return func(c *ajptest.Conn, _ *ajptest.Request) { _ = c.Send([]byte(strings.Join(parts, ""))) }
}

// fin follows the bytes by the end of the stream, rst by a reset.
func fin(parts ...string) func(*ajptest.Conn, *ajptest.Request) {
	return func(c *ajptest.Conn, r *ajptest.Request) { raw(parts...)(c, r); c.CloseWrite() }
}

func rst(parts ...string) func(*ajptest.Conn, *ajptest.Request) {
	return func(c *ajptest.Conn, r *ajptest.Request) { raw(parts...)(c, r); c.Reset() }
}

// head is a SEND_HEADERS with the id of the bad request.
func head(status int, fields ...string) string {
	list := []ajp.HeaderField{ajp.Field("X-Request-Id", "bad")}
	for i := 0; i < len(fields); i += 2 {
		list = append(list, ajp.Field(fields[i], fields[i+1]))
	}
	return string(ajp.AppendSendHeaders(nil, status, "", list...))
}

func data(s string) string { return string(ajp.AppendChunk(nil, []byte(s))) }

const (
	flush  = "AB\x00\x04\x03\x00\x00\x00"
	endOK  = "AB\x00\x02\x05\x01"
	endBad = "AB\x00\x02\x05\x00"
	cpong  = "AB\x00\x01\x09"
)

func getBody(n int) string { return string(ajp.AppendGetBody(nil, n)) }

// packet wraps a payload, whatever it is.
func packet(payload string) string {
	return "AB" + string([]byte{byte(len(payload) >> 8), byte(len(payload))}) + payload
}

// spelled is a head whose single header is spelled out byte by byte.
func spelled(name, value string) string {
	str := func(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s + "\x00" }
	return packet("\x04\x00\xc8" + str("200") + "\x00\x01" + str(name) + str(value))
}

// untilClosed asks for body data n bytes at a time until the other side ends.
func untilClosed(want int, before string) func(*ajptest.Conn, *ajptest.Request) {
	return func(c *ajptest.Conn, _ *ajptest.Request) {
		_ = c.Send([]byte(before))
		for range 4 {
			if c.Send([]byte(getBody(want))) != nil {
				return
			}
			if _, err := c.ReadPacket(); err != nil {
				return
			}
		}
	}
}

// framingFaults are about packets, whatever is in them.
var framingFaults = []fault{
	{name: "wrong magic", want: 502, ajp: raw("XB\x00\x02\x05\x01")},
	{name: "magic of the other direction", want: 502, ajp: raw("\x124\x00\x02\x05\x01")},
	{name: "wrong second magic byte", want: 502, ajp: raw("AX\x00\x02\x05\x01")},
	{name: "wrong magic behind the head", want: either, ajp: raw(head(200), "XB\x00\x02\x05\x01")},
	{name: "wrong magic behind data", want: either, ajp: raw(head(200), data("hello"), "ab\x00\x02\x05\x01")},
	{name: "zero length", want: 502, ajp: raw("AB\x00\x00")},
	{name: "zero length behind the head", want: either, ajp: raw(head(200), "AB\x00\x00", endOK)},
	{name: "length beyond the packet size", want: 502, ajp: raw("AB\x1f\xfd\x04")},
	{name: "largest length", want: 502, ajp: raw("AB\xff\xff\x04")},
	{name: "head larger than the packet size", want: 502, ajp: raw(head(200, "X-Long", strings.Repeat("x", 9000)), endOK)},
	{name: "http on the ajp port", want: 502, ajp: raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")},
	{name: "tls on the ajp port", want: 502, ajp: raw("\x15\x03\x03\x00\x02\x02\x50")},
	{name: "chunk length above its packet", want: either, ajp: raw(head(200), packet("\x03\x00\x09hello\x00"), endOK)},
	{name: "chunk length below its packet", want: either, ajp: raw(head(200), packet("\x03\x00\x03hello\x00"), endOK)},
	{name: "no NUL behind a chunk", want: either, ajp: raw(head(200), packet("\x03\x00\x05helloX"), endOK)},
	{name: "chunk without any length", want: either, ajp: raw(head(200), packet("\x03"), endOK)},
	{name: "chunk without its NUL", want: either, ajp: raw(head(200), packet("\x03\x00\x00"), endOK)},
	{name: "unknown type", want: 502, ajp: raw(packet("\x0b\x00"))},
	{name: "unknown type behind data", want: either, ajp: raw(head(200), data("x"), packet("\x00"), endOK)},
	{name: "forward request from a member", want: 502, ajp: raw(packet("\x02\x02\x00"))},
	{name: "cping from a member", want: 502, ajp: raw(packet("\x0a"))},
	{name: "shutdown from a member", want: 502, ajp: raw(packet("\x07"))},
	{name: "cpong in place of an answer", want: 502, ajp: raw(cpong)},
	{name: "cpong within an answer", want: either, ajp: raw(head(200), cpong, data("x"), endOK)},
	{name: "cpong of an earlier ping and then an answer", want: 502, ajp: raw(cpong, head(200), endOK)},
	{name: "end without its flag", want: either, ajp: raw(head(200), packet("\x05"))},
	{name: "end with more than its flag", want: either, ajp: raw(head(200), packet("\x05\x01\x00"))},
}

// orderFaults are good packets at a bad time.
var orderFaults = []fault{
	{name: "data before the head", want: 502, ajp: raw(data("x"), head(200), endOK)},
	{name: "flush before the head", want: 502, ajp: raw(flush, head(200), endOK)},
	{name: "second head", want: either, ajp: raw(head(200), head(200, "Injected", "1"), data("x"), endOK)},
	{name: "second head behind data", want: either, ajp: raw(head(200), data("x"), head(200), endOK)},
	{name: "end without a head", want: 502, ajp: raw(endOK)},
	{name: "end without a head and without reuse", want: 502, ajp: raw(endBad)},
	{name: "end twice", want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1"), data("x"), endOK, endOK)},
	{name: "a second answer behind the end", want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1"), data("x"), endOK,
		head(200, "Injected", "1"), data("other"), endOK)},
	{name: "bytes behind the end", want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1"), data("x"), endOK, "GARBAGE")},
	{name: "half a packet behind the end", want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1"), data("x"), endOK, "A")},
	{name: "end without reuse behind a whole body", want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1"), data("x"), endBad)},
	{name: "end without reuse and without a body", want: 403, ajp: raw(head(403, "Content-Length", "0"), endBad)},
	{name: "a bare 403 as tomcat 7 sends it", want: 403, ajp: raw(head(403), endBad)},
	{name: "end without reuse behind data of unknown length", want: broken, ajp: raw(head(200), data("x"), flush, flush, endBad)},
	{name: "end without reuse behind a flush", want: broken, ajp: raw(head(200), flush, flush, endBad)},
	{name: "asks for a body that is over", want: 502, ajp: untilClosed(8186, "")},
	{name: "asks for a body that is over behind a head", want: broken, ajp: untilClosed(8186, head(200)+data("x"))},
	{name: "asks for no bytes", want: 502, ajp: raw(getBody(0))},
	{name: "asks in a short packet", want: 502, ajp: raw(packet("\x06\x10"))},
	{name: "asks in a long packet", want: 502, ajp: raw(packet("\x06\x10\x00\x00"))},
	{name: "asks twice where there never was a body", request: badGet, want: 502, ajp: untilClosed(100, "")},
}

// endFaults are connections that end too soon.
var endFaults = []fault{
	{name: "eof at once", want: 502, ajp: fin()},
	{name: "eof in a packet head", want: 502, ajp: fin("AB\x00")},
	{name: "eof in the head", want: 502, ajp: fin(head(200)[:12])},
	{name: "eof behind the head", want: either, ajp: fin(head(200))},
	{name: "eof behind a head with content-length 0", want: either, ajp: fin(head(200, "Content-Length", "0"))},
	{name: "eof behind a head and a flush", want: broken, ajp: fin(head(200), flush)},
	{name: "eof in a chunk", want: either, ajp: fin(head(200, "Content-Length", "5"), data("hello")[:9])},
	{name: "eof before a chunk's NUL", want: either, ajp: fin(head(200), data("hello")[:12])},
	{name: "eof behind a chunk", want: either, ajp: fin(head(200), data("hello"))},
	{name: "eof behind a whole body", want: undone, body: "hello", ajp: fin(head(200, "Content-Length", "5"), data("hello"))},
	{name: "eof in the end", want: either, ajp: fin(head(200), data("hello"), "AB\x00\x02\x05")},
	{name: "eof where a body was asked for", want: 502, ajp: fin(getBody(10)[:6])},
	{name: "reset at once", want: 502, ajp: rst()},
	{name: "reset in the head", want: 502, ajp: rst(head(200)[:12])},
	{name: "reset behind the head", want: either, ajp: rst(head(200))},
	{name: "reset in a chunk", want: either, ajp: rst(head(200), data("hello")[:9])},
	{name: "reset behind a chunk", want: either, ajp: rst(head(200), data("hello"))},
	{name: "reset in the end", want: either, ajp: rst(head(200), data("hello"), "AB\x00\x02\x05")},
	{name: "reset of every connection of a get", request: badGet, want: 502, ajp: rst()},
	{name: "silence", late: true, want: 504, ajp: raw()},
	{name: "silence in the head", late: true, want: 504, ajp: raw(head(200)[:12])},
	{name: "silence behind the head", late: true, want: broken, ajp: raw(head(200))},
	{name: "silence in a chunk", late: true, want: broken, ajp: raw(head(200), data("hello")[:9])},
	{name: "silence behind a whole body", late: true, want: undone, body: "hello", ajp: raw(head(200, "Content-Length", "5"), data("hello"))},
}

// headFaults are about what a head says.
var headFaults = []fault{
	{name: "CR LF in a value", want: 502, ajp: raw(spelled("X-A", "1\r\nInjected: 1"), endOK)},
	{name: "LF in a value", want: 502, ajp: raw(spelled("X-A", "1\nInjected: 1"), endOK)},
	{name: "CR in a value", want: 502, ajp: raw(spelled("X-A", "1\rInjected: 1"), endOK)},
	{name: "NUL in a value", want: 502, ajp: raw(spelled("X-A", "1\x002"), endOK)},
	{name: "CR LF in a name", want: 502, ajp: raw(spelled("X-A: 1\r\nInjected", "1"), endOK)},
	{name: "colon in a name", want: 502, ajp: raw(spelled("Injected: 1", "1"), endOK)},
	{name: "space in a name", want: 502, ajp: raw(spelled("Content-Length ", "1"), endOK)},
	{name: "NUL in a name", want: 502, ajp: raw(spelled("X\x00", "1"), endOK)},
	{name: "8-bit name", want: 502, ajp: raw(spelled("X\xe4", "1"), endOK)},
	{name: "empty name", want: 502, ajp: raw(spelled("", "1"), endOK)},
	{name: "CR LF in the status message", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x0fOK\r\nInjected: 1\x00\x00\x00"), endOK)},
	{name: "no NUL behind a value", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x01\xa0\x01\x00\x01xX"), endOK)},
	{name: "more headers announced than there are", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x02\xa0\x01\x00\x01x\x00"), endOK)},
	{name: "a count of 65535", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\xff\xff"), endOK)},
	{name: "a name without a value, as a tomcat whose head is too large", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x01\xa0\x07"), data("x"), endOK)},
	{name: "bytes behind the headers", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x00X"), endOK)},
	{name: "string beyond the packet", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x01\xa0\x01\x7f\xffx\x00"), endOK)},
	{name: "unknown header code", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x01\xa0\x0c\x00\x01x\x00"), endOK)},
	{name: "header code 0", want: 502, ajp: raw(packet("\x04\x00\xc8\x00\x00\x00\x00\x01\xa0\x00\x00\x01x\x00"), endOK)},
	{name: "head without anything", want: 502, ajp: raw(packet("\x04"), endOK)},
	{name: "status 0", want: 502, ajp: raw(head(0), endOK)},
	{name: "status 99", want: 502, ajp: raw(head(99), endOK)},
	{name: "status 1000", want: 502, ajp: raw(head(1000), endOK)},
	{name: "status 65535", want: 502, ajp: raw(head(65535), endOK)},
	{name: "status 100 as the final one", want: 502, ajp: raw(head(100), endOK)},
	{name: "status 101", want: 502, ajp: raw(head(101, "Upgrade", "websocket", "Connection", "upgrade"), endOK)},
	{name: "two lengths that differ", want: 502, ajp: raw(head(200, "Content-Length", "1", "Content-Length", "2"), data("x"), endOK)},
	{name: "two lengths, one spelled out", want: 502, ajp: raw(string(ajp.AppendSendHeaders(nil, 200, "", ajp.Field("Content-Length", "1"),
		ajp.HeaderField{Name: []byte("content-length"), Value: []byte("3")})), data("x"), endOK)},
	{name: "length in words", want: 502, ajp: raw(head(200, "Content-Length", "five"), data("hello"), endOK)},
	{name: "negative length", want: 502, ajp: raw(head(200, "Content-Length", "-1"), endOK)},
	{name: "signed length", want: 502, ajp: raw(head(200, "Content-Length", "+1"), data("x"), endOK)},
	{name: "list of lengths", want: 502, ajp: raw(head(200, "Content-Length", "1, 1"), data("x"), endOK)},
	{name: "empty length", want: 502, ajp: raw(head(200, "Content-Length", ""), data("x"), endOK)},
	{name: "length of 20 digits", want: 502, ajp: raw(head(200, "Content-Length", "99999999999999999999"), data("x"), endOK)},
}

// lengthFaults are bodies of another length than announced.
var lengthFaults = []fault{
	{name: "body shorter than its length", want: either, ajp: raw(head(200, "Content-Length", "10"), data("hello"), endOK)},
	{name: "no body where one was announced", want: either, ajp: raw(head(200, "Content-Length", "10"), endOK)},
	{name: "body shorter than its length behind a flush", want: broken, ajp: raw(head(200, "Content-Length", "10"), data("hello"), flush, endOK)},
	{name: "body longer than its length", want: 200, blame: true, body: "hel", ajp: raw(head(200, "Content-Length", "3"), data("hello"), endOK)},
	{name: "body longer than its length in a chunk of its own", want: undone, body: "hello",
		ajp: raw(head(200, "Content-Length", "5"), data("hello"), flush, data("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endOK)},
	{name: "body where length is 0", want: 200, blame: true, ajp: raw(head(200, "Content-Length", "0"), data("hello"), endOK)},
}

func TestAJPFaults(t *testing.T) {
	t.Run("framing", func(t *testing.T) { playFaults(t, framingFaults, 20) })
	t.Run("order", func(t *testing.T) { playFaults(t, orderFaults, 20) })
	t.Run("end", func(t *testing.T) { playFaults(t, endFaults, 20) })
	t.Run("head", func(t *testing.T) { playFaults(t, headFaults, 30) })
	t.Run("length", func(t *testing.T) { playFaults(t, lengthFaults, 6) })
	t.Run("odd", func(t *testing.T) { playFaults(t, oddities, 15) })
}

var long = strings.Repeat("0123456789abcdef", 2000)

// oddities look strange and are right: the answer must arrive.
var oddities = []fault{
	{name: "byte by byte", good: true, reuse: true, want: 200, body: "hello", ajp: func(c *ajptest.Conn, _ *ajptest.Request) {
		for _, b := range []byte(head(200, "Content-Length", "5") + data("he") + flush + data("llo") + endOK) {
			_ = c.Send([]byte{b})
		}
	}},
	{name: "all in one segment", good: true, reuse: true, want: 200, body: "hello", ajp: raw(head(200), data("he"), data("llo"), endOK)},
	{name: "many flushes", good: true, reuse: true, want: 200, body: "ab", ajp: raw(head(200), flush, flush, flush, data("a"), flush, data("b"), flush, endOK)},
	{name: "two equal lengths", good: true, reuse: true, want: 200, body: "x", ajp: raw(head(200, "Content-Length", "1", "Content-Length", "1"), data("x"), endOK)},
	{name: "body to a head request", request: badHead, good: true, reuse: true, want: 200, ajp: raw(head(200, "Content-Length", "5"), data("hello"), endOK)},
	{name: "204 with a body", good: true, reuse: true, want: 204, ajp: raw(head(204), data("hello"), endOK)},
	{name: "204 with a length", good: true, reuse: true, want: 204, ajp: raw(head(204, "Content-Length", "5"), data("hello"), endOK)},
	{name: "304 with a body", good: true, reuse: true, want: 304, ajp: raw(head(304), data("hello"), endOK)},
	{name: "205 with a body", want: 205, blame: true, ajp: raw(head(205), data("hello"), endOK)},
	{name: "transfer-encoding from the member", good: true, reuse: true, want: 200, body: "5\r\nhello\r\n0\r\n\r\n",
		ajp: raw(head(200, "Transfer-Encoding", "chunked"), data("5\r\nhello\r\n0\r\n\r\n"), endOK)},
	{name: "hop-by-hop fields of the member", good: true, reuse: true, want: 200, body: "x",
		ajp: raw(head(200, "Connection", "close, X-Hop", "X-Hop", "1", "Keep-Alive", "timeout=1", "Content-Length", "1"), data("x"), endOK)},
	{name: "null value", good: true, reuse: true, want: 200, ajp: func(c *ajptest.Conn, _ *ajptest.Request) {
		_ = c.Headers(200, ajp.Field("X-Request-Id", "bad"), ajp.HeaderField{Name: []byte("X-Null")})
		_ = c.End(true)
	}},
	{name: "null status message", good: true, reuse: true, want: 200, ajp: func(c *ajptest.Conn, _ *ajptest.Request) {
		h := ajp.ResponseHead{Status: 200, Fields: []ajp.HeaderField{ajp.Field("X-Request-Id", "bad")}}
		b := h.Append(nil)
		b = append(append(b[:7:7], 0xff, 0xff), b[10:]...)
		b[3]--
		_ = c.Send(b, []byte(endOK))
	}},
	{name: "status 999", good: true, reuse: true, want: 999, body: "x", ajp: raw(head(999), data("x"), endOK)},
	{name: "asks for less than there is", request: longPost, good: true, reuse: true, want: 200, ajp: readsAll(100, ajp.MaxBody(0))},
	{name: "asks for more than a packet holds", request: longPost, good: true, reuse: true, want: 200, ajp: readsAll(65535, ajp.MaxBody(0))},
	{name: "asks for less of a chunked body", request: chunkedPost, good: true, reuse: true, want: 200, ajp: readsAll(100, 0)},
	{name: "asks, and answers without waiting for it", request: longPost, want: 200, body: "x", ajp: func(c *ajptest.Conn, r *ajptest.Request) {
		_ = c.Send(append(ajp.AppendGetBody(nil, 8186), []byte(head(200)+data("x")+endOK)...))
		c.AwaitClose()
	}},
	{name: "asks within its answer", request: longPost, good: true, reuse: true, want: 200, body: "x", ajp: func(c *ajptest.Conn, r *ajptest.Request) {
		_ = c.Send([]byte(head(200) + data("x")))
		for {
			if b, err := c.NextBody(8186); err != nil || len(b) == 0 {
				break
			}
		}
		_ = c.End(true)
	}},
	{name: "packets of 8 KiB", good: true, reuse: true, want: 200, body: long, ajp: func(c *ajptest.Conn, _ *ajptest.Request) { inChunks(c, 8184) }},
	{name: "packets of 64 KiB", packet: 65536, good: true, reuse: true, want: 200, body: long + long + long,
		ajp: func(c *ajptest.Conn, _ *ajptest.Request) {
			_ = c.Headers(200, ajp.Field("X-Request-Id", "bad"))
			body := []byte(long + long + long)
			for len(body) > 0 {
				n := min(len(body), ajp.MaxChunk(65536))
				_ = c.Chunk(body[:n])
				body = body[n:]
			}
			_ = c.End(true)
		}},
	{name: "chunks of one byte", good: true, reuse: true, want: 200, body: long, ajp: func(c *ajptest.Conn, _ *ajptest.Request) { inChunks(c, 1) }},
	{name: "a head of a full packet", good: true, reuse: true, want: 200, ajp: raw(head(200, "X-Long", strings.Repeat("x", 8140)), endOK)},
}

var chunkedPost = "POST /bad HTTP/1.1\r\nHost: a\r\nX-Request-Id: $ID\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"7d00\r\n" + long + "\r\n0\r\n\r\n"

var longPost = "POST /bad HTTP/1.1\r\nHost: a\r\nX-Request-Id: $ID\r\nContent-Length: 32000\r\n\r\n" + long

// readsAll reads the whole body, at most n bytes at a time, and checks it.
func readsAll(n, unasked int) func(*ajptest.Conn, *ajptest.Request) {
	return func(c *ajptest.Conn, r *ajptest.Request) {
		body := bytes.Clone(nil)
		for {
			b, err := c.NextBody(n)
			if err != nil || len(b) == 0 {
				break
			}
			body = append(body, b...)
		}
		status := 200
		if !strings.HasSuffix(long, string(body)) || len(body) != len(long)-unasked {
			status = 500
		}
		_ = c.Headers(status, ajp.Field("X-Request-Id", r.ID))
		_ = c.End(true)
	}
}

func inChunks(c *ajptest.Conn, n int) {
	var b []byte
	b = append(b, head(200)...)
	for i := 0; i < len(long); i += n {
		b = ajp.AppendChunk(b, []byte(long[i:min(i+n, len(long))]))
	}
	_ = c.Send(b, []byte(endOK))
}
