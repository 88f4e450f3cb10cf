package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

var jsession = table.Sticky{Cookies: []string{"JSESSIONID"}}

// The session that an answer begins is found over both protocols, and a probe that
// goes on with it finds none.
func TestSessionOfTheHealthRequest(t *testing.T) {
	over := func(scheme table.Scheme, addr, cookie string) Session {
		t.Helper()
		s := new(NetProber).Probe(t.Context(), Target{
			To: table.Target{Scheme: scheme, Addr: addr}, Cookie: cookie,
			Settings: Settings{Every: 2 * time.Second, Connect: 2 * time.Second, Timeout: 2 * time.Second, Request: &Request{Path: "/", Session: jsession}},
		})
		if !s.OK {
			t.Errorf("%+v", s)
		}
		return s.Session
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "JSESSIONID=1F.tomcat1" {
			w.Header().Add("Set-Cookie", "lang=de.x")
			w.Header().Add("Set-Cookie", "JSESSIONID=1F.tomcat1; Path=/; HttpOnly")
		}
	}))
	defer srv.Close()
	member := serve(t, func(c net.Conn) {
		take(c)
		_, _ = c.Write(ajp.AppendCPong(nil))
		var r ajp.Request
		if err := r.Parse(take(c)); err != nil {
			t.Error(err)
		}
		fields := []ajp.HeaderField{ajp.Field("Set-Cookie", "lang=de.x"), ajp.Field("Set-Cookie", "JSESSIONID=1F.tomcat1; Path=/")}
		if string(r.Header("cookie")) == "JSESSIONID=1F.tomcat1" {
			fields = nil
		}
		_, _ = c.Write(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 200, "", fields...), true))
	})
	want := Session{Cookie: "JSESSIONID=1F.tomcat1", Route: "tomcat1"}
	for scheme, addr := range map[table.Scheme]string{table.HTTP: srv.Listener.Addr().String(), table.AJP: member} {
		if got := over(scheme, addr, ""); got != want {
			t.Errorf("%v: %+v, want %+v", scheme, got, want)
		}
		if got := over(scheme, addr, want.Cookie); got != (Session{}) {
			t.Errorf("%v, with the cookie: %+v", scheme, got)
		}
	}
}

func TestBegun(t *testing.T) {
	where := jsession
	f := func(field, sent, cookie, route string) {
		t.Helper()
		r := &Request{Session: where}
		if got := r.begun(sent, []byte(field)); got != (Session{Cookie: cookie, Route: route}) {
			t.Errorf("%.40s: %+v", field, got)
		}
	}
	f("JSESSIONID=1F.tomcat1; Path=/", "", "JSESSIONID=1F.tomcat1", "tomcat1")
	f("JSESSIONID=1F; Path=/", "", "JSESSIONID=1F", "")
	f("JSESSIONID=1F.tomcat1", "JSESSIONID=1F.tomcat1", "", "") // a repetition proves nothing
	f("JSESSIONID=1F.tomcat2", "JSESSIONID=1F.tomcat1", "JSESSIONID=1F.tomcat2", "tomcat2")
	f("JSESSIONID=1F.tomcat1; Max-Age=0", "", "", "")
	f("OTHER=1F.tomcat1", "", "", "")
	f("JSESSIONID="+strings.Repeat("F", maxCookie)+".tomcat1", "", "", "")
	f("JSESSIONID=1F.tomcat1; Path=/"+strings.Repeat("x", 4*maxCookie), "", "", "")
	// A Tomcat begins sessions whatever is done with them.
	where = table.Sticky{PathParams: []string{"jsessionid"}}
	f("JSESSIONID=1F.tomcat1; Path=/", "", "JSESSIONID=1F.tomcat1", "tomcat1")
	where.Off = true
	f("JSESSIONID=1F.tomcat1; Path=/", "", "JSESSIONID=1F.tomcat1", "")
	where.Cookies = []string{"SID"}
	f("SID=1F.tomcat1; Path=/", "", "SID=1F.tomcat1", "")
}

// host is a Prober in front of a Tomcat of which everything can be said.
type host struct {
	mu       sync.Mutex // guards the rest
	route    string
	down     bool
	sessions int             // that were begun
	alive    map[string]bool // by cookie
}

func (h *host) Probe(_ context.Context, t Target) Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		return Sample{Text: "connect refused", Fail: Refused}
	}
	s := Sample{OK: true, Request: true, Text: "health request 200"}
	if !h.alive[t.Cookie] {
		h.sessions++
		s.Session = Session{Cookie: "JSESSIONID=" + strings.Repeat("F", h.sessions) + "." + h.route, Route: h.route}
		h.alive[s.Session.Cookie] = true
	}
	return s
}

type routesOf struct {
	shown    func(table.ID, string) bool
	doubt    func()
	doubtful func() bool
}

func (r routesOf) Shown(id table.ID, route string) bool { return r.shown(id, route) }
func (r routesOf) Doubt(table.ID)                       { r.doubt() }
func (r routesOf) Doubtful(table.ID) bool               { return r.doubtful() }

// Probes share one session, begin another one when the member was down, was reborn
// or has lost it, and as long as its route is not agreed upon.
func TestSessionsOfARunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{route: "tomcat1", alive: map[string]bool{}}
		known := map[string]bool{"tomcat1": true}
		var seen []string
		doubtful := false
		r := NewRunner(h, func() {}, func(table.ID) {})
		defer r.Close()
		r.Learn(routesOf{
			shown: func(_ table.ID, route string) bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				seen = append(seen, route)
				return known[route]
			},
			doubt:    func() { h.mu.Lock(); defer h.mu.Unlock(); seen = append(seen, "?") },
			doubtful: func() bool { h.mu.Lock(); defer h.mu.Unlock(); return doubtful },
		})
		set := func(f func()) { h.mu.Lock(); defer h.mu.Unlock(); f() }
		target := watched("a")
		target.Settings.Request = &Request{Path: "/", Session: jsession}
		r.Set([]Target{target})
		after := func(d time.Duration, sessions int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.sessions != sessions {
				t.Errorf("%d sessions, want %d (routes seen: %q)", h.sessions, sessions, seen)
			}
		}
		after(time.Minute, 1)
		r.Tell("a", Event{Kind: Reborn, At: time.Now()})
		after(time.Minute, 2)
		set(func() { clear(h.alive) }) // the session has expired
		after(time.Minute, 3)
		set(func() { h.down = true })
		after(time.Minute, 3)
		set(func() { h.down, h.route = false, "tomcat2" }) // nobody knows it by that yet
		after(11*time.Second, 3+3)                         // the probes that bring it back, and each one after
		set(func() { known["tomcat2"] = true })
		after(time.Minute, 7)
		after(time.Hour, 7)
		if got := strings.Join(seen, " "); got != "tomcat1 ? tomcat1 tomcat1 ? tomcat2 tomcat2 tomcat2 tomcat2" {
			t.Errorf("routes seen: %s", got)
		}
		set(func() { doubtful = true }) // who knows why
		after(10*time.Second, 9)
		set(func() { doubtful = false })
		after(time.Hour, 9)
	})
}
