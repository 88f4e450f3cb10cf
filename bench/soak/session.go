package main

import (
	"fmt"
	"strings"
	"time"
)

// visit is one answer of the counter page.
type visit struct {
	id, route  string
	count      int
	start, end time.Time
}

// parseVisit reads "session=ID.ROUTE count=N node=ROUTE".
func parseVisit(text string) (v visit, ok bool) {
	var full, node string
	if n, _ := fmt.Sscanf(text, "session=%s count=%d node=%s", &full, &v.count, &node); n != 3 {
		return v, false
	}
	v.id, v.route, ok = strings.Cut(full, ".")
	return v, ok && v.route == node
}

// session is the last visit of one client.
type session struct {
	last    visit
	visited bool
}

// fate is what became of a session between two visits.
type fate int

// The fates.
const (
	begun    fate = iota // the first visit
	kept                 // one more, same member
	moved                // one more, another member
	leapt                // counted more than once for one answer: repeated after a kill
	restored             // an older count, or a session begun anew, after a kill
	wronged              // not to be explained
)

// next judges a visit and remembers it. A kill since the last visit began explains a
// count that is too low (the last copy had not reached the other member), a session
// begun anew, and one that is too high (a GET that broke is repeated and counts twice).
func (s *session) next(v visit, kills []kill) (fate, string) {
	was, before := s.last, s.visited
	s.last, s.visited = v, true
	if !before {
		if v.count != 1 {
			return wronged, fmt.Sprintf("a new session begins with count %d", v.count)
		}
		return begun, ""
	}
	explained := killed(kills, "", was.start, v.end)
	switch {
	case v.id == was.id && v.count == was.count+1:
		if v.route == was.route {
			return kept, ""
		}
		return moved, ""
	case explained && v.id == was.id && v.count > was.count+1:
		return leapt, ""
	case explained:
		return restored, ""
	}
	return wronged, fmt.Sprintf("session %s count %d on %s became %s count %d on %s and no member was killed",
		was.id, was.count, was.route, v.id, v.count, v.route)
}
