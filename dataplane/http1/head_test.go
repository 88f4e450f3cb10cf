package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestHeadEnd(t *testing.T) {
	f := func(s string, want int) {
		t.Helper()
		if got := HeadEnd([]byte(s), 0); got != want {
			t.Errorf("HeadEnd(%q) = %d, want %d", s, got, want)
		}
		// Byte by byte it is found as soon as it is whole, and nowhere else.
		from := 0
		for n := range len(s) + 1 {
			got := HeadEnd([]byte(s[:n]), from)
			if got != 0 {
				if got != want || n != want {
					t.Errorf("HeadEnd(%q, %d) = %d, want %d", s[:n], from, got, want)
				}
				return
			}
			from = n
		}
		if want != 0 {
			t.Errorf("HeadEnd(%q) byte by byte finds nothing", s)
		}
	}
	f("", 0)
	f("\r\n", 0)
	f("GET / HTTP/1.1\r\nHost: a\r\n", 0)
	f("GET / HTTP/1.1\r\nHost: a\r\n\r", 0)
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27)
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", 27)
	f("a\r\n\r\nb\r\n\r\n", 5)
	f("a\n\nb", 3)
	f("a\n\r\nb", 4)
	f("a\r\n\nb", 4)
	f("a\r\rb\r\r", 0)
	f("a\r\n\rb\r\n\r\n", 9)
}

func TestSkipEmpty(t *testing.T) {
	f := func(s string, want int) {
		t.Helper()
		if got := SkipEmpty([]byte(s)); got != want {
			t.Errorf("SkipEmpty(%q) = %d, want %d", s, got, want)
		}
	}
	f("", 0)
	f("\r", 0)
	f("\n", 0)
	f("\r\n", 2)
	f("\r\n\r", 2)
	f("\r\n\r\nGET", 4)
	f("\n\r\nGET", 0)
	f("GET\r\n", 0)
	f(strings.Repeat("\r\n", 20), 8)
}

func TestOversize(t *testing.T) {
	if rej := Oversize([]byte("GET /aaaaaaaaaa")); rej.Status != 414 {
		t.Errorf("endless request line: %v", rej)
	}
	if rej := Oversize([]byte("GET / HTTP/1.1\r\nX: aaaaaaaaa")); rej.Status != 431 {
		t.Errorf("endless field: %v", rej)
	}
}

// No proper prefix of a sound head is taken for a head, neither by HeadEnd nor
// by a Parse that is called without asking it.
func TestHeadTruncated(t *testing.T) {
	for n := range len(browserGet) {
		head := []byte(browserGet[:n])
		if end := HeadEnd(head, 0); end != 0 {
			t.Errorf("HeadEnd finds %d in a prefix of %d bytes", end, n)
		}
		var r Request
		if rej := r.Parse(head); rej.Status != 400 {
			t.Errorf("request prefix of %d bytes: %v", n, rej)
		}
	}
	for n := range len(tomcatAnswer) {
		head := []byte(tomcatAnswer[:n])
		if end := HeadEnd(head, 0); end != 0 {
			t.Errorf("HeadEnd finds %d in a prefix of %d bytes", end, n)
		}
		var r Response
		if rej := r.Parse(head); rej.Status != 502 {
			t.Errorf("answer prefix of %d bytes: %v", n, rej)
		}
	}
}

// Parse is given exactly one head; more than that is refused, not ignored.
func TestParseRefusesMoreThanAHead(t *testing.T) {
	for _, rest := range []string{"x", "\r\n", "X: y\r\n\r\n", "\r\n\r\n", browserGet} {
		var req Request
		if rej := req.Parse([]byte(browserGet + rest)); rej.OK() {
			t.Errorf("request followed by %q is accepted", rest)
		}
		var res Response
		if rej := res.Parse([]byte(tomcatAnswer + rest)); rej.OK() {
			t.Errorf("answer followed by %q is accepted", rest)
		}
	}
}

func TestRequestFieldLimit(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n")
	r := Request{FieldLimit: 3}
	if rej := r.Parse(head); !rej.OK() {
		t.Errorf("three fields of three: %v", rej)
	}
	r.FieldLimit = 2
	if rej := r.Parse(head); rej.Status != 431 {
		t.Errorf("three fields of two: %v, want 431", rej)
	}
	if r.FieldLimit != 2 {
		t.Errorf("FieldLimit is %d after Parse, want 2", r.FieldLimit)
	}
}

// Nothing of one message shows in the next that the same value reads.
func TestParseForgets(t *testing.T) {
	rich := "GET http://a/p?q HTTP/1.0\r\nHost: a\r\nExpect: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
	poor := "POST / HTTP/1.1\r\nHost: b\r\n\r\n"
	var used, fresh Request
	used.Parse([]byte(rich))
	used.Parse([]byte(poor))
	fresh.Parse([]byte(poor))
	if got, want := fmt.Sprintf("%+v", used), fmt.Sprintf("%+v", fresh); got != want {
		t.Errorf("used request\n got  %s\n want %s", got, want)
	}
	var usedR, freshR Response
	usedR.Parse([]byte("HTTP/1.0 404 No\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"))
	usedR.Parse([]byte("HTTP/1.1 200\r\n\r\n"))
	freshR.Parse([]byte("HTTP/1.1 200\r\n\r\n"))
	if got, want := fmt.Sprintf("%+v", usedR), fmt.Sprintf("%+v", freshR); got != want {
		t.Errorf("used answer\n got  %s\n want %s", got, want)
	}
}

// Views of the head cannot be appended to over what follows them.
func TestFieldNameIsClipped(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	before := bytes.Clone(head)
	var r Request
	r.Parse(head)
	_ = append(r.Fields[0].Name, "XXXX"...)
	_ = append(r.Fields[0].Value, "XXXX"...)
	_ = append(r.Path, "XXXX"...)
	if !bytes.Equal(head, before) {
		t.Errorf("appending to a view turns the head into %q", head)
	}
}

func TestResponseNoBody(t *testing.T) {
	f := func(status int, head, want bool) {
		t.Helper()
		r := Response{Status: status, Length: -1}
		if got := r.NoBody(head); got != want {
			t.Errorf("status %d, HEAD %v: NoBody = %v", status, head, got)
		}
		if got := r.UntilClose(head); got == want {
			t.Errorf("status %d, HEAD %v: UntilClose = %v", status, head, got)
		}
	}
	f(100, false, true)
	f(101, false, true)
	f(103, false, true)
	f(200, false, false)
	f(200, true, true)
	f(204, false, true)
	f(205, false, false)
	f(304, false, true)
	f(404, true, true)
	f(500, false, false)
}
