package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/guard"
	"github.com/catherd/catherd/controlplane/tribes"
)

// puppet is a Controller that remembers what it was asked to do.
type puppet struct {
	ready    bool
	refuse   *Refusal
	actions  []Action
	reloads  []string
	applied  bool
	question compile.Question
	beacons  []string
	guards   []guard.Change
}

func (p *puppet) Status() Status { return Status{Version: "1.0", Sentence: "all well"} }
func (p *puppet) Events(after uint64) []Event {
	return []Event{{Seq: after + 1, Kind: MemberDown, Member: "a"}}
}
func (p *puppet) Config() []byte { return []byte("listen: 80\n") }
func (p *puppet) Explain(q compile.Question) compile.Explanation {
	p.question = q
	return compile.Explanation{Question: q, Member: "a"}
}
func (p *puppet) Ready() (bool, string) { return p.ready, "no member of pool app" }
func (p *puppet) SetMember(_ context.Context, a Action) (ActionResult, error) {
	if p.refuse != nil {
		return ActionResult{}, p.refuse
	}
	p.actions = append(p.actions, a)
	return ActionResult{Pool: a.Pool, Member: a.Member, State: compile.State(a.State)}, nil
}
func (p *puppet) Reload(_ context.Context, owner string) (ReloadResult, error) {
	p.reloads = append(p.reloads, owner)
	if !p.applied {
		return ReloadResult{Path: "catherd.yaml", What: "not valid", Problems: config.Problems{{What: "x"}}}, nil
	}
	return ReloadResult{Applied: true}, nil
}

func (p *puppet) Guard() guard.Status { return guard.Status{State: guard.AtWork} }
func (p *puppet) ChangeGuard(_ context.Context, c guard.Change) (guard.Result, error) {
	if p.refuse != nil {
		return guard.Result{}, p.refuse
	}
	p.guards = append(p.guards, c)
	return guard.Result{Done: string(c.Verb)}, nil
}

func (p *puppet) Beacons(path string) (http.Handler, bool) {
	if path != "/HeartbeatListener" {
		return nil, false
	}
	return tribes.BeaconHandler(func(_ time.Time, host netip.Addr, b tribes.Beacon) bool {
		p.beacons = append(p.beacons, fmt.Sprintf("%s %+v", host, b))
		return true
	}), true
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func server(p *puppet, a Access) *Server {
	if a.Allow == nil {
		a.Allow = loopback
	}
	return New(Options{Controller: p, Metrics: prometheus.NewRegistry(), Access: a})
}

// request sends one request as if from a connection of the given kind.
func request(s *Server, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8404"
	r.RemoteAddr = "127.0.0.1:50000"
	for _, f := range change {
		f(r)
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if _, has := r.Context().Value(callerKey{}).(caller); !has {
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{owner: host}))
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

func host(h string) func(*http.Request)      { return func(r *http.Request) { r.Host = h } }
func from(a string) func(*http.Request)      { return func(r *http.Request) { r.RemoteAddr = a } }
func header(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
func local(r *http.Request) {
	*r = *r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{local: true, owner: "ops"}))
}
func socketAddr(a string) func(*http.Request) {
	return func(r *http.Request) {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a))
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
	}
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, p := range parts {
		if !strings.Contains(w.Body.String(), p) {
			t.Errorf("%q is not in %s", p, w.Body)
		}
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
		t.Errorf("no JSON: %s", w.Body)
	}
}

func TestReading(t *testing.T) {
	p := &puppet{ready: true}
	s := server(p, Access{})
	want(t, request(s, "GET", "/api/v1/status", ""), 200, `"version": "1.0"`)
	want(t, request(s, "GET", "/api/v1/events?after=4", ""), 200, `"seq": 5`, "member down")
	want(t, request(s, "GET", "/api/v1/events?after=x", ""), 400, "no number")
	want(t, request(s, "GET", "/api/v1/config", ""), 200, "listen: 80")
	want(t, request(s, "GET", "/api/v1/explain", ""), 400, "path is missing")
	want(t, request(s, "GET", "/api/v1/explain?path=/a&cookie=A%3D1&cookie=B%3D2&host=h", ""), 200, `"member": "a"`)
	if q := p.question; q.Method != "GET" || len(q.Cookies) != 2 || q.Host != "h" {
		t.Errorf("asked %+v", q)
	}
	want(t, request(s, "GET", "/healthz", ""), 200, "ok")
	want(t, request(s, "GET", "/readyz", ""), 200, "ready")
	p.ready = false
	want(t, request(s, "GET", "/readyz", ""), 503, "no member of pool app")
	want(t, request(s, "GET", "/metrics", ""), 200)
	w := request(s, "GET", "/api/v1/status", "")
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("header %v", w.Header())
	}
	want(t, request(s, "GET", "/nothing", ""), 404, `"error"`, `"cure"`)
	want(t, request(s, "GET", "/", ""), 404, `"error"`)
}

