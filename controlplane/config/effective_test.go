package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithFurtherMembers(t *testing.T) {
	c, ps := loadTestFile(t, "testdata/valid/discover.yaml")
	if c == nil {
		t.Fatal(ps)
	}
	digest := c.Digest()
	m := NewMember("10.0.0.7-8009")
	m.URL = Address{"ajp", "10.0.0.7", 8009}
	const origin = "heard in 228.0.0.4:45564 as 10.0.0.7:4000"
	out := c.With([]Extra{{"app", m, origin}, {"nowhere", m, origin}})
	if len(c.Pools[0].Members) != 0 || c.Digest() != digest || c.Origin("pools.app.members.10.0.0.7-8009.url") != (Origin{}) {
		t.Error("the configuration itself has changed")
	}
	got := out.Pool("app").Member("10.0.0.7-8009")
	if got == nil || got.Weight != 1 || got.State != StateReady || got.Role != RoleNormal || got.Route != "" {
		t.Fatalf("got %+v", got)
	}
	if text := string(Expand(out)); !strings.Contains(text, "# "+origin) || !strings.Contains(text, "# learned from sessions") {
		t.Errorf("the long form does not say where members came from:\n%s", text)
	}
	// Twice from one configuration: neither writes into the other.
	n := m
	n.Name = "b"
	other := c.With([]Extra{{"app", n, "x"}})
	if out.Pools[0].Members[0].Name != m.Name || other.Pools[0].Members[0].Name != "b" {
		t.Error("two copies share their members")
	}
	if out.Digest() == digest {
		t.Error("the digest does not see members")
	}
}

func TestLoadMembers(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		members, ps := LoadMembers("members.yaml", []byte(text), testEnv)
		if ps.HasErrors() {
			t.Errorf("%s: %s", text, ps)
			return
		}
		var got []string
		for _, m := range members {
			got = append(got, m.Name+" "+m.URL.String()+" "+m.Route)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q", text, strings.Join(got, ", "), want)
		}
	}
	f("members: {tomcat1: ajp://10.0.0.1:8009}", "tomcat1 ajp://10.0.0.1:8009 tomcat1")
	f("members:\n  a:\n    url: http://${HOST}:${PORT}\n    route: x\n    weight: 3\n", "a http://10.0.0.1:8080 x")
	f("members: {a: {url: ajp://10.0.0.1:8009, route: \"\"}}", "a ajp://10.0.0.1:8009 ")
	f("backends: [ajp://10.0.0.1:8009, ajp://10.0.0.1]", "10.0.0.1-8009 ajp://10.0.0.1:8009 , 10.0.0.1-8009-2 ajp://10.0.0.1:8009 ")
	f("[ajp://10.0.0.1:8009]", "10.0.0.1-8009 ajp://10.0.0.1:8009 ")
	f(`{"backends": ["ajp://10.0.0.1:8009"]}`, "10.0.0.1-8009 ajp://10.0.0.1:8009 ")
	f("backends: []", "")
	f("[]", "")
	f("members: {}", "")
}

func TestLoadMembersRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		members, ps := LoadMembers("members.yaml", []byte(text), nil)
		if members != nil || !strings.Contains(ps.String(), want) {
			t.Errorf("%s: got %v and\n%s", text, members, ps)
		}
	}
	f("", "the file is empty")
	f("x", "neither members nor backends")
	f("pools: {}", `unknown key "pools"`)
	f("members: {a: ajp://h:8009}\nbackends: [ajp://h:8009]", "both backends and members")
	f("members: [ajp://h:8009]", "a bare list of addresses is called backends")
	f("members: {a: ajp://h:80090}", "members.yaml:1:14: members.a.url: port 80090 is out of range")
	f("members: {a: {url: ajp://h:8009, route: x}, b: {url: ajp://i:8009, route: x}}", `members a and b have the same route "x"`)
	f("members: {a: {weight: 3}}", "members.a has no url")
	f("members: {a: ajp://h:8009}\n---\nx", "a second document")
}

// A file of members is written by other programs: whatever it holds, there is
// a list of members or a list of problems, never both, never a panic.
func FuzzLoadMembers(f *testing.F) {
	for _, text := range []string{"members: {a: ajp://h:8009}", "backends: [ajp://h]", "[ajp://h]", "members: {a: {url: ajp://h, route: x}}", "backends: {}", "- - -"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, ps := LoadMembers("x", data, testEnv)
		if ps.HasErrors() && members != nil {
			t.Errorf("members beside %s", ps)
		}
		for _, m := range members {
			if _, what, _ := checkName(m.Name); what != "" || m.URL.IsZero() {
				t.Errorf("member %+v", m)
			}
		}
	})
}

func TestMemberNamesAreLegal(t *testing.T) {
	for _, a := range []Address{
		{"ajp", "10.0.0.7", 8009}, {"ajp", "::1", 8009}, {"ajp", "fe80::1%eth0", 1}, {"ajp", strings.Repeat("x", 200), 65535}, {"ajp", "-", 1}, {"http", "", 80},
	} {
		if _, what, _ := checkName(MemberName(a)); what != "" {
			t.Errorf("%v: %s", a, what)
		}
	}
}

// What the reference says of a pool's sources holds for every golden file.
func TestListens(t *testing.T) {
	f := func(name, pool string, listens, ports bool) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("testdata/valid", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		c, ps := Load(name, data, testEnv, testOptions())
		if c == nil {
			t.Fatal(ps)
		}
		if d := &c.Pool(pool).Discover; d.Listens() != listens || d.Ports() != ports {
			t.Errorf("%s: listens %v, ports %v", name, d.Listens(), d.Ports())
		}
	}
	f("discover", "app", true, true)
	f("discover-groups", "shop", true, false)
	f("discover-names", "app", false, false)
	f("minimal", "default", false, false)
}
