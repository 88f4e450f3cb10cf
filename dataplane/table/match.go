package table

import "bytes"

// maxHost is the longest host that is looked up, RFC 1035 section 2.3.4. A
// longer one is nobody's name and gets only the routes for every host.
const maxHost = 255

// index finds routes without walking all of them.
type index struct {
	exact map[string]*paths // by host in lower case
	below map[string]*paths // by ".example.org" in lower case
	every *paths
}

// paths indexes the routes of one host. The values are positions in
// Table.Routes, in the order of the file.
type paths struct {
	exact  map[string][]int32
	prefix map[string][]int32 // without slash at the end: "" is "/"
	suffix map[string][]int32

	longestPrefix int // bounds the walk over a long path
	longestSuffix int
}

// Match finds the route for a request, or nil. host is without port, in any
// case; path is normalised by dataplane/http1.Normalize. An exact host is
// better than the longest "*." host, and that is better than every host;
// within a host an exact path is better than the longest literal, and of equal
// length a prefix better than a suffix. A route whose Unmount matches is passed
// over. When a host has no route left, the next kind of host is tried.
//
// It allocates nothing, and its work is bounded by the longest pattern, not by
// the path.
func (t *Table) Match(host, path []byte) *Route {
	var buf [maxHost]byte
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1] // the root label changes nothing, RFC 3986 section 3.2.2
	}
	if n := len(host); n > 0 && n <= maxHost && len(t.index.exact)+len(t.index.below) > 0 {
		h := buf[:n]
		for i, c := range host {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			h[i] = c
		}
		if p := t.index.exact[string(h)]; p != nil {
			if r := t.matchPath(p, path); r != nil {
				return r
			}
		}
		// The labels are dropped from the left, so the longest suffix comes first.
		for len(t.index.below) > 0 && len(h) > 1 {
			dot := bytes.IndexByte(h[1:], '.')
			if dot < 0 {
				break
			}
			h = h[1+dot:]
			if p := t.index.below[string(h)]; p != nil {
				if r := t.matchPath(p, path); r != nil {
					return r
				}
			}
		}
	}
	if t.index.every != nil {
		return t.matchPath(t.index.every, path)
	}
	return nil
}

// matchPath finds the best route of one host.
func (t *Table) matchPath(p *paths, path []byte) *Route {
	if len(p.exact) > 0 {
		if r := t.first(p.exact[string(path)], path); r != nil {
			return r
		}
	}
	// Two walks from long to short, the prefixes and the suffixes, are merged.
	cut := len(path) // path[:cut] is the next prefix, -1 when there is none
	if cut > p.longestPrefix {
		cut = border(path, p.longestPrefix+1)
	}
	if len(p.prefix) == 0 {
		cut = -1
	}
	dot := len(path) // path[dot:] is the next suffix, len(path) when there is none
	if len(p.suffix) > 0 {
		dot = nextDot(path, max(lastSegment(path), len(path)-p.longestSuffix))
	}
	for cut >= 0 || dot < len(path) {
		if cut >= 0 && cut >= len(path)-dot {
			if r := t.first(p.prefix[string(path[:cut])], path); r != nil {
				return r
			}
			cut = border(path, cut)
			continue
		}
		if dot < len(path) {
			if r := t.first(p.suffix[string(path[dot:])], path); r != nil {
				return r
			}
			dot = nextDot(path, dot+1)
			continue
		}
	}
	return nil
}

// border is the last place before end where a segment ends, or -1.
func border(path []byte, end int) int {
	return bytes.LastIndexByte(path[:end], '/')
}

// nextDot is the first dot from start on, or len(path).
func nextDot(path []byte, start int) int {
	if i := bytes.IndexByte(path[start:], '.'); i >= 0 {
		return start + i
	}
	return len(path)
}

// first is the first of the routes that does not give the path away.
func (t *Table) first(routes []int32, path []byte) *Route {
next:
	for _, i := range routes {
		r := &t.Routes[i]
		for _, u := range r.Unmount {
			if u.Matches(path) {
				continue next
			}
		}
		return r
	}
	return nil
}
