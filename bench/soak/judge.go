package main

import (
	"fmt"
	"time"
)

// kill is the time in which a member died: from just before the signal until the process
// had been collected, when all its connections are closed. A zero to: still dying.
type kill struct {
	member   string
	from, to time.Time
}

// during tells whether the kill touches the time between start and end.
func (k *kill) during(start, end time.Time) bool {
	return !end.Before(k.from) && (k.to.IsZero() || !start.After(k.to))
}

// killed finds a kill of member ("" for any) between start and end.
func killed(kills []kill, member string, start, end time.Time) bool {
	for i := range kills {
		if (member == "" || kills[i].member == member) && kills[i].during(start, end) {
			return true
		}
	}
	return false
}

// result is what a client saw of one request.
type result struct {
	method, target, id string
	start, end         time.Time

	first  bool // a byte of the answer came
	head   bool // its head came whole
	status int
	node   string // X-Node: the member that answered
	gotID  string // X-Request-Id of the answer
	reason string // Catherd-Reason: Catherd answered itself
	err    error  // connection or framing broke; nil: the answer looked complete
	extra  int    // bytes behind the answer that nobody asked for
	left   bool   // the client left on purpose

	wrong string // what is wrong with the body, "" for nothing; of a broken answer: with what came of it
	size  int64  // body bytes that came
	sent  int64  // body bytes that were sent
}

// clock is how a time is written in evidence.
const clock = "15:04:05.000000"

// String is the evidence.
func (r *result) String() string {
	return fmt.Sprintf("%s %s id %s from %s to %s, %d bytes sent, %d received, by %q",
		r.method, r.target, r.id, r.start.Format(clock), r.end.Format(clock), r.sent, r.size, r.node)
}

func (r *result) took() time.Duration { return r.end.Sub(r.start) }

// safe is RFC 9110 section 9.2.1, as far as the soak uses it.
func (r *result) safe() bool { return r.method == "GET" || r.method == "HEAD" }

// verdict is what a result means.
type verdict int

// The verdicts.
const (
	fine     verdict = iota
	left             // the client left, and nothing was wrong until then
	halved           // broke visibly in the middle because its member was killed
	lost             // an unsafe request that failed because a member was killed
	violated         // a promise was broken
)

// judge decides about one result. The sentence is for a violation.
func judge(r *result, kills []kill) (verdict, string) {
	dying := killed(kills, "", r.start, r.end)
	if r.left && !r.first {
		return left, "" // nothing can be said
	}
	if !r.first {
		switch {
		case r.safe():
			return violated, fmt.Sprintf("a safe request failed before its first byte: %v", r.err)
		case !dying:
			return violated, fmt.Sprintf("failed although no member was killed meanwhile: %v", r.err)
		}
		return lost, ""
	}
	if !r.head {
		return violated, fmt.Sprintf("the head of the answer is broken: %v", r.err)
	}
	if r.status != 200 {
		if !r.safe() && dying && r.status == 502 && r.reason != "" {
			return lost, ""
		}
		return violated, fmt.Sprintf("status %d, reason %q", r.status, r.reason)
	}
	switch {
	case r.gotID != r.id:
		return violated, fmt.Sprintf("the answer carries the id %q", r.gotID)
	case r.wrong != "":
		return violated, "wrong body: " + r.wrong
	case r.extra > 0:
		return violated, fmt.Sprintf("%d bytes follow the answer", r.extra)
	case r.left:
		return left, ""
	case r.err == nil:
		return fine, ""
	case !killed(kills, r.node, r.start, r.end):
		return violated, fmt.Sprintf("broke off after %d bytes although %s was not killed: %v", r.size, r.node, r.err)
	}
	return halved, ""
}
