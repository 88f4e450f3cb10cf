package http1

import "bytes"

// Normalize returns path as routing is to see it: what a Tomcat makes of it
// before it looks for an application. Path parameters (";name=value") are
// taken off every segment, percent-encoded visible ASCII and space are decoded
// once, then slashes are merged and dot segments resolved. It is for matching
// alone; what goes to the member is the path as it came.
//
// Four encoded bytes stay encoded, in upper case: %2F and %5C, which are data
// and no slashes (see NormalizeSlashes for the other opinion), %25, since
// nothing may be decoded twice, and %3B, which begins no parameter. So do
// control bytes, DEL and everything above ASCII.
//
// ok is false, and the answer 400, when the path does not begin with a slash,
// has a malformed percent-encoding or an encoded NUL, or climbs above the root.
// The asterisk of OPTIONS reads as the root.
//
// dst must be empty; with a capacity of len(path) nothing is allocated. When
// nothing is to be done, out is path itself and dst stays untouched.
func Normalize(dst, path []byte) (out []byte, ok bool) {
	return normalize(dst, path, false)
}

// NormalizeSlashes is Normalize in the eyes of a member that takes %2F, %5C and
// '\' for a slash, as a Tomcat with encodedSolidusHandling="decode" or
// allowBackslash="true" does. A rule that keeps a path from a member must hold
// in both readings, or "/app%2Fsecret" walks around it; ask for the second one
// only if HasHiddenSlash.
func NormalizeSlashes(dst, path []byte) (out []byte, ok bool) {
	return normalize(dst, path, true)
}

// HasHiddenSlash reports whether path, as it came, holds a byte that
// NormalizeSlashes may read otherwise than Normalize. Asking the normalised path
// would not do: in "/a\b/.." the byte goes away with its segment, and yet the
// readings differ.
func HasHiddenSlash(path []byte) bool {
	for i, c := range path {
		if c == '\\' || c == '%' && i+2 < len(path) &&
			(path[i+1] == '2' && path[i+2]|0x20 == 'f' || path[i+1] == '5' && path[i+2]|0x20 == 'c') {
			return true
		}
	}
	return false
}

func normalize(dst, path []byte, slashes bool) (out []byte, ok bool) {
	if len(path) == 0 || path[0] != '/' {
		if len(path) == 1 && path[0] == '*' {
			return rootPath, true
		}
		return nil, false
	}
	if plain(path, slashes) {
		return path, true
	}
	dst, ok = decode(dst[:0], path, slashes)
	if !ok {
		return nil, false
	}
	n, ok := resolve(dst)
	return dst[:n], ok
}

// plain reports whether nothing in path needs work. It errs to the safe side:
// a segment that begins with a dot counts as work.
func plain(path []byte, slashes bool) bool {
	if bytes.IndexByte(path, '%') >= 0 || bytes.IndexByte(path, ';') >= 0 ||
		slashes && bytes.IndexByte(path, '\\') >= 0 {
		return false
	}
	for i := 1; i < len(path); i++ {
		if path[i-1] == '/' && (path[i] == '/' || path[i] == '.') {
			return false
		}
	}
	return true
}

// decode appends path to dst without its parameters and with what may be
// decoded decoded. The parameters end at a plain slash only, for they are taken
// off before anything is decoded (Tomcat: CoyoteAdapter.parsePathParameters).
func decode(dst, path []byte, slashes bool) ([]byte, bool) {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == ';':
			n := bytes.IndexByte(path[i:], '/')
			if n < 0 {
				n = len(path) - i
			}
			if !wellEncoded(path[i : i+n]) {
				return nil, false
			}
			i += n - 1
		case c == '%':
			if i+2 >= len(path) || class[path[i+1]]&class[path[i+2]]&cHex == 0 {
				return nil, false
			}
			v := unhex(path[i+1])<<4 | unhex(path[i+2])
			i += 2
			switch {
			case v == 0:
				return nil, false
			case slashes && (v == '/' || v == '\\'):
				dst = append(dst, '/')
			case v < 0x20 || v > 0x7e || v == '/' || v == '\\' || v == '%' || v == ';':
				dst = append(dst, '%', digits[v>>4], digits[v&15])
			default:
				dst = append(dst, v)
			}
		case slashes && c == '\\':
			dst = append(dst, '/')
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

// wellEncoded reports whether every percent sign of a path parameter begins an
// encoding of something but NUL.
func wellEncoded(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		if i+2 >= len(b) || class[b[i+1]]&class[b[i+2]]&cHex == 0 || b[i+1] == '0' && b[i+2] == '0' {
			return false
		}
		i += 2
	}
	return true
}

// resolve merges slashes and resolves dot segments of p in place (RFC 3986
// section 5.2.4, but above the root is no place) and returns the new length.
func resolve(p []byte) (n int, ok bool) {
	// Invariant: p[:n] is resolved and ends with a slash, i is after a slash.
	n = 1
	for i := 1; i < len(p); {
		end, last := len(p), true
		if n := bytes.IndexByte(p[i:], '/'); n >= 0 {
			end, last = i+n, false
		}
		switch seg := p[i:end]; {
		case len(seg) == 0 || len(seg) == 1 && seg[0] == '.':
		case len(seg) == 2 && seg[0] == '.' && seg[1] == '.':
			if n == 1 {
				return 0, false
			}
			n = bytes.LastIndexByte(p[:n-1], '/') + 1
		default:
			n += copy(p[n:], seg)
			if !last {
				p[n] = '/'
				n++
			}
		}
		i = end + 1
	}
	return n, true
}
