package behaviour

import (
	"fmt"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// outcomes is what was counted on a member: kept, new, moved, unknown.
func outcomes(m *table.Member) (n [meter.Outcomes]uint64) {
	for i := range n {
		n[i] = m.Live.Sessions[i].Load()
	}
	return n
}

func TestSessionOutcomes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(good("a")), start(good("b"))
		pool := newPool(a.as("a"), b.as("b"), enginetest.Member("c", a.scheme, refused(t)))
		pool.Members[2].Take = table.Nothing
		pool.Members[1].Take = table.OnlySessions // so that new work goes to a
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		for i, field := range []string{session("a"), session("b"), "X-No: session", session("c"), session("nobody"),
			"Cookie: JSESSIONID=0123456789ABCDEF"} {
			want := "a"
			if i == 1 {
				want = "b"
			}
			if r := c.do("GET", fmt.Sprint(i), "", field); r.body != want {
				t.Errorf("%s: %d %q", field, r.status, r.body)
			}
		}
		until(t, "a: kept, new, moved, unknown", func() bool { return outcomes(&pool.Members[0]) == [...]uint64{1, 1, 1, 2} })
		until(t, "b: kept", func() bool { return outcomes(&pool.Members[1]) == [...]uint64{1, 0, 0, 0} })
	})
}

// A session whose member turns out to be gone has moved, to whoever answered.
func TestOutcomeIsThatOfTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		b := start(good("b"))
		pool := newPool(enginetest.Member("a", b.scheme, refused(t)), b.as("b"))
		_, addr := run(t, enginetest.Table(t, pool))
		if r := once(t, addr, "GET", "1", "", session("a")); r.body != "b" {
			t.Fatalf("%d %q", r.status, r.body)
		}
		until(t, "counted as moved to b", func() bool { return outcomes(&pool.Members[1]) == [...]uint64{0, 0, 1, 0} })
		if n := outcomes(&pool.Members[0]); n != [4]uint64{} {
			t.Errorf("a has %d: kept, new, moved, unknown", n)
		}
	})
}

func TestOnLossRefuse(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		b := start(good("b"))
		pool := newPool(enginetest.Member("a", b.scheme, refused(t)), b.as("b"))
		pool.Sticky.OnLoss = table.Refuse
		_, addr := run(t, enginetest.Table(t, pool))
		for i := range 2 {
			r := once(t, addr, "GET", "lost", "", session("a"))
			if r.status != 503 || r.header.Get("Retry-After") == "" {
				t.Errorf("session of a lost member, %d: %d", i, r.status)
			}
		}
		if b.requests() != 0 {
			t.Error("another member got the session")
		}
		if r := once(t, addr, "GET", "other", "", session("b")); r.status != 200 {
			t.Errorf("session of the other member: %d", r.status)
		}
	})
}

// A member without a configured route is known by what it puts into its cookie.
func TestLearnedRoute(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		naming := func(route string) func(conn) {
			return func(c conn) {
				for {
					r, ok := c.next()
					if !ok {
						return
					}
					if r.path == "/login" {
						c.answer(200, route, "Set-Cookie: other=1.x; Path=/", "Set-Cookie: JSESSIONID=ABC."+route+"; Path=/; HttpOnly")
					} else {
						c.answer(200, route)
					}
				}
			}
		}
		a, b := start(naming("tomcat1")), start(naming("tomcat2"))
		pool := newPool(a.as("a"), b.as("b"))
		pool.Members[0].Route, pool.Members[1].Route = "", ""
		pool.Policy = table.RoundRobin
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		for range 2 {
			c.send("GET /login HTTP/1.1\r\nHost: a\r\n\r\n")
			c.get("GET")
		}
		for i, want := range []string{"tomcat1", "tomcat2"} {
			if l := pool.Members[i].Live.Route(); l == nil || l.Name != want {
				t.Fatalf("of member %d not learned: %v", i, l)
			}
			for range 3 {
				if r := c.do("GET", "1", "", session(want)); r.body != want {
					t.Errorf("session of %s went to %s", want, r.body)
				}
			}
		}
	})
}

// What a draining member's answers say of sessions: seen, ended, replaced.
func TestSessionsOfADrainingMember(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			for {
				r, ok := c.next()
				if !ok {
					return
				}
				switch r.path {
				case "/logout":
					c.answer(200, "bye", "Set-Cookie: JSESSIONID=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/")
				case "/login":
					c.answer(200, "hello", "Set-Cookie: JSESSIONID=ANOTHER.a; Path=/; HttpOnly")
				default:
					c.answer(200, "page")
				}
			}
		})
		pool := newPool(a.as("a"))
		pool.Members[0].Take = table.OnlySessions
		live := pool.Members[0].Live
		live.Follow(true)
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		for i, step := range []struct {
			path string
			open int
		}{{"/page", 1}, {"/page", 1}, {"/login", 1}, {"/logout", 1}, {"/page", 2}, {"/logout", 1}} {
			c.send("GET " + step.path + " HTTP/1.1\r\nHost: a\r\n" + session("a") + "\r\n\r\n")
			c.get("GET")
			until(t, "counted", func() bool { return live.Sessions[meter.Kept].Load() == uint64(i+1) })
			until(t, fmt.Sprintf("step %d %s: %d open", i, step.path, step.open), func() bool {
				n, _ := live.Alive().Newest()
				return n == step.open
			})
		}
	})
}

// An application that repeats the cookie it got shows somebody else's route.
func TestRepeatedCookieShowsNoRoute(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			for {
				if _, ok := c.next(); !ok {
					return
				}
				c.answer(200, "page", "Set-Cookie: JSESSIONID=1F.lost; Path=/; SameSite=Lax")
			}
		})
		pool := newPool(a.as("a"))
		pool.Members[0].Route = ""
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		c.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: JSESSIONID=1F.lost\r\n\r\n")
		c.get("GET")
		if r := pool.Members[0].Live.Route(); r != nil {
			t.Errorf("learned %q", r.Name)
		}
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.get("GET")
		if r := pool.Members[0].Live.Route(); r == nil || r.Name != "lost" {
			t.Errorf("a session of its own: %v", r)
		}
	})
}
