package main

import (
	"strings"
	"testing"
	"time"
)

// at is a moment of the invented runs below, in milliseconds.
func at(ms int) time.Time { return time.UnixMilli(1_000_000 + int64(ms)) }

// asked is a request that was under way from one millisecond to another.
func asked(k kind, from, to int, fault string) result {
	r := result{kind: k, id: "r1", due: at(from), start: at(from), end: at(to), fault: fault}
	if fault == "" {
		r.status, r.node, r.begun = 200, "tomcat1", true
	}
	return r
}

// gone is an outage of tomcat1 at 1000 that ends at 1100; the member is back at 5000.
func gone(what string) outage {
	return outage{round: 1, what: what, member: "tomcat1", from: at(1000), gone: at(1100), back: at(5000), used: at(5200), next: at(9000)}
}

// used is the answer that shows that the member was used again.
var used = asked(page, 5100, 5200, "")

func TestJudge(t *testing.T) {
	inAnswer := asked(page, 1050, 1060, "cut in the answer")
	inAnswer.begun, inAnswer.status = true, 200
	refused := asked(page, 1050, 1060, "status 502")
	refused.begun, refused.status = true, 502
	for _, c := range []struct {
		name   string
		what   string
		result result
		broken string // "" when the promises are kept
	}{
		{"nothing failed", "stop", asked(page, 1050, 1060, ""), ""},
		{"a stop excuses no POST", "stop", asked(post, 1050, 1060, "status 502"), `round 1, 50ms after the stop of tomcat1: post "status 502"`},
		{"a stop excuses no GET", "stop", asked(page, 1050, 1060, "reset"), `page "reset"`},
		{"a kill excuses a POST under way", "kill", asked(post, 1050, 1060, "status 502"), ""},
		{"a POST under way since before", "kill", asked(post, 900, 1000, "reset"), ""},
		{"no POST that was sent after it", "kill", asked(post, 1101, 1110, "reset"), `post "reset"`},
		{"no POST that ended before it", "kill", asked(post, 900, 999, "reset"), `post "reset"`},
		{"no GET that had no answer", "kill", asked(slow, 1050, 1060, "reset"), `slow "reset"`},
		{"a GET whose answer had begun", "kill", inAnswer, ""},
		{"an error page is no begun answer", "kill", refused, `page "status 502"`},
		{"a freeze excuses a POST at its begin", "freeze 8s", asked(post, 1500, 9000, "time-out"), ""},
		{"no POST that came later", "freeze 8s", asked(post, 3500, 13500, "time-out"), `post "time-out"`},
		{"no GET at all", "freeze 8s", asked(page, 1500, 2500, "status 504"), `page "status 504"`},
		{"a GET that takes two seconds", "freeze 8s", asked(bare, 1500, 3500, ""), ""},
		{"a GET that takes longer", "freeze 8s", asked(bare, 1500, 3501, ""), "bare took 2.001s"},
		{"a GET that takes longer while nobody is frozen", "stop", asked(bare, 1500, 3501, ""), ""},
		{"a GET that fails late is told once", "freeze 8s", asked(bare, 1500, 11500, "time-out"), `bare "time-out"`},
		{"a GET that shares a short pause", "freeze 2s", asked(bare, 1000, 3300, ""), ""},
		{"a session that waits for the cluster", "freeze 8s", asked(page, 1500, 3501, ""), ""},
		{"a POST may wait", "freeze 8s", asked(post, 1500, 8500, ""), ""},
	} {
		o := gone(c.what)
		after := used
		if o.frozen() {
			o.gone = o.from
		}
		if c.what == "freeze 2s" {
			o.back, after = at(3000), asked(page, 3100, 3200, "")
		}
		a := account{results: []result{c.result, after}, outages: []outage{o}}
		all := a.judge()
		got := strings.Join(all, "\n")
		if len(all) > 1 || c.broken == "" && got != "" || !strings.Contains(got, c.broken) {
			t.Errorf("%s: %q, want %q in it", c.name, got, c.broken)
		}
	}
}

