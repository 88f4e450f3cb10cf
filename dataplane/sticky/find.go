package sticky

import (
	"bytes"

	"github.com/catherd/catherd/dataplane/table"
)

// Session is what a request says about its session. The slices are views of
// the request.
type Session struct {
	ID       []byte // without the route
	Route    []byte // jvmRoute, empty when the id has none
	FromPath bool   // found in a path parameter, not in a cookie
}

// How good a candidate is; the zero rank is none at all.
const (
	rankBare   = 1 + iota // an id without a route
	rankRoute             // a route that no member has
	rankKnown             // the route of a member that takes nothing now
	rankLiving            // the route of a member that serves its sessions
)

// Find looks for the session of a request. cookies holds the values of all
// Cookie fields in the order they came, path the raw path with its parameters
// and without query. ok is false when there is no session, or when Sticky is off.
//
// The first living route wins: by the order of the cookie names in s, then as
// the browser sent them, then path parameters, of which the last one counts as
// it does in Tomcat. When no route lives, the best of what is left is given: a
// known route, then an unknown one, then an id without route.
func Find(s *table.Sticky, p *table.Pool, cookies [][]byte, path []byte) (found Session, ok bool) {
	if s.Off {
		return Session{}, false
	}
	best := 0
	for _, name := range s.Cookies {
		left := maxCandidates
		for _, b := range cookies {
			for left > 0 {
				n, value, rest, more := next(b)
				if !more {
					break
				}
				b = rest
				if string(n) != name || len(value) == 0 {
					continue
				}
				left--
				id, route, rank := split(s, p, value)
				if rank > best {
					best, found = rank, Session{ID: id, Route: route}
				}
				if best == rankLiving {
					return found, true
				}
			}
		}
	}
	if len(s.PathParams) > 0 {
		fromPath(s, p, path, best, &found)
	}
	return found, len(found.ID) > 0 || len(found.Route) > 0
}

// fromPath replaces found by a path parameter that ranks above best.
func fromPath(s *table.Sticky, p *table.Pool, path []byte, best int, found *Session) {
	cookie := best
	for left := maxCandidates; left > 0; {
		i := bytes.IndexByte(path, ';')
		if i < 0 {
			return
		}
		path = path[i+1:]
		end := bytes.IndexAny(path, ";/")
		if end < 0 {
			end = len(path)
		}
		value, wanted := param(s, path[:end])
		path = path[end:]
		if !wanted || len(value) == 0 {
			continue
		}
		left--
		id, route, rank := split(s, p, value)
		if rank > cookie && rank >= best {
			best, *found = rank, Session{ID: id, Route: route, FromPath: true}
		}
	}
}

// param is the value of "name=value" when the name is wanted.
func param(s *table.Sticky, b []byte) (value []byte, wanted bool) {
	eq := bytes.IndexByte(b, '=')
	if eq < 0 {
		return nil, false
	}
	for _, name := range s.PathParams {
		if string(b[:eq]) == name {
			return b[eq+1:], true
		}
	}
	return nil, false
}

// split cuts a session id from its route and says how good the route is.
func split(s *table.Sticky, p *table.Pool, value []byte) (id, route []byte, rank int) {
	first := bytes.IndexByte(value, '.')
	if first < 0 {
		return value, nil, rankBare
	}
	last := bytes.LastIndexByte(value, '.')
	if s.LastDot {
		first, last = last, first
	}
	rank = rankOf(p, value[first+1:])
	if rank < rankKnown && last != first {
		if r := rankOf(p, value[last+1:]); r >= rankKnown {
			return value[:last], value[last+1:], r
		}
	}
	return value[:first], value[first+1:], rank
}

func rankOf(p *table.Pool, route []byte) int {
	if len(route) == 0 {
		return rankBare
	}
	m := p.ByRoute(route)
	switch {
	case m == nil:
		return rankRoute
	case m.Take == table.Nothing:
		return rankKnown
	}
	return rankLiving
}
