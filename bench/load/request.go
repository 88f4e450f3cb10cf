package load

import (
	"fmt"
	"strings"
)

// Request describes what to ask for. The zero Method is GET, or POST with a
// body.
type Request struct {
	Method string
	Host   string
	Path   string
	Cookie string // value of the Cookie field, none when empty
	Body   []byte
}

// Bytes is the request as it goes over the wire.
func (r Request) Bytes() []byte {
	method := r.Method
	switch {
	case method != "":
	case len(r.Body) > 0:
		method = "POST"
	default:
		method = "GET"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: catherd-bench\r\nAccept: */*\r\n", method, r.Path, r.Host)
	if r.Cookie != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", r.Cookie)
	}
	if len(r.Body) > 0 || method == "POST" || method == "PUT" {
		fmt.Fprintf(&b, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	return append([]byte(b.String()), r.Body...)
}

// Expect is what a right answer looks like.
type Expect struct {
	Status int
	Length int64 // body bytes
}

// check is nil for a right answer.
func (e Expect) check(a *Answer) error {
	if a.Status != e.Status {
		return fmt.Errorf("check answer: status %d, want %d", a.Status, e.Status)
	}
	if a.Length != e.Length {
		return fmt.Errorf("check answer: %d body bytes, want %d", a.Length, e.Length)
	}
	return nil
}
