package health

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// MaxBody is how much of an answer is held against Request.Body, in bytes.
const MaxBody = 16 << 10

// shownBody is how much of an answer that disappoints is quoted, in bytes.
const shownBody = 60

// Lacks says in words what the begin of an answer's body does not have that
// Request.Body wants: `has no "UP"; it begins with "DOWN"`. It is empty when nothing
// is missing. Bytes beyond MaxBody are not looked at.
func Lacks(want string, body []byte) string {
	if want == "" {
		return ""
	}
	body = body[:min(len(body), MaxBody)]
	missing := fmt.Sprintf("has no %q", want)
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		// Compiled each time: it costs less than the connection, and a Request
		// stays a plain value that can be compared.
		re, err := regexp.Compile(pattern)
		if err != nil {
			return fmt.Sprintf("cannot match: %q is no regular expression", want)
		}
		if re.Match(body) {
			return ""
		}
		missing = fmt.Sprintf("does not match %q", want)
	} else if bytes.Contains(body, []byte(want)) {
		return ""
	}
	if len(body) == 0 {
		return missing + "; it is empty"
	}
	return fmt.Sprintf("%s; it begins with %q", missing, body[:min(len(body), shownBody)])
}

// judgeBody holds the begin of an answer against what is expected in it. s is
// what the status was worth; only a good one is looked at closer.
func (r *Request) judgeBody(s Sample, body []byte) Sample {
	if !s.OK {
		return s
	}
	if lacks := Lacks(r.Body, body); lacks != "" {
		s.OK, s.Text = false, s.Text+", but its body "+lacks
	}
	return s
}

// wantsBody reports whether the answer has to be read beyond its status.
func (r *Request) wantsBody(s Sample) bool { return s.OK && r.Body != "" }
