package controlplane

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/cluster"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

const moving = `
listen: 8080
tribes: {group: "228.0.0.4:45564"}
pools:
  app:
    discover: {ajp_ports: [8009, 9009]}
    health: {every: 5s, slow_start: 0s}
`

// onePort answers on one port, whatever the host, and refuses on all others.
type onePort struct {
	mu   sync.Mutex
	port string
}

func (p *onePort) serve(port string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port = port
}

func (p *onePort) Probe(_ context.Context, t health.Target) health.Sample {
	time.Sleep(time.Millisecond) // of the bubble's time
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasSuffix(t.To.Addr, ":"+p.port) {
		return health.Sample{OK: true, Text: "cping ok"}
	}
	return health.Sample{Text: "connect refused", Fail: health.Refused}
}

// serving is the URL of the only member, when it takes requests.
func (w *world) serving() string {
	s := w.c.Status()
	if len(s.Pools[0].Members) != 1 || s.Pools[0].Members[0].State != compile.Ready {
		return s.Sentence
	}
	return s.Pools[0].Members[0].URL
}

// A Tomcat is killed and started again on another of its ports before it is
// missed: the verdict comes last, and nothing is heard after it.
func TestMoveBeforeItIsMissed(t *testing.T) {
	var ears *paperEars
	port := &onePort{port: "8009"}
	play(t, moving, func(o *Options) { o.Prober = port; onPaper(&ears)(o) }, func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 21*time.Second, n)
		w.expect(w.serving(), "ajp://10.0.0.1:8009")
		port.serve("9009")
		w.pass(1500 * time.Millisecond)
		ears.beat(w, 20*time.Second, &node{host: "10.0.0.1", id: 2, began: time.Now()})
		w.expect(w.serving(), "ajp://10.0.0.1:9009")
	})
}

// What was asked of a member goes with it to its new place, and is found there by
// the next process, which knows of no move. So do its counters and its route.
func TestMoveTakesWishesAlong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	n := &node{host: "10.0.0.1", id: 1}
	tomcatOn := func(from string, f func(w *world, ears *paperEars, port *onePort)) {
		var ears *paperEars
		port := &onePort{port: from}
		play(t, moving, func(o *Options) { o.Prober, o.OverridesPath = port, path; onPaper(&ears)(o) }, func(w *world) {
			n.began = time.Now().Add(-time.Hour)
			ears.beat(w, 20*time.Second, n)
			f(w, ears, port)
		})
	}
	asked := func(w *world, name string) {
		t := w.t
		t.Helper()
		m := w.memberStatus(name)
		if m == nil {
			t.Fatalf("no member %s: %s", name, w.c.Status().Sentence)
		}
		if m.State != compile.Stop || m.Override == nil || m.Weight != 7 || w.member(name).Take != table.Nothing {
			t.Errorf("%s is %s, weight %d, %s", name, m.State, m.Weight, m.Why)
		}
		if list := w.c.Status().Overrides; len(list) != 2 {
			t.Errorf("overrides %v", list)
		}
	}
	tomcatOn("8009", func(w *world, ears *paperEars, port *onePort) {
		t := w.t
		live := w.member("10.0.0.1-8009").Live
		live.Saw([]byte("jvm1"), time.Now().UnixNano())
		for _, a := range []admin.Action{{State: overrides.Stop}, {Weight: 7}} {
			a.Pool, a.Member, a.Owner = "app", "10.0.0.1-8009", "root"
			if _, err := w.c.SetMember(w.t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(2 * time.Second)
		asked(w, "10.0.0.1-8009")
		_, seq := w.events(0)
		port.serve("9009")
		n.id = 2
		ears.beat(w, 20*time.Second, n)
		asked(w, "10.0.0.1-9009")
		if m := w.member("10.0.0.1-9009"); m.Live != live || m.Route != "jvm1" {
			t.Errorf("its counters %t, its route %q", m.Live == live, m.Route)
		}
		if kinds, _ := w.events(seq); !slices.Contains(kinds, "member moved 10.0.0.1-9009") {
			t.Errorf("events %q", kinds)
		}
		if takes := w.takes("10.0.0.1-9009"); takes == "" || strings.Trim(takes, "-") != "" {
			t.Errorf("it took %s", takes)
		}
	})
	routes, err := learned.Load(learned.Beside(path))
	if err != nil || len(routes) != 1 || routes["app/10.0.0.1-9009@ajp://10.0.0.1:9009"].Name != "jvm1" {
		t.Errorf("kept routes %v, %v", routes, err)
	}
	tomcatOn("9009", func(w *world, _ *paperEars, _ *onePort) { asked(w, "10.0.0.1-9009") })
}

// watchful ears see the processes of this host, as they are when they look.
type watchful struct {
	*paperEars
	mu    sync.Mutex // guards the rest
	truth []netip.AddrPort
	seen  map[netip.AddrPort][]netip.AddrPort
	looks int
}

var tomcat = netip.MustParseAddrPort("127.0.0.1:4000")

// listens is where the only Tomcat of this host listens from now on.
func (e *watchful) listens(ports ...uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.truth = []netip.AddrPort{tomcat}
	for _, port := range ports {
		e.truth = append(e.truth, netip.AddrPortFrom(tomcat.Addr(), port))
	}
}

func (e *watchful) looked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.looks
}

