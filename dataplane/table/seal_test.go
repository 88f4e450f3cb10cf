package table

import (
	"fmt"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Pattern
		back string
	}{
		{"/", Pattern{Prefix, "/"}, "/"},
		{"//", Pattern{Prefix, "/"}, "/"},
		{"/shop/", Pattern{Prefix, "/shop"}, "/shop/"},
		{"/shop", Pattern{Prefix, "/shop"}, "/shop/"},
		{"/a/b//", Pattern{Prefix, "/a/b"}, "/a/b/"},
		{"=/login", Pattern{Exact, "/login"}, "=/login"},
		{"=/", Pattern{Exact, "/"}, "=/"},
		{"*.jsp", Pattern{Suffix, ".jsp"}, "*.jsp"},
		{"*.tar.gz", Pattern{Suffix, ".tar.gz"}, "*.tar.gz"},
	} {
		got, err := ParsePattern(c.in)
		if err != nil || got != c.want || got.String() != c.back {
			t.Errorf("%q: %+v, %v, written %q", c.in, got, err, got)
		}
		if again, err := ParsePattern(got.String()); err != nil || again != got {
			t.Errorf("%q read back is %+v, %v", got, again, err)
		}
	}
	for in, want := range map[string]string{
		"":       "it is empty",
		"shop":   `"shop": begin with`,
		"=":      `"=": an exact path`,
		"=login": `"=login": an exact path`,
		"*":      `"*": a suffix`,
		"*.":     `"*.": a suffix`,
		"*jsp":   `"*jsp": a suffix`,
		"*.a/b":  `"*.a/b": a suffix`,
		"*.*":    `"*.*": a suffix`,
		"/a/*":   `"/a/*": "*" may only stand`,
		"?":      `"?": begin with`,
	} {
		if _, err := ParsePattern(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", in, err, want)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	members := func(m ...Member) *Table { return &Table{Pools: []*Pool{{Name: "app", Members: m}}} }
	ok := Pattern{Prefix, "/"}
	for want, tab := range map[string]*Table{
		`seal table: two pools have the name "a"`: {Pools: []*Pool{{Name: "a"}, {Name: "a"}}},
		`seal pool "app": two members have the name "x"`: members(
			Member{Name: "x", Weight: 1}, Member{Name: "x", Weight: 1}),
		`seal pool "app": members "x" and "y" have the same route "r"`: members(
			Member{Name: "x", Weight: 1, Route: "r"}, Member{Name: "y", Weight: 1, Route: "r"}),
		`seal pool "app": member "x" has the weight 0, the least is 1`: members(Member{Name: "x"}),
		`seal table: the route "/" of host "h" has no pool`:            {Routes: []Route{{Host: "h", Pattern: ok}}},
		`seal table: route of pool "p": path pattern of kind 2: the literal "jsp" fits no path`: {
			Routes: []Route{{Pattern: Pattern{Suffix, "jsp"}, Pool: &Pool{Name: "p"}}}},
		`seal table: unmount of pool "p": path pattern of kind 1: the literal "" fits no path`: {
			Routes: []Route{{Pattern: ok, Unmount: []Pattern{{Kind: Exact}}, Pool: &Pool{Name: "p"}}}},
	} {
		if err := tab.Seal(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestSealNumbersMembers(t *testing.T) {
	tab := &Table{Pools: []*Pool{
		{Name: "a", Members: []Member{{Name: "x", Weight: 1}, {Name: "y", Weight: 2}}},
		{Name: "b"},
		{Name: "c", Members: []Member{{Name: "x", Weight: 1}}},
	}}
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	if tab.Members != 3 {
		t.Errorf("%d members", tab.Members)
	}
	ord := 0
	for _, p := range tab.Pools {
		for i := range p.Members {
			m := &p.Members[i]
			if m.Ord != ord || p.Index(m) != i || m.Live == nil {
				t.Errorf("pool %s, member %d: %+v", p.Name, i, m)
			}
			ord++
		}
		if p.Live == nil {
			t.Errorf("pool %s has no numbers", p.Name)
		}
	}
	if tab.Pools[0].SameWeights() || !tab.Pools[2].SameWeights() || tab.Pools[0].MinWeight() != 1 {
		t.Error("weights were not summed up")
	}
}

func TestStridesAreExact(t *testing.T) {
	for _, c := range []struct {
		weights []uint32
		exact   bool
	}{
		{[]uint32{1}, true},
		{[]uint32{1, 2, 5}, true},
		{[]uint32{29, 31, 37, 41, 43, 47}, true},
		{[]uint32{100, 99, 98, 97, 95}, true},
		{[]uint32{1<<32 - 1, 1}, true},
		{[]uint32{1<<32 - 1, 1<<32 - 2, 1}, false},
	} {
		p := &Pool{Name: "app"}
		for i, w := range c.weights {
			p.Members = append(p.Members, Member{Name: fmt.Sprint(i), Weight: w})
		}
		if err := p.Seal(); err != nil {
			t.Fatal(err)
		}
		first := p.Members[0].Stride * int64(c.weights[0])
		same := first > VirtualUnit/2 && first <= VirtualUnit
		for i, w := range c.weights {
			stride := p.Members[i].Stride
			same = same && stride*int64(w) == first
			if stride < 1 {
				t.Errorf("weights %v: stride %d", c.weights, stride)
			}
		}
		if same != c.exact {
			t.Errorf("weights %v: exact is %v", c.weights, same)
		}
	}
}

func TestByRoute(t *testing.T) {
	p := &Pool{Name: "app", Members: []Member{
		{Name: "a", Weight: 1, Route: "r1"},
		{Name: "b", Weight: 1},
		{Name: "c", Weight: 1},
	}}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	name := func(route string) string {
		if m := p.ByRoute([]byte(route)); m != nil {
			return m.Name
		}
		return "none"
	}
	if got := name("r1") + name("r2") + name(""); got != "anonenone" {
		t.Errorf("before learning: %s", got)
	}
	now := int64(100)
	learn := func(i int, route string) { now--; p.Members[i].Live.Saw([]byte(route), now) }
	learn(2, "r2")
	learn(1, "r1") // taken by a configured member, which keeps it
	learn(0, "r9") // a configured route is not overruled
	if got := name("r2") + name("r1") + name("r9"); got != "canone" {
		t.Errorf("after learning: %s", got)
	}
	if m := p.ByRouteName("r1"); m != &p.Members[0] {
		t.Errorf("by name: %v", m)
	}
	if m := p.ByRouteName("r2"); m != nil {
		t.Errorf("a learned route by name: %v", m)
	}
}

func TestTiers(t *testing.T) {
	p := &Pool{Name: "app", Members: []Member{
		{Name: "0", Weight: 1, Distance: 5, Role: Standby},
		{Name: "1", Weight: 1, Distance: 2},
		{Name: "2", Weight: 1, Distance: 1, Role: Spare},
		{Name: "3", Weight: 1, Distance: 1},
		{Name: "4", Weight: 1, Role: Standby},
		{Name: "5", Weight: 1, Distance: 1},
	}}
	for range 2 { // sealing again gives the same
		if err := p.Seal(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.Tiers(), p.Standbys()); got != "[{1 [3 5] [2]} {2 [1] []}] [4 0]" {
			t.Errorf("tiers %s", got)
		}
	}
}

// The hash ties keys to members over restarts and machines, so it may never
// change.
func TestHashIsFixed(t *testing.T) {
	if got := HashString("tomcat1"); got != HashBytes([]byte("tomcat1")) {
		t.Error("string and bytes differ")
	}
	if got := fmt.Sprintf("%016x %016x", HashString(""), HashString("tomcat1")); got != "efd01f60ba992926 319a1c2aee8ef3b0" {
		t.Errorf("hashes %s", got)
	}
}
