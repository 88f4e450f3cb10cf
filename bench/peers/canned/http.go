package canned

import (
	"bytes"
	"fmt"
	"strconv"
)

func httpAnswer(size int) []byte {
	head := fmt.Sprintf("HTTP/1.1 200 \r\nContent-Type: text/html;charset=UTF-8\r\nContent-Length: %d\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\n", size)
	return append([]byte(head), pattern(size)...)
}

// takeHTTP answers every complete request in c.in and returns how many bytes
// those requests were.
func (c *conn) takeHTTP(s *Server) (used int, ok bool) {
	for used < len(c.in) {
		if c.left > 0 {
			n := min(c.left, int64(len(c.in)-used))
			used += int(n)
			if c.left -= n; c.left > 0 {
				return used, true
			}
			if !c.respond(s) {
				return used, false
			}
			continue
		}
		end := bytes.Index(c.in[used:], []byte("\r\n\r\n"))
		if end < 0 {
			return used, true
		}
		length, ok := bodyLength(c.in[used : used+end+2])
		if !ok {
			return used, false
		}
		used += end + 4
		if c.left = length; length > 0 {
			continue
		}
		if !c.respond(s) {
			return used, false
		}
	}
	return used, true
}

// bodyLength reads Content-Length out of a request head (with the line end of
// its last field). Not ok: a length that is no number, or a chunked body.
func bodyLength(head []byte) (n int64, ok bool) {
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\r\n"))
		head = rest
		// Most fields are neither; the first letter decides without a scan.
		if len(line) < 16 || line[0]|0x20 != 'c' && line[0]|0x20 != 't' {
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			v, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 62)
			if err != nil {
				return 0, false
			}
			n = int64(v)
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			return 0, false
		}
	}
	return n, true
}
