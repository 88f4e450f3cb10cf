package table

import (
	"bytes"
	"fmt"
	"strings"
)

// ParsePattern reads a path pattern as it stands in the file: "/shop/" or
// "/shop" is a prefix on the border of segments, "=/login" one exact path,
// "*.jsp" a suffix of the last segment. The error says what is wrong with it.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "":
		return Pattern{}, fmt.Errorf("path pattern: it is empty; \"/\" matches every path")
	case strings.HasPrefix(s, "="):
		p := s[1:]
		if !strings.HasPrefix(p, "/") {
			return Pattern{}, fmt.Errorf("path pattern %q: an exact path begins with \"=/\"", s)
		}
		return Pattern{Kind: Exact, Literal: p}, nil
	case strings.HasPrefix(s, "*"):
		p := s[1:]
		if len(p) < 2 || p[0] != '.' || strings.ContainsAny(p, "/*") {
			return Pattern{}, fmt.Errorf("path pattern %q: a suffix is written like \"*.jsp\"", s)
		}
		return Pattern{Kind: Suffix, Literal: p}, nil
	case !strings.HasPrefix(s, "/"):
		return Pattern{}, fmt.Errorf("path pattern %q: begin with \"/\", \"=/\" or \"*.\"", s)
	case strings.Contains(s, "*"):
		return Pattern{}, fmt.Errorf("path pattern %q: \"*\" may only stand at the beginning; a prefix matches everything below it already", s)
	}
	return Pattern{Kind: Prefix, Literal: trimPrefix(s)}, nil
}

// trimPrefix takes the slashes from the end of a prefix, "/" stays "/".
func trimPrefix(s string) string {
	for len(s) > 1 && s[len(s)-1] == '/' {
		s = s[:len(s)-1]
	}
	return s
}

// String is the pattern as it is written in the file.
func (p Pattern) String() string {
	switch p.Kind {
	case Exact:
		return "=" + p.Literal
	case Suffix:
		return "*" + p.Literal
	}
	if p.Literal == "/" {
		return "/"
	}
	return trimPrefix(p.Literal) + "/"
}

// Matches compares one pattern with a normalised path.
func (p Pattern) Matches(path []byte) bool {
	switch p.Kind {
	case Exact:
		return string(path) == p.Literal
	case Suffix:
		// The literal has no slash, so a match lies within the last segment.
		return len(path) >= len(p.Literal) && string(path[len(path)-len(p.Literal):]) == p.Literal
	}
	n := len(p.Literal)
	for n > 0 && p.Literal[n-1] == '/' {
		n--
	}
	return len(path) >= n && string(path[:n]) == p.Literal[:n] && (len(path) == n || path[n] == '/')
}

// check refuses a Pattern that was not made by ParsePattern and that the index
// would never find.
func (p Pattern) check() error {
	switch p.Kind {
	case Prefix, Exact:
		if strings.HasPrefix(p.Literal, "/") {
			return nil
		}
	case Suffix:
		if len(p.Literal) >= 2 && p.Literal[0] == '.' && !strings.Contains(p.Literal, "/") {
			return nil
		}
	}
	return fmt.Errorf("path pattern of kind %d: the literal %q fits no path", p.Kind, p.Literal)
}

// lastSegment is where the last segment of the path begins.
func lastSegment(path []byte) int { return bytes.LastIndexByte(path, '/') + 1 }
