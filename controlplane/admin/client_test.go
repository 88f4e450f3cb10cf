package admin

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

	r, err := c.SetMember(t.Context(), Action{Pool: "app", Member: "127.0.0.1-8009", State: overrides.Drain, Reason: "deploy", For: 90 * time.Minute})
	if err != nil || r.State != compile.Drain || len(p.actions) != 1 || p.actions[0].For != 90*time.Minute || p.actions[0].Member != "127.0.0.1-8009" {
		t.Errorf("set %+v of %+v, %v", r, p.actions, err)
	}
	p.refuse = &Refusal{Status: 404, What: "no", Cure: "yes"}
	var refusal *Refusal
	if _, err := c.SetMember(t.Context(), Action{Pool: "a/b", Member: "c?d", State: overrides.Stop}); !errors.As(err, &refusal) || *refusal != (Refusal{404, "no", "yes"}) {
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

// What comes back is a sentence that says what to do, and callers can tell that
// nobody is there from everything else.
func TestClientUnanswered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	c := NewClient(path)
	f := func(ctx context.Context, nobody bool, want string) {
		t.Helper()
		_, err := c.Status(ctx)
		if err == nil || errors.Is(err, ErrNobody) != nobody || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %q, nobody %t", err, want, nobody)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	f(t.Context(), true, "no Catherd runs at "+path+": start one with catherd run")
	f(over, false, "context canceled")

	// The file of a process that was killed.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	f(t.Context(), true, "no Catherd runs at "+path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	if l, err = net.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	answers := make(chan http.HandlerFunc, 1) // one for each question
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (<-answers)(w, r) }),
		ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() {
		_ = s.Close()
		<-done
	}()
	write := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	answers <- func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	f(t.Context(), true, "ask "+path+": EOF")
	answers <- write(200, "<html>")
	f(t.Context(), false, "perhaps another version runs there")
	answers <- write(502, "<html>")
	f(t.Context(), false, path+" answered 502 Bad Gateway")
	answers <- func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	}
	f(t.Context(), false, "unexpected EOF")
	c.most = 9
	answers <- write(200, `{"a": 12}`)
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("nine bytes: %v", err)
	}
	answers <- write(200, `{"a": 123}`)
	f(t.Context(), false, "more than 9 bytes")
	answers <- write(409, `{"error": "there is no file", "cure": "start with one"}`)
	c.most = 99
	if _, err := c.Reload(t.Context()); err == nil || err.Error() != "there is no file: start with one" {
		t.Errorf("no file: %v", err)
	}

	// Root is never refused, so the error is made by hand.
	err = c.unanswered(&net.OpError{Op: "dial", Err: syscall.EACCES})
	if errors.Is(err, ErrNobody) || !strings.Contains(err.Error(), "be root or in the group of the socket") {
		t.Errorf("no permission: %v", err)
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
