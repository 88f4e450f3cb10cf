package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/meter"
)

// A learned route outlives the process, and yields to what the member shows then.
func TestLearnedRoutesAreKept(t *testing.T) {
	file := "listen: 8080\nbackends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n"
	dir := t.TempDir()
	keep := func(o *Options) { o.OverridesPath = filepath.Join(dir, "overrides.json") }
	saw := func(w *world, route string) {
		w.member("127.0.0.1-8009").Live.Saw([]byte(route), time.Now().UnixNano())
		w.pass(time.Second)
		w.expect(w.member("127.0.0.1-8009").Route, route)
	}
	play(t, file, keep, func(w *world) { saw(w, "tomcat1") })
	play(t, file, keep, func(w *world) {
		w.expect(w.member("127.0.0.1-8009").Route, "tomcat1")
		saw(w, "tomcat5")
		if _, err := w.c.Reload(w.t.Context(), "root"); err != nil {
			t.Fatal(err)
		}
		w.expect(w.member("127.0.0.1-8009").Route, "tomcat5")
	})
	path := filepath.Join(dir, "routes.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, file, keep, func(w *world) {
		w.expect(w.member("127.0.0.1-8009").Route, "")
		kinds, _ := w.events(0)
		w.expect(fmt.Sprint(kinds), "[trouble started member ready 127.0.0.1-8009 member ready 127.0.0.1-9009]")
		saw(w, "tomcat1")
	})
	play(t, file, keep, func(w *world) { w.expect(w.member("127.0.0.1-8009").Route, "tomcat1") })
}

const twoBackends = "listen: 8080\nbackends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n"

// What could not be written is written later, without another route that changes; and
// at the end, what is not written yet.
func TestLearnedRoutesAreKeptLater(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	block := func() { // a file where the folder should be
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unblock := func() {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(o *Options) { o.OverridesPath = filepath.Join(path, "overrides.json") }
	has := func(route string) bool {
		r, err := learned.Load(filepath.Join(path, "routes.json"))
		return err == nil && r["default/127.0.0.1-8009@ajp://127.0.0.1:8009"].Name == route
	}
	play(t, twoBackends, keep, func(w *world) {
		_, seq := w.events(0)
		block()
		w.member("127.0.0.1-8009").Live.Saw([]byte("tomcat1"), time.Now().UnixNano())
		w.pass(10 * time.Second)
		seq = w.expectEvents(seq, "route learned 127.0.0.1-8009", "trouble")
		unblock()
		w.pass(2 * time.Second)
		if !has("tomcat1") {
			t.Error("nothing was tried again")
		}
		unblock()
		w.pass(10 * time.Second)
		if has("tomcat1") {
			t.Error("what is kept is written again")
		}
		// Another trouble of the same words is another trouble.
		block()
		w.member("127.0.0.1-8009").Live.Doubt()
		w.member("127.0.0.1-8009").Live.Saw([]byte("tomcat2"), time.Now().UnixNano())
		w.pass(10 * time.Second)
		w.expectEvents(seq, "route learned 127.0.0.1-8009", "trouble")
		unblock()
	})
	if !has("tomcat2") {
		t.Error("not kept at the end")
	}
}

// A process that hands over has written all it will write; one that goes on after all
// writes again.
func TestLearnedRoutesWhileHandingOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "routes.json")
	play(t, twoBackends, func(o *Options) { o.OverridesPath = filepath.Join(dir, "overrides.json") }, func(w *world) {
		w.member("127.0.0.1-8009").Live.Saw([]byte("tomcat1"), time.Now().UnixNano())
		w.pass(time.Second)
		if _, err := w.c.HandOver(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatalf("not written when it hands over: %v", err)
		}
		w.member("127.0.0.1-9009").Live.Saw([]byte("tomcat2"), time.Now().UnixNano())
		w.pass(5 * time.Second)
		if _, err := os.Stat(file); err == nil {
			t.Error("written while another process may write")
		}
		if err := w.c.Thaw(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if r, err := learned.Load(file); err != nil || r["default/127.0.0.1-9009@ajp://127.0.0.1:9009"].Name != "tomcat2" {
			t.Errorf("after it goes on: %v, %v", r, err)
		}
	})
}

// One session is enough after the member was away, and is not before.
func TestRouteOfAMemberThatCameBack(t *testing.T) {
	play(t, "listen: 8080\nbackends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n", nil, func(w *world) {
		saw := func(route, want string) {
			t.Helper()
			w.member("127.0.0.1-8009").Live.Saw([]byte(route), time.Now().UnixNano())
			w.pass(time.Second)
			w.expect(w.member("127.0.0.1-8009").Route, want)
		}
		saw("tomcat1", "tomcat1")
		saw("tomcat2", "tomcat1")
		w.set(func() { w.down["127.0.0.1-8009"] = true })
		w.pass(time.Minute)
		w.set(func() { w.down["127.0.0.1-8009"] = false })
		w.pass(time.Minute)
		w.expect(w.member("127.0.0.1-8009").Route, "tomcat1")
		saw("tomcat2", "tomcat2")
		if (probed{w.c}).Shown("nobody", "tomcat3") || (probed{w.c}).Shown(w.member("127.0.0.1-8009").ID, "tomcat3") {
			t.Error("a probe that saw another route once was believed")
		}
	})
}

// sessionProber is a Prober in front of Tomcats that share one jvmRoute.
type sessionProber struct {
	mu       sync.Mutex // guards the rest
	down     string     // address
	sessions int
}

func (p *sessionProber) Probe(_ context.Context, t health.Target) health.Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down == t.To.Addr {
		return health.Sample{Text: "connect refused", Fail: health.Refused}
	}
	s := health.Sample{OK: true, Text: "health request 200", Request: true}
	if t.Cookie == "" && !t.Quick {
		p.sessions++
		s.Session = health.Session{Cookie: fmt.Sprintf("JSESSIONID=%d.same", p.sessions), Route: "same"}
	}
	return s
}

