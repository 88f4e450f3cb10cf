package realtomcat

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/compile"
)

// reference is the reference cluster with its typical configuration and a few people.
type reference struct {
	tomcats [2]*catalina.Tomcat
	b       *balancer
	people  *crowd
	since   time.Time
}

func startReference(t *testing.T) *reference {
	t.Helper()
	secretFile := filepath.Join(t.TempDir(), "ajp.secret")
	if err := os.WriteFile(secretFile, []byte("of this cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &reference{tomcats: pair(t, catalina.Options{Version: "10.1.34", Secret: "of this cluster"})}
	r.b = balance(t, typical(r.tomcats, secretFile))
	for _, tomcat := range r.tomcats {
		r.b.inState("app", tomcat.Name, compile.Ready)
	}
	r.people = r.b.come(10, 100*time.Millisecond, "/app/counter")
	r.since = time.Now()
	return r
}

// healthy: for a minute nothing is found that is wrong, and nothing is said of anybody.
func (r *reference) healthy(t *testing.T) {
	r.b.t = t
	rest := time.NewTimer(lasting(time.Minute, 5*time.Minute) - time.Since(r.since))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-r.b.run.Done():
	}
	r.people.leave(t, "the reference cluster for "+time.Since(r.since).Round(time.Second).String())
	if found := r.b.said("finding"); len(found) > 0 {
		t.Errorf("findings on a healthy cluster: %q", found)
	}
	if s := r.b.status(); s.Attention || s.Sentence != "all well" || len(s.Findings) > 0 {
		t.Errorf("status of a healthy cluster: %q, attention %v, findings %+v", s.Sentence, s.Attention, s.Findings)
	}
	for _, line := range r.b.lines() {
		switch line["msg"] {
		case "member down", "member shaky", "member leaving", "member avoided":
			t.Errorf("on a healthy cluster: %v", line)
		}
	}
	r.b.stop()
}
