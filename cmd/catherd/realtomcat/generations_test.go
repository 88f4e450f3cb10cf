package realtomcat

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// site is the name under which these clients know the application.
const site = "shop.test"

// pair starts two clustered Tomcats that end with the test.
func pair(t *testing.T, o catalina.Options) [2]*catalina.Tomcat {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	tomcats, err := catalina.StartPair(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tomcat := range tomcats {
		t.Cleanup(tomcat.Close)
	}
	return tomcats
}

// typical is the configuration a reference cluster gets: members named by their
// jvmRoute, a secret in a file, a page that says whether the application is well.
func typical(tomcats [2]*catalina.Tomcat, secretFile string) string {
	var b strings.Builder
	b.WriteString(`listen: 127.0.0.1:LISTEN
pools:
  app:
    balance: least-busy
    sticky:
      cookie: JSESSIONID
      on_loss: move
    members:
`)
	for _, t := range tomcats {
		fmt.Fprintf(&b, "      %s:\n        url: ajp://%s\n        receiver: 127.0.0.1:%d\n", t.Name, t.AJPAddr(), t.Receiver)
	}
	fmt.Fprintf(&b, `    secret_file: %s
    health:
      every: 1s
      request: /app/status
tribes:
  group: %s:%d
  interface: lo
  drop_after: 3s
access_log:
  to: ACCESSLOG
`, secretFile, tomcats[0].Multicast.Group, tomcats[0].Multicast.Port)
	return b.String()
}

// TestGenerations: a browser's fifty requests are one session on one member; when that
// member is killed the fifty-first goes on counting on the other one; when it returns it
// is used again. The same for every generation.
func TestGenerations(t *testing.T) {
	for _, version := range catalina.Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			generation(t, version)
		})
	}
}

func generation(t *testing.T, version string) {
	secretFile := filepath.Join(t.TempDir(), "ajp.secret")
	if err := os.WriteFile(secretFile, []byte("of this cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tomcats := pair(t, catalina.Options{Version: version, Secret: "of this cluster"})
	b := balance(t, typical(tomcats, secretFile))
	for _, tomcat := range tomcats {
		b.inState("app", tomcat.Name, compile.Ready)
	}

	browser := newVisitor(t, b)
	first := browser.good(site, "/app/counter").visit(t)
	for n := 2; n <= 50; n++ {
		want := visit{first.session, first.node, n}
		if got := browser.good(site, "/app/counter").visit(t); got != want {
			t.Fatalf("request %d: got %+v, want %+v", n, got, want)
		}
	}

	lost, other := tomcats[0], tomcats[1]
	if first.node == other.Name {
		lost, other = other, lost
	}
	id, route, _ := strings.Cut(first.session, ".")
	if first.count != 1 || route != lost.Name {
		t.Fatalf("first visit %+v: want count 1 and a session of %s", first, lost.Name)
	}
	// A page can be whole at the client before the member's last packet has come.
	b.member("app", lost.Name, "owes nothing", func(m *admin.MemberStatus) bool { return m.InFlight == 0 })
	lost.Kill()
	moved := browser.good(site, "/app/counter")
	if got, want := moved.visit(t), (visit{id + "." + other.Name, other.Name, 51}); got != want {
		t.Fatalf("request 51, after kill -9 of %s: got %+v, want %+v", lost.Name, got, want)
	}
	if got, want := browser.cookie(site), id+"."+other.Name; got != want {
		t.Errorf("cookie after the move: got %q, want %q", got, want)
	}
	if got := browser.good(site, "/app/counter").visit(t); got.count != 52 || got.node != other.Name {
		t.Errorf("request 52: got %+v, want count 52 on %s", got, other.Name)
	}

	why := b.inState("app", lost.Name, compile.Down)
	if !strings.Contains(why, "connect refused") {
		t.Errorf("why %s is down: got %q, want the refused connect", lost.Name, why)
	}
	if s := b.status(); !strings.Contains(s.Sentence, lost.Name) || !s.Attention {
		t.Errorf("status in a sentence: got %q (attention %v), want one that names %s", s.Sentence, s.Attention, lost.Name)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := lost.Start(ctx); err != nil {
		t.Fatal(err)
	}
	b.inState("app", lost.Name, compile.Ready)
	served := func() uint64 {
		s := b.status()
		return s.Member("app", lost.Name).Statuses["2xx"]
	}
	before := served()
	b.until(lost.Name+" serves again", func() bool {
		newVisitor(t, b).good(site, "/app/counter")
		return served() > before
	})
	if got := browser.good(site, "/app/counter").visit(t); got.count != 53 || got.node != other.Name {
		t.Errorf("request 53, after the return: got %+v, want count 53, still on %s", got, other.Name)
	}
	b.stop()
	accessLog(t, b, lost.Name, other.Name)
}

// accessLog checks the lines of the first 52 requests: which member, which route, and
// what became of the session.
func accessLog(t *testing.T, b *balancer, lost, other string) {
	t.Helper()
	lines := jsonLines(t, b.access)
	if len(lines) < 53 {
		t.Fatalf("access log has %d lines, want at least 53", len(lines))
	}
	for i, line := range lines[:52] {
		member, session, attempt := lost, "stayed", 1.0
		switch i {
		case 0:
			session = "new"
		case 50:
			member, session, attempt = other, "moved", 2
		case 51:
			member = other
		}
		want := map[string]any{"pool": "app", "member": member, "route": member, "session": session,
			"status": float64(http.StatusOK), "attempt": attempt, "end": "ok", "path": "/app/counter", "method": "GET"}
		for key, value := range want {
			if line[key] != value {
				t.Errorf("access log, request %d: %s is %v, want %v (line %v)", i+1, key, line[key], value, line)
			}
		}
	}
}
