package realtomcat

import (
	"context"
	"testing"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
)

// TestRouteFromProbes: a member that gets no request shows its jvmRoute to the health
// request, over AJP and HTTP, and another one when it was started again by that.
func TestRouteFromProbes(t *testing.T) {
	for _, version := range []string{"7.0.109", "10.1.34"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			first := one(t, catalina.Options{Version: version, Name: "before"})
			b := balance(t, "listen: 127.0.0.1:LISTEN\npools:\n"+
				"  ajp: {health: {request: /app/counter.jsp, every: 1s}, members: {m: {url: \"ajp://"+first.AJPAddr()+"\", route: \"\"}}}\n"+
				"  web: {health: {request: /app/counter.jsp, every: 1s}, members: {m: {url: \"http://"+first.HTTPAddr()+"\", route: \"\"}}}\n"+
				"routes:\n  - {path: /web/, pool: web}\n  - {path: /, pool: ajp}\n")
			shows := func(route string) {
				t.Helper()
				for _, pool := range []string{"ajp", "web"} {
					b.member(pool, "m", "shows "+route, func(m *admin.MemberStatus) bool { return m.RouteLearned && m.Route == route })
				}
			}
			shows("before")
			if err := first.Stop(); err != nil {
				t.Fatal(err)
			}
			one(t, catalina.Options{Version: version, Name: "after", AJP: first.AJP, HTTP: first.HTTP})
			shows("after")
			b.stop()
		})
	}
}

// one starts a Tomcat that ends with the test.
func one(t *testing.T, o catalina.Options) *catalina.Tomcat {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	tomcat, err := catalina.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tomcat.Close)
	if err := catalina.StartAll(ctx, tomcat); err != nil {
		t.Fatal(err)
	}
	return tomcat
}
