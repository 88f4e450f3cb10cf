package table

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the code answers into testdata")

// tableOf builds a table of lines "host pattern pool unmount...".
func tableOf(t testing.TB, lines ...string) *Table {
	t.Helper()
	tab := &Table{}
	for _, line := range lines {
		f := strings.Fields(line)
		r := Route{Host: strings.TrimPrefix(f[0], "*"), Pool: &Pool{Name: f[2]}}
		for i, s := range append([]string{f[1]}, f[3:]...) {
			p, err := ParsePattern(s)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				r.Pattern = p
			} else {
				r.Unmount = append(r.Unmount, p)
			}
		}
		tab.Routes = append(tab.Routes, r)
	}
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	return tab
}

func poolName(r *Route) string {
	if r == nil {
		return "none"
	}
	return r.Pool.Name
}

func TestMatchScenarios(t *testing.T) {
	const file = "testdata/match.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	var tab *Table
	name := ""
	lines := strings.Split(string(data), "\n")
	asked := 0
	for i, line := range lines {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "table":
			name, routes, tab = line, nil, nil
		case f[0] == "route":
			routes = append(routes, strings.TrimPrefix(line, "route "))
		case f[0] == "ask":
			if tab == nil {
				tab = tableOf(t, routes...)
			}
			asked++
			host := strings.TrimPrefix(f[1], "-")
			got := fmt.Sprintf("ask %s %s => %s", f[1], f[2], poolName(tab.Match([]byte(host), []byte(f[2]))))
			if naive := poolName(naiveMatch(tab, host, f[2])); !strings.HasSuffix(got, " "+naive) {
				t.Errorf("%s, %s: the plain search says %s", name, got, naive)
			}
			if got != line && !*rewrite {
				t.Errorf("%s:%d: %s\n got  %s\n want %s", file, i+1, name, got, line)
			}
			lines[i] = got
		default:
			t.Fatalf("%s:%d: %q is no line of a scenario", file, i+1, line)
		}
	}
	if asked == 0 {
		t.Fatal("the file asks nothing")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// naiveMatch says the rules again, without index: it ranks every route that
// matches, and the first of the best rank wins.
func naiveMatch(t *Table, host, path string) *Route {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if len(host) > 255 {
		host = ""
	}
	var best *Route
	var bestRank [3]int
	for i := range t.Routes {
		r := &t.Routes[i]
		want := strings.ToLower(r.Host)
		var rank [3]int // host, path, kind
		switch {
		case want == "":
			rank[0] = 0
		case want[0] == '.':
			if !strings.HasSuffix(host, want) || len(host) == len(want) {
				continue
			}
			rank[0] = len(want)
		default:
			if host != want {
				continue
			}
			rank[0] = 1000
		}
		if !naiveMatches(r.Pattern, path) {
			continue
		}
		given := false
		for _, u := range r.Unmount {
			given = given || naiveMatches(u, path)
		}
		if given {
			continue
		}
		switch r.Pattern.Kind {
		case Exact:
			rank[1] = 1 << 30
		case Prefix:
			rank[1], rank[2] = len(strings.TrimRight(r.Pattern.Literal, "/")), 1
		case Suffix:
			rank[1] = len(r.Pattern.Literal)
		}
		better := best == nil
		for k := range rank {
			if !better && rank[k] != bestRank[k] {
				better = rank[k] > bestRank[k]
				break
			}
		}
		if better {
			best, bestRank = r, rank
		}
	}
	return best
}

func naiveMatches(p Pattern, path string) bool {
	switch p.Kind {
	case Exact:
		return path == p.Literal
	case Suffix:
		return strings.HasSuffix(path, p.Literal)
	}
	l := strings.TrimRight(p.Literal, "/")
	return path == l || strings.HasPrefix(path, l+"/")
}

// FuzzMatch compares the index with the plain search on random tables.
func FuzzMatch(f *testing.F) {
	f.Add(uint64(1), "www.example.org", "/a/b/c.jsp")
	f.Add(uint64(2), "B.ORG.", "/a.b/")
	f.Add(uint64(3), "", "*")
	f.Add(uint64(4), "..", "//..//")
	f.Add(uint64(5), strings.Repeat("x.", 200)+"b.org", strings.Repeat("/a", 300))
	f.Fuzz(func(t *testing.T, seed uint64, host, path string) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		tab := randomTable(rnd, 1+rnd.IntN(40))
		if err := tab.Seal(); err != nil {
			t.Fatal(err)
		}
		ask := func(host, path string) {
			got, want := tab.Match([]byte(host), []byte(path)), naiveMatch(tab, host, path)
			if got != want {
				t.Errorf("%q %q: index says %s, plain search %s, routes %v", host, path, poolName(got), poolName(want), tab.Routes)
			}
		}
		// The fuzzer's own request is rarely near a route, so some are made up.
		ask(host, path)
		for range 20 {
			ask(randomHost(rnd), randomPath(rnd))
		}
	})
}

