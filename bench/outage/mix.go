package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// kind is a kind of request.
type kind int

// The kinds. All but post are GETs.
const (
	page     kind = iota // two kilobytes, with the session's cookie
	bare                 // the same by somebody without a session, who gets none
	counter              // counts in the session
	newcomer             // counter without a cookie: a new session begins
	slow                 // takes 300 ms
	post                 // is entered into the ledger
	kinds
)

var kindNames = [kinds]string{"page", "bare", "counter", "newcomer", "slow", "post"}

func (k kind) String() string { return kindNames[k] }

func (k kind) method() string {
	if k == post {
		return http.MethodPost
	}
	return http.MethodGet
}

// stranger tells whether it comes without a session.
func (k kind) stranger() bool { return k == bare || k == newcomer }

// Sizes of what is asked for, in bytes, and how long the slow page takes.
const (
	pageBytes = 2000
	postBytes = 100
	slowTakes = 300 // ms
)

// sessionShare is the share of arrivals that come with a session.
const sessionShare = 0.8

// draw chooses the kind of the next arrival: a tenth POSTs, a tenth slow pages, a tenth
// newcomers, so that a second of 100 requests shows where new sessions go.
func draw(random *rand.Rand) kind {
	switch at := random.IntN(100); {
	case at < 10:
		return post
	case at < 20:
		return slow
	case at < 30:
		return newcomer
	case at < 40:
		return bare
	case at < 70:
		return counter
	}
	return page
}

// result is one request and what a client saw of it.
type result struct {
	kind   kind
	id     string
	cookie string // JSESSIONID that was sent

	due, start, end time.Time
	begun           bool // a byte of the answer came
	status          int
	node            string // X-Node: the member that answered
	given           string // JSESSIONID that came
	reason          string // Catherd-Reason
	fault           string // "": answered as it has to be

	session string // counter pages: the session's id without the route
	count   int
}

// target has the id, so that every access log shows it.
func (r *result) target() string {
	switch r.kind {
	case counter, newcomer:
		return "/app/counter.jsp?id=" + r.id
	case slow:
		return fmt.Sprintf("/app/slow.jsp?id=%s&ms=%d", r.id, slowTakes)
	case post:
		return "/app/upload.jsp?id=" + r.id
	}
	return fmt.Sprintf("/app/size.jsp?id=%s&n=%d&digest=0", r.id, pageBytes)
}

// examine looks at the body of an answer of status 200. It returns the fault, "" for none.
func (r *result) examine(text string) string {
	ok := false
	switch r.kind {
	case counter, newcomer:
		var full, node string
		n, _ := fmt.Sscanf(text, "session=%s count=%d node=%s", &full, &r.count, &node)
		r.session, _ = split(full)
		ok = n == 3 && node == r.node
	case slow:
		ok = text == fmt.Sprintf("slow=%d node=%s\n", slowTakes, r.node)
	case post:
		var sum, node string
		var length int
		n, _ := fmt.Sscanf(text, "length=%d sha256=%s node=%s", &length, &sum, &node)
		ok = n == 3 && length == postBytes && node == r.node
	default:
		ok = len(text) == pageBytes
	}
	if !ok {
		return "wrong body"
	}
	return ""
}

// wait is what the user waited.
func (r *result) wait() time.Duration { return r.end.Sub(r.due) }
