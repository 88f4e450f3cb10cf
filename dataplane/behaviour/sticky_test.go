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