func randomTable(rnd *rand.Rand, n int) *Table {
	tab := &Table{}
	for i := range n {
		r := Route{Pattern: randomPattern(rnd), Pool: &Pool{Name: fmt.Sprint("p", i)}}
		switch rnd.IntN(3) {
		case 0:
			r.Host = randomHost(rnd)
		case 1:
			r.Host = "." + randomHost(rnd)
		}
		for range rnd.IntN(3) {
			r.Unmount = append(r.Unmount, randomPattern(rnd))
		}
		tab.Routes = append(tab.Routes, r)
	}
	return tab
}

func randomPattern(rnd *rand.Rand) Pattern {
	switch rnd.IntN(4) {
	case 0:
		return Pattern{Kind: Suffix, Literal: "." + pick(rnd, "a", "b", "a.b", "bb")}
	case 1:
		return Pattern{Kind: Exact, Literal: randomPath(rnd)}
	}
	p := randomPath(rnd)
	return Pattern{Kind: Prefix, Literal: trimPrefix(p)}
}

func randomPath(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(5) {
		b.WriteString("/" + pick(rnd, "a", "b", "ab", "a.b", "a.a.b", ".bb"))
	}
	if b.Len() == 0 || rnd.IntN(3) == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

func randomHost(rnd *rand.Rand) string {
	var labels []string
	for range 1 + rnd.IntN(4) {
		labels = append(labels, pick(rnd, "a", "b", "B", "ab"))
	}
	return strings.Join(labels, ".")
}

func pick(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

// A path of many segments must not cost more than the longest pattern.
func TestMatchOfALongPathStopsAtTheLongestPattern(t *testing.T) {
	tab := tableOf(t, "* /a/a/ aa", "* *.jsp jsp")
	path := bytes.Repeat([]byte("/a"), 4000)
	if got := poolName(tab.Match(nil, path)); got != "aa" {
		t.Errorf("got %s", got)
	}
	if got := poolName(tab.Match(nil, append(path, "..........................jsp"...))); got != "aa" {
		t.Errorf("got %s", got)
	}
	if got := poolName(tab.Match(bytes.Repeat([]byte("a"), 300), []byte("/x.jsp"))); got != "jsp" {
		t.Errorf("a host that is too long: got %s", got)
	}
}

func TestUnsealedTableMatchesNothing(t *testing.T) {
	tab := &Table{Routes: []Route{{Pattern: Pattern{Kind: Prefix, Literal: "/"}, Pool: &Pool{}}}}
	if r := tab.Match([]byte("x"), []byte("/")); r != nil {
		t.Errorf("got %v", r)
	}
}

func manyRoutes() *Table {
	tab := &Table{}
	pool := &Pool{Name: "p"}
	for i := range 10_000 {
		r := Route{Pool: pool, Pattern: Pattern{Kind: Prefix, Literal: fmt.Sprintf("/app%d/module", i%100)}}
		switch {
		case i%4 == 0:
			r.Host = fmt.Sprintf(".zone%d.example.org", i/100)
		case i%10 == 9:
			r.Pattern = Pattern{Kind: Suffix, Literal: fmt.Sprintf(".do%d", i)}
		default:
			r.Host = fmt.Sprintf("host%d.example.org", i/100)
		}
		tab.Routes = append(tab.Routes, r)
	}
	return tab
}

func BenchmarkMatch(b *testing.B) {
	host, path := []byte("Host42.example.org"), []byte("/app41/module/catalog/item.jsp")
	b.Run("routes=2", func(b *testing.B) {
		tab := tableOf(b, "* / a", "* /app41/ b")
		for b.Loop() {
			if tab.Match(host, path) == nil {
				b.Fatal("no route")
			}
		}
	})
	b.Run("routes=10000", func(b *testing.B) {
		tab := manyRoutes()
		if err := tab.Seal(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if tab.Match(host, path) == nil {
				b.Fatal("no route")
			}
		}
	})
	b.Run("routes=10000/none", func(b *testing.B) {
		tab := manyRoutes()
		if err := tab.Seal(); err != nil {
			b.Fatal(err)
		}
		none := []byte("/nowhere/to/go.html")
		for b.Loop() {
			if tab.Match(host, none) != nil {
				b.Fatal("a route")
			}
		}
	})
}
