package sticky

import "bytes"

// maxCandidates bounds how many cookies, and how many path parameters, of the
// wanted names are looked at in one request. Browsers send a handful.
const maxCandidates = 32

// next cuts the first pair off the value of a Cookie field. A piece without "="
// has an empty name. ok is false at the end.
func next(b []byte) (name, value, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, nil, false
	}
	pair := b
	if i := bytes.IndexByte(b, ';'); i >= 0 {
		pair, rest = b[:i], b[i+1:]
	}
	eq := bytes.IndexByte(pair, '=')
	if eq < 0 {
		return nil, trim(pair), rest, true
	}
	return trim(pair[:eq]), unquote(trim(pair[eq+1:])), rest, true
}

// trim takes spaces and tabs off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// unquote takes one pair of quotes off, which RFC 6265 section 4.1.1 allows
// around a value and old Tomcats write.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// Cookie is the value of the first cookie with the name in the given Cookie
// fields, without quotes.
func Cookie(fields [][]byte, name string) (value []byte, ok bool) {
	for _, b := range fields {
		for {
			n, v, rest, more := next(b)
			if !more {
				break
			}
			if name != "" && string(n) == name {
				return v, true
			}
			b = rest
		}
	}
	return nil, false
}
