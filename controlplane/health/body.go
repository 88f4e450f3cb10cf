package health

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// maxBody is how much of an answer is held against Request.Body, in bytes.
const maxBody = 16 << 10

// shownBody is how much of an answer that disappoints is quoted, in bytes.
const shownBody = 60

// judgeBody holds the begin of an answer against what is expected in it. s is
// what the status was worth; only a good one is looked at closer.
func (r *Request) judgeBody(s Sample, body []byte) Sample {
	if !s.OK || r.Body == "" {
		return s
	}
	body = body[:min(len(body), maxBody)]
	pattern, isPattern := strings.CutPrefix(r.Body, "~")
	missing := fmt.Sprintf("has no %q", r.Body)
	if isPattern {
		// Compiled each time: it costs less than the connection, and a Request
		// stays a plain value that can be compared.
		re, err := regexp.Compile(pattern)
		switch {
		case err != nil:
			s.OK, s.Text = false, fmt.Sprintf("health request: body %q is no regular expression", r.Body)
			return s
		case re.Match(body):
			return s
		}
		missing = fmt.Sprintf("does not match %q", r.Body)
	} else if bytes.Contains(body, []byte(r.Body)) {
		return s
	}
	begins := "it is empty"
	if len(body) > 0 {
		begins = fmt.Sprintf("it begins with %q", body[:min(len(body), shownBody)])
	}
	s.OK, s.Text = false, fmt.Sprintf("%s, but its body %s; %s", s.Text, missing, begins)
	return s
}

// wantsBody reports whether the answer has to be read beyond its status.
func (r *Request) wantsBody(s Sample) bool { return s.OK && r.Body != "" }
