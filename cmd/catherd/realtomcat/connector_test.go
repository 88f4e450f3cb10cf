package realtomcat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// secrets: ajp13.md 2.5. A connector without a secret ignores ours; one with a secret
// answers 403 to a missing or wrong one, which is passed on as the member's answer, and
// the operator is told once which attribute to look at.
func secrets(t *testing.T, f *farm) {
	client := newVisitor(t, f.balancer)
	for _, pool := range []string{"plain", "secret-right", "secret-ours"} {
		if p := client.good(pool+".test", "/app/echo"); p.word("attr.secret") != "" {
			t.Errorf("%s: the application sees the secret: %s", pool, p.body)
		}
	}
	for _, pool := range []string{"secret-wrong", "secret-missing"} {
		for range 3 {
			if p := client.get(pool+".test", "/app/echo"); p.status != http.StatusForbidden || strings.Contains(p.body, "method=") {
				t.Errorf("%s: status %d, want 403 and not the page: %s", pool, p.status, p.body)
			}
		}
		f.logged(pool, `secret="..."`, "secretRequired", "server.xml")
		told := 0
		for _, line := range f.lines() {
			if line["pool"] == pool && line["msg"] == string(admin.MemberRemark) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: three requests with 403 left %d remarks in the log, want 1", pool, told)
		}
	}
	// A CPING is answered without the secret, a health request is not.
	f.inState("secret-wrong", f.tomcat.Name, compile.Ready)
	// On a busy machine a probe may see the 403 and run out of time before its end.
	f.member("probe-wrong", f.tomcat.Name, "is down for its secret", func(m *admin.MemberStatus) bool {
		return m.State == compile.Down && hasAll(m.Why, []string{"403", `secret="..."`, "server.xml"})
	})
	if p := client.get("probe-wrong.test", "/app/echo"); p.status != http.StatusServiceUnavailable || p.head.Get("Retry-After") == "" {
		t.Errorf("probe-wrong: status %d (Retry-After %q), want 503 with a time: %s", p.status, p.head.Get("Retry-After"), p.body)
	}
}

// deadConnector: secretRequired without a secret. The connector does not start, its port
// stays bound, connects succeed and nothing is ever answered (ajp13.md 11).
func deadConnector(t *testing.T, f *farm) {
	why := f.inState("dead", f.tomcat.Name, compile.Down)
	if !hasAll(why, []string{"secretRequired", "not started"}) {
		t.Errorf("why the dead connector is down: got %q, want secretRequired", why)
	}
	if p := newVisitor(t, f.balancer).get("dead.test", "/app/echo"); p.status != http.StatusServiceUnavailable {
		t.Errorf("dead: status %d, want 503: %s", p.status, p.body)
	}
	f.logged("dead", "secretRequired", "not started")
}

// authentication: tomcatAuthentication="false" makes Tomcat believe the attribute
// remote_user. We send none, so nobody is logged in, whatever the client says.
func authentication(t *testing.T, f *farm) {
	client := newVisitor(t, f.balancer)
	for _, pool := range []string{"plain", "believing", "http"} {
		r := client.request(http.MethodGet, pool+".test", "/app/echo", nil)
		r.Header.Set("remote_user", "mallory")
		r.Header.Set("Remote-User", "mallory")
		r.Header.Set("X-Remote-User", "mallory")
		r.Header.Set("auth_type", "BASIC")
		p := client.do(r)
		if p.status != http.StatusOK || p.word("remote_user") != "null" || p.word("auth_type") != "null" {
			t.Errorf("%s: status %d, remote_user %q, auth_type %q; want 200 and nobody", pool, p.status, p.word("remote_user"), p.word("auth_type"))
		}
	}
}