// A session that is lost is excused by a kill alone, and only until the next outage; a
// count that goes back by a freeze as well.
func TestJudgeLosses(t *testing.T) {
	next := gone("stop")
	next.round, next.from, next.gone, next.back = 2, at(9000), at(9100), at(12000)
	again := asked(page, 12100, 12200, "")
	for _, c := range []struct {
		what   string
		at     int
		back   bool
		broken int
	}{{"stop", 2000, false, 1}, {"stop", 2000, true, 1}, {"freeze 8s", 2000, false, 1}, {"freeze 8s", 2000, true, 0},
		{"kill", 2000, false, 0}, {"kill", 8000, true, 0}, {"kill", 9500, false, 1}, {"kill", 500, false, 1}} {
		a := account{results: []result{used, again}, outages: []outage{gone(c.what), next}, losses: []loss{{at(c.at), c.back, "gone"}}}
		if got := a.judge(); len(got) != c.broken {
			t.Errorf("%s, lost at %d: %q, want %d", c.what, c.at, got, c.broken)
		}
		a.alone = true
		if got := a.judge(); len(got) > 0 && c.at != 500 {
			t.Errorf("%s without a cluster, lost at %d: %q", c.what, c.at, got)
		}
	}
}

// Without a cluster nothing but the front can make a session wait.
func TestJudgeAlone(t *testing.T) {
	for _, k := range []kind{page, bare, counter, newcomer, slow} {
		a := account{alone: true, results: []result{asked(k, 1500, 3501, ""), used}, outages: []outage{gone("freeze 8s")}}
		if got := a.judge(); len(got) != 1 || !strings.Contains(got[0], "took 2.001s") {
			t.Errorf("%s: %q", k, got)
		}
	}
}

// A pause of the garbage collector takes nobody out.
func TestJudgeEjected(t *testing.T) {
	short := gone("freeze 2s")
	short.gone, short.back = short.from, at(3000)
	quick := asked(page, 3100, 3200, "")
	for _, c := range []struct {
		e      event
		broken bool
	}{
		{event{at(2500), "member down", "tomcat1", "no cpong"}, true},
		{event{at(4500), "member down", "tomcat1", "no cpong"}, true},
		{event{at(900), "member down", "tomcat1", "no cpong"}, false},
		{event{at(5500), "member down", "tomcat1", "no cpong"}, false},
		{event{at(2500), "member down", "tomcat2", "no cpong"}, false},
		{event{at(2500), "member avoided", "tomcat1", "no cpong"}, false},
	} {
		a := account{results: []result{quick}, outages: []outage{short}, events: []event{c.e}}
		if got := a.judge(); len(got) > 0 != c.broken {
			t.Errorf("%s of %s at %v: %q", c.e.what, c.e.member, c.e.at, got)
		}
		long := gone("freeze 8s")
		a = account{results: []result{used}, outages: []outage{long}, events: []event{c.e}}
		if got := a.judge(); len(got) > 0 {
			t.Errorf("a long freeze: %q", got)
		}
	}
}

// A member has to be used again, a frozen one soon.
func TestJudgeReturn(t *testing.T) {
	for _, c := range []struct {
		what   string
		first  result
		broken string
	}{
		{"stop", asked(page, 7100, 7200, ""), ""},
		{"freeze 8s", asked(page, 6900, 7000, ""), ""},
		{"freeze 8s", asked(page, 6900, 7001, ""), "was used 2.001s after SIGCONT"},
		{"stop", asked(page, 4900, 5200, ""), "was not used again"}, // sent before it was back
		{"stop", asked(page, 7100, 7200, "reset"), "was not used again"},
	} {
		o := gone(c.what)
		a := account{results: []result{asked(page, 0, 10, ""), c.first}, outages: []outage{o}}
		if got := strings.Join(a.judge(), "\n"); c.broken == "" && got != "" || !strings.Contains(got, c.broken) {
			t.Errorf("%s, first used at %v: %q, want %q", c.what, c.first.start, got, c.broken)
		}
	}
}