// Nothing is changed by a GET, nor by any method but POST.
func TestOnlyPostChanges(t *testing.T) {
	p := &puppet{applied: true}
	s := server(p, Access{Actions: true})
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		for _, path := range []string{"/api/v1/reload", "/api/v1/members/app/a/drain"} {
			want(t, request(s, method, path, ""), 405)
		}
	}
	want(t, request(s, "POST", "/api/v1/status", ""), 405, `"error"`)
	if len(p.actions)+len(p.reloads) > 0 {
		t.Errorf("changed: %v %v", p.actions, p.reloads)
	}
}

func TestActions(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Actions: true})
	f := func(path, body string, status int, parts ...string) {
		t.Helper()
		want(t, request(s, "POST", path, body), status, parts...)
	}
	const a = "/api/v1/members/app/tomcat1/"
	f(a+"drain", `{"reason": "deploy 4.2", "for": "30m"}`, 200, `"state": "drain"`)
	f(a+"ready", ``, 200)
	f(a+"stop", `{}`, 200)
	if len(p.actions) != 3 {
		t.Fatalf("actions %v", p.actions)
	}
	if got := p.actions[0]; got.Reason != "deploy 4.2" || got.For != 30*time.Minute || got.Owner != "127.0.0.1" || got.Pool != "app" || got.Member != "tomcat1" {
		t.Errorf("action %+v", got)
	}
	f(a+"halt", ``, 404, "none of ready, drain, stop")
	f(a+"drain", `{"for": "30"}`, 400, "no duration")
	f(a+"drain", `{"for": "-1m"}`, 400, "no duration")
	f(a+"drain", `{"for": "99999h"}`, 400, "no duration")
	f(a+"drain", `{"reson": "x"}`, 400, "not understood")
	f(a+"drain", `{} {}`, 400, "follows")
	f(a+"drain", `{"reason": "`+strings.Repeat("x", 201)+`"}`, 400, "too long")
	f(a+"drain", `{"reason": "a\nb"}`, 400, "control characters")
	f(a+"drain", `{"reason": "`+strings.Repeat("x", 5000)+`"}`, 400)
	if len(p.actions) != 3 {
		t.Errorf("a refused request acted: %v", p.actions)
	}
	p.refuse = &Refusal{Status: 404, What: "there is no pool \"app\"", Cure: "pools are x"}
	f(a+"drain", ``, 404, `"error": "there is no pool \"app\""`, `"cure": "pools are x"`)
}

func TestReload(t *testing.T) {
	p := &puppet{}
	s := server(p, Access{Actions: true})
	want(t, request(s, "POST", "/api/v1/reload", ""), 409, `"applied": false`, `"problems"`)
	p.applied = true
	want(t, request(s, "POST", "/api/v1/reload", "", local), 200, `"applied": true`)
	if fmt.Sprint(p.reloads) != "[127.0.0.1 ops]" {
		t.Errorf("owners %v", p.reloads)
	}
}

func TestAccess(t *testing.T) {
	p := &puppet{applied: true}
	s := server(p, Access{Actions: true, Hosts: []string{"lb.example"}})
	f := func(status int, change ...func(*http.Request)) {
		t.Helper()
		want(t, request(s, "GET", "/api/v1/status", "", change...), status)
	}
	for _, h := range []string{"localhost", "LOCALHOST:8404", "127.0.0.1", "127.8.8.8:1", "[::1]:8404", "::1", "lb.example", "LB.example.:80"} {
		f(200, host(h))
	}
	for _, h := range []string{"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "192.168.0.9:8404", "lb.example.evil"} {
		f(403, host(h))
	}
	// The very address the connection came to is a good Host, another is not.
	f(200, host("192.168.0.9:8404"), socketAddr("192.168.0.9:8404"))
	f(403, host("192.168.0.8:8404"), socketAddr("192.168.0.9:8404"))
	// Peers: the socket's address decides, whatever a header says.
	f(403, from("10.0.0.7:1"))
	f(403, from("10.0.0.7:1"), header("X-Forwarded-For", "127.0.0.1"), header("Forwarded", "for=127.0.0.1"))
	f(200, from("127.0.0.1:1"), header("X-Forwarded-For", "10.0.0.7"))
	f(200, from("[::ffff:127.0.0.1]:1"))
	f(403, from("nonsense"))
	// The Unix socket needs neither.
	f(200, local, host("whatever"), from("@"))
}

