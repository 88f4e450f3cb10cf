package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// at is a moment of the tests' own time.
func at(seconds float64) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// tomcat1 dies from second 10 to 10.5, tomcat2 has been dying since 30.
var deaths = []kill{{"tomcat1", at(10), at(10.5)}, {"tomcat2", at(30), time.Time{}}}

// good is an answer without fault.
func good(method string, from, to float64) result {
	return result{method: method, target: "/app/x", id: "a", start: at(from), end: at(to),
		first: true, head: true, status: 200, node: "tomcat1", gotID: "a"}
}

func TestJudge(t *testing.T) {
	f := func(r result, want verdict, words string) {
		t.Helper()
		got, text := judge(&r, deaths)
		if got != want || !strings.Contains(text, words) || (want == violated) != (text != "") {
			t.Errorf("got %d %q, want %d with %q", got, text, want, words)
		}
	}
	with := func(r result, change func(*result)) result {
		change(&r)
		return r
	}
	broken := errors.New("unexpected EOF")
	silent := func(r *result) { *r = result{method: r.method, id: "a", start: r.start, end: r.end, err: broken} }
	half := func(r *result) { r.err, r.size = broken, 5 }
	refused := func(r *result) { r.status, r.gotID, r.node, r.reason = 502, "", "", "broke the connection" }

	f(good("GET", 1, 2), fine, "")
	f(with(good("GET", 1, 2), func(r *result) { r.gotID = "b" }), violated, `the id "b"`)
	f(with(good("GET", 1, 2), func(r *result) { r.gotID = "" }), violated, `the id ""`)
	f(with(good("GET", 1, 2), func(r *result) { r.extra = 3 }), violated, "3 bytes follow")

	// A short body that looks complete has no excuse, not even a kill.
	f(with(good("GET", 9, 11), func(r *result) { r.wrong = "5 bytes that look complete, 10 expected" }), violated, "look complete")
	// Nor has a broken one whose beginning is wrong.
	f(with(good("GET", 9, 11), func(r *result) { half(r); r.wrong = "digest" }), violated, "digest")

	// A safe request never fails before its first byte.
	f(with(good("GET", 9, 11), silent), violated, "before its first byte")
	f(with(good("HEAD", 9, 11), silent), violated, "before its first byte")
	f(with(good("GET", 9, 11), refused), violated, "status 502")

	// Half an answer: only when the member that was answering died meanwhile.
	f(with(good("GET", 9, 11), half), halved, "")
	f(with(good("GET", 10.2, 10.4), half), halved, "")
	f(with(good("GET", 9, 9.9), half), violated, "tomcat1 was not killed")
	f(with(good("GET", 10.6, 11), half), violated, "tomcat1 was not killed")
	f(with(good("GET", 29, 31), half), violated, "tomcat1 was not killed") // tomcat2 was
	f(with(good("POST", 9, 11), half), halved, "")
	f(with(good("GET", 9, 11), func(r *result) { half(r); r.gotID = "b" }), violated, `the id "b"`)
	f(with(good("GET", 9, 11), func(r *result) { silent(r); r.first = true }), violated, "head of the answer is broken")

	// An unsafe request: only when a member died while it was under way.
	f(with(good("POST", 9, 11), silent), lost, "")
	f(with(good("POST", 31, 32), silent), lost, "") // still dying
	f(with(good("POST", 12, 13), silent), violated, "no member was killed")
	f(with(good("POST", 9, 11), refused), lost, "")
	f(with(good("POST", 12, 13), refused), violated, "status 502")
	f(with(good("POST", 9, 11), func(r *result) { refused(r); r.status = 503 }), violated, "status 503")
	f(with(good("POST", 9, 11), func(r *result) { refused(r); r.reason = "" }), violated, "status 502") // not Catherd's

	// A client that leaves.
	f(with(good("GET", 1, 2), func(r *result) { r.left = true }), left, "")
	f(with(good("POST", 1, 2), func(r *result) { silent(r); r.left = true }), left, "")
	f(with(good("GET", 1, 2), func(r *result) { r.left, r.wrong = true, "digest" }), violated, "digest")
	f(with(good("GET", 1, 2), func(r *result) { r.left, r.gotID = true, "b" }), violated, `the id "b"`)
}

