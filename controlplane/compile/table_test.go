package compile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/table"
)

func build(t *testing.T, c *config.Config, prev *table.Table) *table.Table {
	t.Helper()
	out, _, err := Build(Inputs{Now: noon, Config: c}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCountersStayWithTheirMember(t *testing.T) {
	old := build(t, load(t, "two.yaml"), nil)
	next := build(t, load(t, "two_changed.yaml"), old)
	if old.Version != 1 || next.Version != 2 || next.Members != 2 {
		t.Errorf("versions %d, %d, members %d", old.Version, next.Version, next.Members)
	}
	a, b := old.Pools[0], next.Pools[0]
	if a.Live != b.Live {
		t.Error("the pool lost its counters")
	}
	if a.Members[0].Live != b.Members[0].Live {
		t.Error("tomcat1 stayed where it was and lost its counters")
	}
	// tomcat2 moved to another address: another machine's numbers.
	if a.Members[1].Live == b.Members[1].Live {
		t.Error("tomcat2 moved and kept its counters")
	}
	if b.Members[1].Live == nil || b.Members[1].ID == a.Members[1].ID {
		t.Errorf("tomcat2: %v", b.Members[1].ID)
	}
}

// A Tomcat that is known by its receiver keeps its counters when it listens on
// another port, and not on another host.
func TestCountersMoveWithTheConnector(t *testing.T) {
	at := func(url, receiver string) *config.Config {
		t.Helper()
		text := "pools: {app: {members: {a: {url: \"" + url + "\"" + receiver + "}}}}\n"
		c, problems := config.Load("x", []byte(text), nil, config.Options{})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		return c
	}
	f := func(from, to, receiver string, keeps bool) {
		t.Helper()
		table := build(t, at(from, receiver), nil)
		old := table.Pools[0].Members[0]
		next := build(t, at(to, receiver), table).Pools[0].Members[0]
		if (old.Live == next.Live) != keeps || old.ID == next.ID {
			t.Errorf("from %s to %s: keeps its counters %t", from, to, old.Live == next.Live)
		}
	}
	const node = `, receiver: "10.0.0.1:4000"`
	f("ajp://10.0.0.1:8009", "ajp://10.0.0.1:9009", node, true)
	f("ajp://[fd00::1]:8009", "ajp://[fd00::1]:9009", node, true)
	f("ajp://10.0.0.1:8009", "ajp://10.0.0.2:8009", node, false)
	f("ajp://10.0.0.1:8009", "ajp://10.0.0.1:9009", "", false)
}

// One that was found has another name there, and is the same Tomcat all the same.
// Whoever was at that place before has its own.
func TestCountersFollowAMove(t *testing.T) {
	at := func(members string) *config.Config {
		t.Helper()
		c, problems := config.Load("x", []byte("pools: {app: {members: {"+members+"}}}\n"), nil, config.Options{})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		return c
	}
	f := func(before, after string, keeps bool) {
		t.Helper()
		old := build(t, at(before), nil)
		next, _, err := Build(Inputs{Now: noon, Config: at(after), Moved: map[table.ID]table.ID{
			"app/b@ajp://10.0.0.1:9009": "app/a@ajp://10.0.0.1:8009",
		}}, old)
		if err != nil {
			t.Fatal(err)
		}
		if (old.Pools[0].Members[0].Live == next.Pools[0].Members[0].Live) != keeps {
			t.Errorf("from %s to %s: want its counters %t", before, after, keeps)
		}
	}
	const a, b, other = `a: "ajp://10.0.0.1:8009"`, `b: "ajp://10.0.0.1:9009"`, `b: "ajp://10.0.0.1:7009"`
	f(a, b, true)
	f(a, other, false)
	f(a+", "+b, b, false)
}

func TestPoolSettings(t *testing.T) {
	c := load(t, "routes.yaml")
	p := build(t, c, nil).Pools[1]
	if p.Name != "shop" || p.Policy != table.Hash || p.HashKey != "path" || p.Sticky.OnLoss != table.Refuse {
		t.Errorf("pool %+v", p)
	}
	if p.Forwarded != table.Append || p.PacketSize != 65536 || p.TripFor != 2*time.Second || p.TripAfter != 5 {
		t.Errorf("forwarded %v packet %d trip %v after %d", p.Forwarded, p.PacketSize, p.TripFor, p.TripAfter)
	}
	if !slices.Equal(p.FailOnStatus, []uint16{500, 501, 503}) {
		t.Errorf("fail on %v", p.FailOnStatus)
	}
	if r := p.Retry; r.Attempts != 2 || !r.Dial || !r.Stale || !r.Broken || r.Budget != 20 {
		t.Errorf("retry %+v", r)
	}
	b := p.Members[1]
	if b.Target.Scheme != table.HTTPS || b.Distance != 1 || b.Domain != "east" || b.Redirect != "a" || b.Weight != 1 {
		t.Errorf("member %+v", b)
	}
	if app := build(t, c, nil).Pools[0]; !app.Sticky.Off || app.Policy != table.RoundRobin {
		t.Errorf("pool %+v", app)
	}
}

func TestSecretsGoWhereTheyBelong(t *testing.T) {
	p := build(t, load(t, "two.yaml"), nil).Pools[0]
	m := p.Members[0]
	if m.Target.Secret != "s3cret" {
		t.Errorf("AJP secret %q", m.Target.Secret)
	}
	if m.Upgrade == nil || m.Upgrade.Scheme != table.HTTP || m.Upgrade.Addr != "127.0.0.1:8080" || m.Upgrade.Secret != "" {
		t.Errorf("upgrade %+v", m.Upgrade)
	}
	if p.Members[1].Upgrade != nil {
		t.Error("tomcat2 has no HTTP connector")
	}
}

func TestFingerprint(t *testing.T) {
	base := Fingerprint(build(t, load(t, "two.yaml"), nil))
	same := build(t, load(t, "two.yaml"), nil)
	same.Version = 99
	same.Pools[0].Members[0].Live.Requests.Add(5)
	if Fingerprint(same) != base {
		t.Error("version or counters count")
	}
	f := func(what string, change func(*table.Table)) {
		t.Helper()
		x := build(t, load(t, "two.yaml"), nil)
		change(x)
		if Fingerprint(x) == base {
			t.Errorf("a changed %s is not seen", what)
		}
	}
	f("weight", func(x *table.Table) { x.Pools[0].Members[1].Weight = 9 })
	f("take", func(x *table.Table) { x.Pools[0].Members[1].Take = table.Nothing })
	f("route", func(x *table.Table) { x.Pools[0].Members[1].Route = "" })
	f("secret", func(x *table.Table) { x.Pools[0].Members[1].Target.Secret = "" })
	f("upgrade", func(x *table.Table) { x.Pools[0].Members[0].Upgrade.Addr = "127.0.0.1:1" })
	f("pattern", func(x *table.Table) { x.Routes[0].Pattern.Literal = "/x" })
	f("pool of a route", func(x *table.Table) { x.Routes[0].Pool = &table.Pool{Name: "other"} })
	f("time-out", func(x *table.Table) { x.Pools[0].Timeouts.FirstByte++ })
	f("digest", func(x *table.Table) { x.Digest = "" })
}

func TestBuildRefuses(t *testing.T) {
	f := func(want string, change func(*config.Config)) {
		t.Helper()
		c := load(t, "two.yaml")
		change(c)
		out, _, err := Build(Inputs{Now: noon, Config: c}, nil)
		if err == nil || out != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(`no pool "nobody"`, func(c *config.Config) { c.Routes[0].Pool = "nobody" })
	f(`same route "tomcat1"`, func(c *config.Config) { c.Pools[0].Members[1].Route = "tomcat1" })
	f("build route", func(c *config.Config) { c.Routes[0].Path = "no-slash" })
	f("unmount", func(c *config.Config) { c.Routes[0].Unmount = []string{"no-slash"} })
}

func TestDiff(t *testing.T) {
	f := func(old, new string, want ...string) {
		t.Helper()
		var got []string
		for _, c := range Diff(load(t, old), load(t, new)) {
			got = append(got, c.Path+": "+c.Old+" -> "+c.New)
		}
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%q is not in\n  %s", w, strings.Join(got, "\n  "))
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("the same file differs: %v", got)
		}
		for _, g := range got {
			if strings.Contains(g, "s3cret") {
				t.Errorf("a secret is shown: %s", g)
			}
		}
	}
	f("two.yaml", "two.yaml")
	f("two.yaml", "two_changed.yaml",
		"pools.app.members.tomcat2.weight: 3 -> 2",
		"pools.app.timeouts.first_byte: 60s -> 30s",
		"pools.app.members.tomcat3.url: ajp://127.0.0.1:7009 -> ",
		"pools.app.secret: (set) -> (another)",
	)
}

func TestListeners(t *testing.T) {
	got := Listeners(load(t, "routes.yaml"))
	if len(got) != 2 || got[0].Address != "127.0.0.1:8080" || got[0].RedirectTo != "https" || got[1].Address != ":8081" {
		t.Fatalf("got %+v", got)
	}
	front := got[0].Front
	if front != got[1].Front || front.Connections != 20000 || front.HeaderSize != 16<<10 || front.IdleTimeout != time.Minute {
		t.Errorf("front %+v", front)
	}
}

func TestTargets(t *testing.T) {
	got := Targets(load(t, "routes.yaml"))
	if len(got) != 3 {
		t.Fatalf("got %d targets", len(got))
	}
	if got[0].Settings.Request != nil || got[0].To.Scheme != table.HTTP {
		t.Errorf("app: %+v", got[0])
	}
	s := got[1].Settings
	if s.Every != 2*time.Second || s.Request == nil || s.Request.Path != "/healthz" || s.DownAfter != 3 || s.UpAfter != 2 ||
		!slices.Equal(s.Request.Expect, []health.Range{{From: 200, To: 399}}) {
		t.Errorf("shop: %+v", s)
	}
	if s.Connect != time.Second || s.Timeout != time.Second {
		t.Errorf("time-outs %v, %v", s.Connect, s.Timeout)
	}
}

func TestTargetsOfACluster(t *testing.T) {
	read := func(text string) *config.Config {
		t.Helper()
		c, problems := config.Load("x.yaml", []byte(text), nil, config.Options{})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		return c
	}
	member := "pools:\n  app:\n    health: {HEALTH}\n    members:\n      a: {url: \"ajp://127.0.0.1:8009\", receiver: \"127.0.0.1:4000\"}\n"
	of := func(tribes, set string) health.Settings {
		t.Helper()
		return Targets(read("listen: 80\n" + tribes + strings.ReplaceAll(member, "HEALTH", set)))[0].Settings
	}
	s := of("", "every: 5s")
	if s.SlowStart != health.ByAge || s.Lost != health.LostProbe || s.Prove {
		t.Errorf("plain: %+v", s)
	}
	if s = of("", "slow_start: 0s"); s.SlowStart != 0 {
		t.Errorf("slow start %v, want none", s.SlowStart)
	}
	if s = of("tribes: {group: \"228.0.0.4:45564\", lost_means: drain}\n", "slow_start: 30s"); s.Lost != health.LostDrain || s.SlowStart != 30*time.Second {
		t.Errorf("drain: %+v", s)
	}
	two := "tribes:\n  - {group: \"228.0.0.4:45564\", lost_means: drain}\n  - {group: \"228.0.0.5:45564\", lost_means: ignore}\n"
	if s = of(two, "every: 5s"); s.Lost != health.LostProbe {
		t.Errorf("two groups that disagree: %+v", s)
	}
	c := read("listen: 80\n" + strings.ReplaceAll(member, "HEALTH", "every: 5s"))
	m := config.NewMember("b")
	m.URL = config.Address{Scheme: "ajp", Host: "127.0.0.1", Port: 9009}
	got := Targets(c.With([]config.Extra{{Pool: "app", Member: m, Origin: "heard as 127.0.0.1:5000"}}))
	if len(got) != 2 || got[0].Settings.Prove || !got[1].Settings.Prove {
		t.Errorf("a found member has to prove itself, one of the file has not: %+v", got)
	}
}

func TestReport(t *testing.T) {
	r := Judge(Inputs{Now: noon, Config: load(t, "two.yaml")})
	if !r.Servable() || r.Member("app", "tomcat1") == nil || r.Member("app", "x") != nil || r.Member("x", "tomcat1") != nil {
		t.Errorf("report %+v", r)
	}
	n := 0
	r.Each(func(*MemberReport) { n++ })
	if n != 3 {
		t.Errorf("each saw %d members", n)
	}
	r.Pools[0].Fresh = 0
	if r.Servable() || (&Report{}).Servable() {
		t.Error("servable without a member")
	}
}
