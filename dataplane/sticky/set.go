package sticky

import (
	"bytes"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// maxRoute bounds a route that is learned: it ends up in status and metrics.
const maxRoute = 128

// SetCookie is a Set-Cookie field that is about the session. The slices are
// views of the field.
type SetCookie struct {
	Name  string // of the cookie, one of those that were asked for
	Value []byte // without quotes; ID and Route are parts of it
	ID    []byte
	// Route is empty when the id has none, or when it is no plausible jvmRoute
	// (longer than 128 bytes, or with other than visible ASCII in it).
	Route []byte

	attributes []byte // what follows the first semicolon
}

// ReadSetCookie reads a Set-Cookie field. ok is false when the cookie is not one
// of the session's.
func ReadSetCookie(s *table.Sticky, field []byte) (c SetCookie, ok bool) {
	if s.Off {
		return SetCookie{}, false
	}
	name, value, rest, more := next(field)
	if !more || len(name) == 0 {
		return SetCookie{}, false
	}
	for _, want := range s.Cookies {
		if string(name) == want {
			c = SetCookie{Name: want, Value: value, ID: value, attributes: rest}
			c.split(s.LastDot)
			return c, true
		}
	}
	return SetCookie{}, false
}

func (c *SetCookie) split(last bool) {
	dot := bytes.IndexByte(c.Value, '.')
	if last {
		dot = bytes.LastIndexByte(c.Value, '.')
	}
	if dot < 0 {
		return
	}
	c.ID = c.Value[:dot]
	route := c.Value[dot+1:]
	if len(route) > maxRoute {
		return
	}
	for _, b := range route {
		if b <= ' ' || b >= 0x7f {
			return
		}
	}
	c.Route = route
}

// Ends reports whether the field takes the cookie away from the client, at the
// time now in unix nanoseconds: it is empty, its Max-Age is not above zero, or
// Expires lies in the past. Max-Age beats Expires, and the last of several
// counts (RFC 6265 sections 5.2 and 5.3).
func (c *SetCookie) Ends(now int64) bool {
	if len(c.Value) == 0 {
		return true
	}
	var aged, dated, old, past bool
	for b := c.attributes; ; {
		name, value, rest, more := next(b)
		if !more {
			break
		}
		b = rest
		switch {
		case same(name, "max-age"):
			if over, ok := maxAge(value); ok {
				aged, old = true, over
			}
		case same(name, "expires"):
			if at, ok := date(value); ok {
				dated, past = true, !at.After(time.Unix(0, now))
			}
		}
	}
	if aged {
		return old
	}
	return dated && past
}

// same compares a name with one in lower case.
func same(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// maxAge reports whether the number is zero or less. Anything but digits behind
// an optional minus is no Max-Age (RFC 6265 section 5.2.2).
func maxAge(b []byte) (over, ok bool) {
	over = true
	minus := len(b) > 0 && b[0] == '-'
	if minus {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false, false
		}
		over = over && c == '0'
	}
	return over || minus, len(b) > 0
}

// Carried reports whether a request brought the very session that this field
// sets. Such a field says nothing about who began the session: an application
// that sends the cookie again, to give it another attribute, repeats what the
// client told it, and that may be a session of another member.
func Carried(s *table.Sticky, cookies [][]byte, path []byte, c *SetCookie) bool {
	for _, b := range cookies {
		for left := maxCandidates; left > 0; left-- {
			name, value, rest, more := next(b)
			if !more {
				break
			}
			b = rest
			if string(name) == c.Name && bytes.Equal(value, c.Value) {
				return true
			}
		}
	}
	for left := maxCandidates; left > 0; left-- {
		i := bytes.IndexByte(path, ';')
		if i < 0 {
			break
		}
		path = path[i+1:]
		end := bytes.IndexAny(path, ";/")
		if end < 0 {
			end = len(path)
		}
		if value, wanted := param(s, path[:end]); wanted && bytes.Equal(value, c.Value) {
			return true
		}
		path = path[end:]
	}
	return false
}