func (e *watchful) Look([]netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looks++
	e.seen = map[netip.AddrPort][]netip.AddrPort{tomcat: e.truth}
	e.o.Notify()
}

func (e *watchful) Inputs(now time.Time) discover.Inputs {
	in := e.paperEars.Inputs(now)
	e.mu.Lock()
	defer e.mu.Unlock()
	in.Owners = e.seen
	return in
}

// around puts them around paper ones.
func (e *watchful) around(inner func(cluster.Options) ears) func(cluster.Options) ears {
	return func(o cluster.Options) ears {
		e.paperEars = inner(o).(*paperEars)
		return e
	}
}

// onThisHost plays with a Tomcat of this host that is found on port 8009.
func onThisHost(t *testing.T, f func(w *world, ears *watchful, port *onePort, n *node)) {
	var paper *paperEars
	ears, port := &watchful{}, &onePort{port: "8009"}
	ears.listens(8009)
	play(t, moving, func(o *Options) {
		o.Prober = port
		onPaper(&paper)(o)
		o.ears = ears.around(o.ears)
	}, func(w *world) {
		n := &node{host: "127.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 20*time.Second, n)
		w.expect(w.serving(), "ajp://127.0.0.1:8009")
		f(w, ears, port, n)
	})
}

// A Tomcat of this host comes back on another port: /proc says which.
func TestMoveOnThisHost(t *testing.T) {
	onThisHost(t, func(w *world, ears *watchful, port *onePort, n *node) {
		ears.hear("127.0.0.1:45564", n.member("BABY-ALEX"))
		port.serve("none")
		w.pass(5 * time.Second)
		port.serve("9009")
		ears.listens(9009)
		ears.beat(w, 5*time.Second, &node{host: "127.0.0.1", id: 2, began: time.Now()})
		w.expect(w.serving(), "ajp://127.0.0.1:9009")
	})
}

// It is heard before it listens, and may take its time.
func TestMoveOnThisHostLate(t *testing.T) {
	onThisHost(t, func(w *world, ears *watchful, port *onePort, n *node) {
		port.serve("none")
		ears.listens()
		again := &node{host: "127.0.0.1", id: 2, began: time.Now()}
		before := ears.looked()
		ears.beat(w, 10*time.Minute, again)
		if n := ears.looked() - before; n < 60 || n > 90 {
			t.Errorf("%d looks in ten minutes", n)
		}
		port.serve("9009")
		ears.listens(9009)
		ears.beat(w, 10*time.Second, again)
		w.expect(w.serving(), "ajp://127.0.0.1:9009")
		before = ears.looked()
		ears.beat(w, 10*time.Minute, again)
		if n := ears.looked() - before; n > 1 {
			t.Errorf("%d looks while all is well", n)
		}
	})
}

// Another JVM at the same place is looked at once, at once.
func TestRebirthIsLookedAt(t *testing.T) {
	onThisHost(t, func(w *world, ears *watchful, port *onePort, n *node) {
		before := ears.looked()
		ears.beat(w, 5*time.Second, &node{host: "127.0.0.1", id: 2, began: time.Now()})
		if n := ears.looked() - before; n != 1 {
			t.Errorf("%d looks", n)
		}
	})
}