func TestAudit(t *testing.T) {
	f := func(sent map[string]string, one, two []string, final bool, want ...string) {
		t.Helper()
		bad := audit(sent, map[string][]string{"tomcat1": one, "tomcat2": two}, final)
		if len(bad) != len(want) {
			t.Errorf("got %q, want %q", bad, want)
			return
		}
		for i := range want {
			if !strings.Contains(bad[i], want[i]) {
				t.Errorf("got %q, want %q in it", bad[i], want[i])
			}
		}
	}
	sent := map[string]string{"a": "tomcat1", "b": "tomcat2", "c": ""}
	f(sent, []string{"a"}, []string{"b"}, true)
	f(sent, []string{"a", "c"}, []string{"b"}, true)
	f(sent, []string{"a"}, []string{"b", "a"}, true, `"a" reached tomcat1 and tomcat2`)
	f(sent, []string{"a", "a"}, []string{"b"}, true, `"a" reached tomcat1 and tomcat1`)
	f(sent, []string{"a", "c"}, []string{"b", "c"}, true, `"c" reached tomcat1 and tomcat2`)
	f(sent, []string{"a", "b"}, nil, true, "signed by tomcat2")
	f(sent, []string{"a", "z"}, []string{"b"}, true, `nobody sent: "z"`)
	f(sent, []string{"a"}, nil, true, `"b" was answered by tomcat2 and is in no ledger`)
	f(sent, []string{"a"}, nil, false)
}

func TestSession(t *testing.T) {
	f := func(v visit, want fate) {
		t.Helper()
		s := session{last: visit{id: "S", route: "tomcat1", count: 5, start: at(1), end: at(1.1)}, visited: true}
		if got, text := s.next(v, deaths); got != want || (want == wronged) != (text != "") {
			t.Errorf("got %d %q, want %d", got, text, want)
		}
		if s.last != v {
			t.Errorf("remembers %+v, not %+v", s.last, v)
		}
	}
	early, late := at(2), at(11) // before and after tomcat1 died
	f(visit{id: "S", route: "tomcat1", count: 6, end: early}, kept)
	f(visit{id: "S", route: "tomcat2", count: 6, end: early}, moved)
	f(visit{id: "S", route: "tomcat1", count: 7, end: early}, wronged)
	f(visit{id: "S", route: "tomcat1", count: 5, end: early}, wronged)
	f(visit{id: "T", route: "tomcat1", count: 1, end: early}, wronged)
	f(visit{id: "T", route: "tomcat1", count: 6, end: early}, wronged)
	f(visit{id: "S", route: "tomcat2", count: 7, end: late}, leapt)
	f(visit{id: "S", route: "tomcat2", count: 5, end: late}, restored)
	f(visit{id: "T", route: "tomcat2", count: 1, end: late}, restored)
	var fresh session
	if got, _ := fresh.next(visit{id: "S", count: 1}, nil); got != begun {
		t.Errorf("first visit: %d", got)
	}
	fresh = session{}
	if got, _ := fresh.next(visit{id: "S", count: 2}, nil); got != wronged {
		t.Errorf("first visit with count 2: %d", got)
	}
	if v, ok := parseVisit("session=AB.tomcat1 count=12 node=tomcat1\n"); !ok || v.id != "AB" || v.route != "tomcat1" || v.count != 12 {
		t.Errorf("parseVisit: %+v %v", v, ok)
	}
	for _, text := range []string{"", "session=AB count=1 node=tomcat1", "session=AB.tomcat1 count=1 node=tomcat2", "session=AB.tomcat1 count=x node=tomcat1"} {
		if _, ok := parseVisit(text); ok {
			t.Errorf("parseVisit(%q) is ok", text)
		}
	}
}

func TestFlat(t *testing.T) {
	f := func(early, end, after, slack int64, length time.Duration, want bool) {
		t.Helper()
		var readings []reading
		for s := time.Second; s <= length; s += time.Second {
			memory := early
			if s > length/2 {
				memory = end
			}
			readings = append(readings, reading{s, memory << 20})
		}
		if text, ok := flat(readings, length, after<<20, slack<<20); ok != want {
			t.Errorf("%v: %s", ok, text)
		}
	}
	f(50, 59, 59, 0, 10*time.Minute, true)
	f(50, 61, 50, 0, 10*time.Minute, false)
	f(50, 50, 61, 0, 10*time.Minute, false)
	f(50, 61, 61, 0, time.Minute, false)
	f(50, 61, 61, 96, time.Minute, true)
	f(50, 97, 50, 96, time.Minute, false)
	if _, ok := flat(nil, time.Minute, 1, 1); ok {
		t.Error("no readings are taken for flat memory")
	}
}