// What a health request has shown of a member before it is used (again) stays known
// when it is, and so does the conflict with another one.
func TestRouteThatAProbeHasShown(t *testing.T) {
	p := &sessionProber{}
	known := func(w *world, sessions int, names ...string) {
		t.Helper()
		for _, n := range names {
			if r := w.member(n).Live.Route(); r == nil || r.Hint {
				t.Errorf("%s: %+v", n, r)
			}
		}
		if notes := w.c.Status().Notes; len(notes) != 1 || !strings.Contains(notes[0], `the same route "same"`) {
			t.Errorf("notes: %q", notes)
		}
		if sessions > 0 && p.sessions != sessions {
			t.Errorf("%d sessions were begun, want %d", p.sessions, sessions)
		}
	}
	play(t, "listen: 8080\nbackends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n", func(o *Options) { o.Prober = p }, func(w *world) {
		a, b := "127.0.0.1-8009", "127.0.0.1-9009"
		w.pass(20 * time.Second)
		known(w, 2, a, b)
		w.set(func() { p.mu.Lock(); defer p.mu.Unlock(); p.down = "127.0.0.1:9009" })
		w.pass(time.Minute)
		_, seq := w.events(0)
		w.set(func() { p.mu.Lock(); defer p.mu.Unlock(); p.down = "" })
		w.pass(time.Minute)
		known(w, 3, a, b)
		kinds, _ := w.events(seq)
		slices.Sort(kinds) // which tick comes first is open
		w.expect(strings.Join(kinds, ", "), "member ready "+b+", note")
		// A doubt that comes at the wrong moment holds until the next probe.
		probed{w.c}.Doubt(w.member(a).ID)
		w.pass(20 * time.Second)
		known(w, 4, a, b)
	})
	p.sessions = 0
	var ears *paperEars
	play(t, finding, func(o *Options) { onPaper(&ears)(o); o.Prober = p }, func(w *world) {
		began := time.Now().Add(-time.Hour)
		ears.beat(w, time.Minute, &node{host: "10.0.0.1", id: 1, began: began}, &node{host: "10.0.0.2", id: 2, began: began})
		// An answer may come before the member is in the table, and is asked for again.
		known(w, 0, "10.0.0.1-8009", "10.0.0.2-8009")
		begun := p.sessions
		ears.beat(w, time.Minute, &node{host: "10.0.0.1", id: 1, began: began}, &node{host: "10.0.0.2", id: 2, began: began})
		known(w, begun, "10.0.0.1-8009", "10.0.0.2-8009")
	})
}

// A session that the member has ended holds up nothing.
func TestSessionsOfADrain(t *testing.T) {
	play(t, two, nil, func(w *world) {
		w.pass(time.Minute)
		if _, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: "a", State: overrides.Drain, Owner: "root"}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		a, x := w.member("a").Live.Alive(), meter.SessionHash([]byte("X"))
		a.Seen(x, time.Now().UnixNano())
		w.member("a").Live.Sessions[meter.Kept].Add(1)
		w.pass(time.Second)
		if m := w.memberStatus("a"); m.SessionsOpen != 1 || m.LastSession.IsZero() {
			t.Errorf("open: %d, last seen %v", m.SessionsOpen, m.LastSession)
		}
		a.Ended(x)
		w.member("a").Live.Sessions[meter.Kept].Add(1)
		w.pass(time.Second)
		if m := w.memberStatus("a"); m.SessionsOpen != 0 || !m.LastSession.IsZero() {
			t.Errorf("ended: %d, last seen %v", m.SessionsOpen, m.LastSession)
		}
	})
}
