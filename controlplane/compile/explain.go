package compile

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
)

// Question is a request that is only asked about.
type Question struct {
	Method  string   `json:"method"`
	Host    string   `json:"host"`    // with or without port; may be empty
	Path    string   `json:"path"`    // as a client sends it; a query is ignored
	Cookies []string `json:"cookies"` // values of Cookie fields
	Client  string   `json:"client"`  // address, for pools that hash on it
}

// Explanation says where a request would go, and why.
type Explanation struct {
	Question
	Normalized   string `json:"normalized_path"`
	Status       int    `json:"status"` // 0 when a member answers; else what Catherd answers itself
	Route        string `json:"route"`
	Pool         string `json:"pool"`
	Session      string `json:"session"` // id without route; "" for none
	SessionRoute string `json:"session_route"`
	SessionFrom  string `json:"session_from"` // cookie, path, or "" for none
	Outcome      string `json:"outcome"`      // stayed, new, moved, unknown
	Member       string `json:"member"`
	URL          string `json:"url"`
	State        State  `json:"state"`
	Why          string `json:"why"`
	// Text is the same in lines for people.
	Text []string `json:"text"`
}

// Explain asks the table as the data path would, without taking a turn or
// counting anything. now is the time at which the answer holds.
func Explain(t *table.Table, r *Report, q Question, now time.Time) Explanation {
	e := Explanation{Question: q}
	path, _, _ := strings.Cut(q.Path, "?")
	norm, ok := http1.Normalize(nil, []byte(path))
	if !ok {
		e.Status, e.Why = 400, "the path is malformed or climbs above the root"
		e.say("route", e.Why)
		return e
	}
	e.Normalized = string(norm)
	route := t.Match([]byte(hostOnly(q.Host)), norm)
	if route == nil {
		e.Status, e.Why = 404, "no route matches"
		e.say("route", e.Why)
		return e
	}
	pool := route.Pool
	e.Route, e.Pool = routeWords(route), pool.Name
	e.say("route", e.Route+" -> pool "+pool.Name)

	cookies := make([][]byte, 0, len(q.Cookies))
	for _, c := range q.Cookies {
		cookies = append(cookies, []byte(c))
	}
	ask := balance.Request{Dry: true, Now: now.UnixNano(), Tried: new(balance.Tried)}
	ask.Session, ask.HasSession = sticky.Find(&pool.Sticky, pool, cookies, []byte(path))
	ask.HashKey = hashKey(pool.HashKey, q, path, cookies)
	e.session(&ask, pool, r)

	m, outcome, why := balance.Pick(pool, &ask)
	e.Outcome = outcome.String()
	if m == nil {
		e.Status, e.Why = 503, why.String()
		e.say("answer", "503, "+e.Why)
		return e
	}
	e.Member, e.URL = m.Name, words[m.Target.Scheme]+"://"+m.Target.Addr
	if report := r.Member(pool.Name, m.Name); report != nil {
		e.State = report.State
	}
	e.Why = reason(pool, outcome, why)
	e.say("answer", fmt.Sprintf("%s (%s %s), %s", m.Name, words[m.Target.Scheme], m.Target.Addr, e.Why))
	return e
}

var words = map[table.Scheme]string{table.AJP: "ajp", table.HTTP: "http", table.HTTPS: "https"}

// session tells what was found and which member it belongs to.
func (e *Explanation) session(ask *balance.Request, pool *table.Pool, r *Report) {
	if !ask.HasSession {
		e.say("session", "none")
		return
	}
	e.Session, e.SessionRoute, e.SessionFrom = string(ask.Session.ID), string(ask.Session.Route), "cookie"
	if ask.Session.FromPath {
		e.SessionFrom = "path"
	}
	own := pool.ByRoute(ask.Session.Route)
	switch {
	case e.SessionRoute == "":
		e.say("session", e.Session+" has no route")
	case own == nil:
		e.say("session", fmt.Sprintf("%s -> route %s, which no member has", e.Session, e.SessionRoute))
	default:
		text := fmt.Sprintf("%s -> route %s -> member %s", e.Session, e.SessionRoute, own.Name)
		if report := r.Member(pool.Name, own.Name); report != nil {
			text += ": " + string(report.State)
			switch own.Take {
			case table.OnlySessions:
				text += ", still takes its sessions"
			case table.Nothing:
				text += ", takes nothing"
			}
		}
		e.say("session", text)
	}
}

// reason is why that member and no other.
func reason(p *table.Pool, outcome meter.Outcome, why balance.Why) string {
	if why == balance.Forced {
		return why.String()
	}
	switch outcome {
	case meter.Kept:
		return "its session is there"
	case meter.Moved:
		return "the session's own member cannot serve it, on_loss is move"
	case meter.Unknown:
		return "the session names no member, chosen as for a new one by " + policyWords[p.Policy]
	default:
		return "chosen by " + policyWords[p.Policy]
	}
}

var policyWords = func() map[table.Policy]string {
	m := map[table.Policy]string{}
	for word, p := range policies {
		m[p] = word
	}
	return m
}()

func (e *Explanation) say(what, text string) {
	e.Text = append(e.Text, fmt.Sprintf("%-8s %s", what, text))
}

func routeWords(r *table.Route) string {
	pattern := r.Pattern.String()
	switch {
	case r.Host == "":
		return pattern
	case r.Host[0] == '.':
		return "*" + r.Host + " " + pattern
	default:
		return r.Host + " " + pattern
	}
}

// hashKey is what the policy Hash looks at; a header cannot be asked about.
func hashKey(key string, q Question, path string, cookies [][]byte) []byte {
	switch key {
	case "client":
		return []byte(q.Client)
	case "path":
		return []byte(path)
	case "host":
		return []byte(q.Host)
	}
	if name, ok := strings.CutPrefix(key, "cookie:"); ok {
		v, _ := sticky.Cookie(cookies, name)
		return v
	}
	return nil
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil && h != "" {
		return h
	}
	return host
}
