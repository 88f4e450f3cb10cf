package realtomcat

import (
	"strings"
	"testing"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// TestShortConfiguration: a port and two addresses are enough for sessions that stay and
// that move when their member dies. The routes are learned from the members' cookies,
// over AJP, over HTTP, and over one of each.
func TestShortConfiguration(t *testing.T) {
	tomcats := pair(t, catalina.Options{Version: "10.1.34"})
	ajp := func(t *catalina.Tomcat) string { return "ajp://" + t.AJPAddr() }
	web := func(t *catalina.Tomcat) string { return "http://" + t.HTTPAddr() }
	ways := []struct {
		name          string
		first, second func(*catalina.Tomcat) string
	}{
		{"ajp", ajp, ajp}, {"http", web, web}, {"mixed", ajp, web},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) { short(t, way.first(tomcats[0]), way.second(tomcats[1]), tomcats) })
	}
	t.Run("takeover", func(t *testing.T) { shortTakeover(t, ajp(tomcats[0]), web(tomcats[1]), tomcats) })
}

// fiveLines is the whole configuration.
func fiveLines(first, second string) string {
	return "listen: 127.0.0.1:LISTEN\nbackends:\n  - " + first + "\n  - " + second + "\n"
}

// short has visitors come until both members have shown their route, and checks that all
// of them stay where they began.
func short(t *testing.T, first, second string, tomcats [2]*catalina.Tomcat) {
	b := balance(t, fiveLines(first, second))
	names := map[string]string{first: tomcats[0].Name, second: tomcats[1].Name}
	everybody := enter(t, b)
	for _, m := range b.status().Pools[0].Members {
		if want := names[m.URL]; m.Route != want || !m.RouteLearned || m.State != compile.Ready && m.State != compile.Checking {
			t.Errorf("member %s: route %q (learned %v), %s; want the route %q, learned", m.URL, m.Route, m.RouteLearned, m.State, want)
		}
	}
	for v, began := range everybody {
		for n := began.count + 1; n <= began.count+5; n++ {
			want := visit{began.session, began.node, n}
			if got := v.good(site, "/app/counter").visit(t); got != want {
				t.Errorf("visit %d: got %+v, want %+v", n, got, want)
			}
		}
	}
	b.stop()
}

// enter brings visitors until both members' routes are known.
func enter(t *testing.T, b *balancer) map[*visitor]visit {
	t.Helper()
	everybody := map[*visitor]visit{}
	b.until("both routes are learned", func() bool {
		v := newVisitor(t, b)
		everybody[v] = v.good(site, "/app/counter").visit(t)
		for _, m := range b.status().Pools[0].Members {
			if !m.RouteLearned {
				return false
			}
		}
		return true
	})
	nodes := map[string]bool{}
	for _, began := range everybody {
		nodes[began.node] = true
	}
	if len(nodes) != 2 {
		t.Fatalf("new sessions went to %v, want both members", nodes)
	}
	return everybody
}

// shortTakeover kills one member at the end; its visitors go on at the other one.
func shortTakeover(t *testing.T, first, second string, tomcats [2]*catalina.Tomcat) {
	b := balance(t, fiveLines(first, second))
	everybody := enter(t, b)
	lost, other := tomcats[0], tomcats[1]
	b.until("nothing is in flight", func() bool { return idle(b.status()) })
	lost.Kill()
	for v, began := range everybody {
		id, _, _ := strings.Cut(began.session, ".")
		want := visit{id + "." + other.Name, other.Name, began.count + 1}
		if got := v.good(site, "/app/counter").visit(t); got != want {
			t.Errorf("after kill -9 of %s: got %+v after %+v, want %+v", lost.Name, got, began, want)
		}
	}
	b.stop()
}

// idle says that no member owes an answer.
func idle(s *admin.Status) bool {
	for _, m := range s.Pools[0].Members {
		if m.InFlight > 0 {
			return false
		}
	}
	return true
}