// New sessions have to be spread after a return; too few of them say nothing.
func TestJudgeShare(t *testing.T) {
	for _, c := range []struct {
		there, elsewhere int
		broken           bool
	}{{36, 24, false}, {37, 23, true}, {59, 0, false}, {60, 0, true}} {
		a := account{results: []result{used}, outages: []outage{gone("stop")}}
		for i := range c.there + c.elsewhere {
			r := asked(newcomer, 6000+i, 6010+i, "")
			if i >= c.there {
				r.node = "tomcat2"
			}
			a.results = append(a.results, r)
		}
		early := asked(newcomer, 5100, 5110, "") // before the front was seen to use it
		a.results = append(a.results, early)
		if got := a.judge(); len(got) > 0 != c.broken {
			t.Errorf("%d there and %d elsewhere: %q", c.there, c.elsewhere, got)
		}
	}
}

// A run in which nothing was answered proves nothing.
func TestJudgeNothing(t *testing.T) {
	a := account{results: []result{asked(post, 1000, 1100, "reset")}, outages: []outage{gone("kill")}}
	if got := strings.Join(a.judge(), "\n"); !strings.Contains(got, "not a single request") {
		t.Errorf("judged %q", got)
	}
}

func TestAudit(t *testing.T) {
	sent := map[string]bool{"a": true, "b": true, "c": true, "d": true}
	told := func(id, fault string) result { return result{kind: post, id: id, node: "tomcat1", fault: fault} }
	for _, c := range []struct {
		name    string
		results []result
		ledgers map[string][]string
		bad     []string
		untold  int
	}{
		{"all is well", []result{told("a", ""), told("b", "reset"), told("c", "reset")},
			map[string][]string{"tomcat1": {"a"}, "tomcat2": {"b"}}, nil, 1},
		{"twice on two members", nil, map[string][]string{"tomcat1": {"a"}, "tomcat2": {"b", "a"}},
			[]string{"POST a was processed by tomcat1 and by tomcat2"}, 0},
		{"twice on one", nil, map[string][]string{"tomcat1": {"a", "a"}},
			[]string{"POST a was processed by tomcat1 and by tomcat1"}, 0},
		{"sent by nobody", nil, map[string][]string{"tomcat3": {"x"}}, []string{`tomcat3 has processed a POST nobody sent: "x"`}, 0},
		{"answered by nobody", []result{told("d", "")}, nil, []string{"POST d was answered by tomcat1 and is in no ledger"}, 0},
	} {
		bad, untold := audit(sent, c.results, c.ledgers)
		if strings.Join(bad, "\n") != strings.Join(c.bad, "\n") || untold != c.untold {
			t.Errorf("%s: %q and %d, want %q and %d", c.name, bad, untold, c.bad, c.untold)
		}
	}
}

func TestBrowser(t *testing.T) {
	visit := func(session string, count int, given, fault string) *result {
		return &result{kind: counter, session: session, count: count, given: given, fault: fault}
	}
	b := &browser{number: 7}
	for i, c := range []struct {
		r      *result
		lost   string
		cookie string
	}{
		{visit("A", 1, "A.tomcat1", ""), "", "A.tomcat1"},
		{visit("A", 2, "", ""), "", "A.tomcat1"},
		{visit("A", 4, "A.tomcat2", ""), "", "A.tomcat2"}, // moved; a repeated GET counts twice
		{visit("", 0, "", "reset"), "", "A.tomcat2"},
		{&result{kind: page, given: "A.tomcat3"}, "", "A.tomcat3"}, // any page may set it
		{visit("A", 4, "", ""), "count 4 went back to 4", "A.tomcat3"},
		{visit("A", 3, "", ""), "count 4 went back to 3", "A.tomcat3"},
		{visit("B", 1, "B.tomcat1", ""), "session A with count 3 became B with count 1", "B.tomcat1"},
		{visit("B", 2, "", ""), "", "B.tomcat1"},
	} {
		lost, back := b.visited(c.r)
		if (lost == "") != (c.lost == "") || !strings.Contains(lost, c.lost) || b.cookie != c.cookie ||
			back != strings.Contains(c.lost, "went back") {
			t.Errorf("visit %d: %q (%v) with cookie %q, want %q with %q", i, lost, back, b.cookie, c.lost, c.cookie)
		}
	}
}