func TestToken(t *testing.T) {
	s := server(&puppet{ready: true}, Access{Token: "abc", Actions: true})
	f := func(path, auth string, status int, change ...func(*http.Request)) {
		t.Helper()
		if auth != "" {
			change = append(change, header("Authorization", auth))
		}
		want(t, request(s, "GET", path, "", change...), status)
	}
	f("/api/v1/status", "", 401)
	f("/api/v1/status", "Bearer ab", 401)
	f("/api/v1/status", "Bearer abcd", 401)
	f("/api/v1/status", "Basic abc", 401)
	f("/api/v1/status", "abc", 401)
	f("/api/v1/status", "Bearer abc", 200)
	f("/metrics", "", 401)
	f("/healthz", "", 200)
	f("/readyz", "", 200)
	f("/api/v1/status", "", 200, local)
	s.SetAccess(Access{Allow: loopback, Token: "new"})
	f("/api/v1/status", "Bearer abc", 401)
	f("/api/v1/status", "Bearer new", 200)
}

func TestForeignPages(t *testing.T) {
	p := &puppet{applied: true}
	s := server(p, Access{Actions: true})
	f := func(status int, change ...func(*http.Request)) {
		t.Helper()
		want(t, request(s, "POST", "/api/v1/reload", "", change...), status)
	}
	f(200)
	f(200, header("Origin", "http://127.0.0.1:8404"))
	f(200, header("Sec-Fetch-Site", "same-origin"))
	f(403, header("Origin", "http://evil.example"))
	f(403, header("Sec-Fetch-Site", "cross-site"))
	f(403, header("Origin", "null"))
	if len(p.reloads) != 3 {
		t.Errorf("%d reloads", len(p.reloads))
	}
	s.SetAccess(Access{Allow: loopback, Actions: false})
	f(403)
	f(403, local)
	if len(p.reloads) != 3 {
		t.Error("reloaded although actions are switched off")
	}
}

func TestUnixSocket(t *testing.T) {
	p := &puppet{applied: true}
	s := server(p, Access{Actions: true})
	path := filepath.Join(t.TempDir(), "run", "admin.sock")
	if err := s.ListenUnix(path); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(l)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, a string) (net.Conn, error) {
		var d net.Dialer
		if strings.HasPrefix(a, "admin") {
			return d.DialContext(ctx, "unix", path)
		}
		return d.DialContext(ctx, network, a)
	}}
	client := &http.Client{Transport: transport}
	for _, base := range []string{"http://admin", "http://" + l.Addr().String()} {
		resp, err := client.Post(base+"/api/v1/reload", "application/json", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", base, resp.Status)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.reloads) != 2 || p.reloads[0] != me.Username || p.reloads[1] != "127.0.0.1" {
		t.Errorf("owners %v", p.reloads)
	}

	// A second process keeps away from a socket that answers.
	other := server(p, Access{})
	if err := other.ListenUnix(path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second listener: %v", err)
	}
	transport.CloseIdleConnections()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	// What a killed process left behind is replaced.
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = dead.Close()
	if err := other.ListenUnix(path); err != nil {
		t.Errorf("a dead socket: %v", err)
	}
	if err := other.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server(p, Access{}).ListenUnix(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a plain file: %v", err)
	}
}

func TestRing(t *testing.T) {
	var r Ring
	if got := r.After(0); got == nil || len(got) != 0 {
		t.Errorf("empty: %v", got)
	}
	for range 300 {
		r.Add(Event{Kind: Noted})
	}
	f := func(after uint64, n int, first uint64) {
		t.Helper()
		got := r.After(after)
		if len(got) != n || n > 0 && (got[0].Seq != first || got[n-1].Seq != 300) {
			t.Errorf("after %d: %d events", after, len(got))
		}
	}
	f(0, ringSize, 45)
	f(44, ringSize, 45)
	f(299, 1, 300)
	f(300, 0, 0)
	f(1<<63, 0, 0)
	f(^uint64(0), 0, 0)
}

func TestRefusal(t *testing.T) {
	var r *Refusal
	if err := error(&Refusal{What: "a", Cure: "b"}); !errors.As(err, &r) || err.Error() != "a: b" {
		t.Errorf("%v", err)
	}
	if got := (&Refusal{What: "a"}).Error(); got != "a" {
		t.Errorf("%q", got)
	}
	if got := quote("a\"\x00" + strings.Repeat("x", 200)); len(got) > 120 || strings.Contains(got, "\x00") {
		t.Errorf("%q", got)
	}
}
