package admin

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/overrides"
)

func TestClient(t *testing.T) {
	p := &puppet{applied: true}
	s := server(p, Access{Actions: true})
	path := filepath.Join(t.TempDir(), "admin.sock")
	c := NewClient(path)
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody there: %v", err)
	}
	if err := s.ListenUnix(path); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()

	if st, err := c.Status(t.Context()); err != nil || st.Version != "1.0" {
		t.Errorf("status %+v, %v", st, err)
	}
	if e, err := c.Events(t.Context(), 7); err != nil || len(e) != 1 || e[0].Seq != 8 {
		t.Errorf("events %v, %v", e, err)
	}
	if b, err := c.Config(t.Context()); err != nil || string(b) != "listen: 80\n" {
		t.Errorf("config %q, %v", b, err)
	}
	q := compile.Question{Method: "POST", Path: "/a b", Host: "h", Client: "1.2.3.4", Cookies: []string{"A=1", "B=2; C=3"}}
	if e, err := c.Explain(t.Context(), q); err != nil || e.Member != "a" || !slices.Equal(p.question.Cookies, q.Cookies) || p.question.Path != q.Path {
		t.Errorf("explain %+v of %+v, %v", e, p.question, err)
	}

	r, err := c.SetMember(t.Context(), "app", "127.0.0.1-8009", overrides.Drain, "deploy", 90*time.Minute)
	if err != nil || r.State != compile.Drain || len(p.actions) != 1 || p.actions[0].For != 90*time.Minute || p.actions[0].Member != "127.0.0.1-8009" {
		t.Errorf("set %+v of %+v, %v", r, p.actions, err)
	}
	p.refuse = &Refusal{Status: 404, What: "no", Cure: "yes"}
	var refusal *Refusal
	if _, err := c.SetMember(t.Context(), "a/b", "c?d", overrides.Stop, "", 0); !errors.As(err, &refusal) || *refusal != (Refusal{404, "no", "yes"}) {
		t.Errorf("refused: %v", err)
	}

	if r, err := c.Reload(t.Context()); err != nil || !r.Applied {
		t.Errorf("reload %+v, %v", r, err)
	}
	p.applied = false
	if r, err := c.Reload(t.Context()); err != nil || r.Applied || r.What != "not valid" || len(r.Problems) != 1 {
		t.Errorf("reload %+v, %v", r, err)
	}
	s.SetAccess(Access{})
	if _, err := c.Reload(t.Context()); !errors.As(err, &refusal) || refusal.Status != 403 {
		t.Errorf("switched off: %v", err)
	}
}

func TestAccessOf(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	c := &config.Admin{Listen: "lb.example:8404", Allow: allow, Hosts: []string{"status.example"}, Token: "abc", Actions: true}
	a := AccessOf(c)
	if !slices.Equal(a.Hosts, []string{"status.example", "lb.example"}) || a.Token != "abc" || !a.Actions || !slices.Equal(a.Allow, allow) {
		t.Errorf("got %+v", a)
	}
	if len(c.Hosts) != 1 {
		t.Error("the configuration was changed")
	}
	c.Listen = "none"
	if a := AccessOf(c); len(a.Hosts) != 1 {
		t.Errorf("got %+v", a)
	}
}
