package sticky

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

var rewrite = flag.Bool("rewrite", false, "write what the code answers into testdata")

// newYear is when the scenarios of cookies that end take place, to the second.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// poolOf reads members such as "a:t1 b:t2:nothing".
func poolOf(t testing.TB, spec string) *table.Pool {
	t.Helper()
	p := &table.Pool{Name: "app", Sticky: table.Sticky{Cookies: []string{"JSESSIONID"}, PathParams: []string{"jsessionid"}}}
	for _, f := range strings.Fields(spec) {
		part := append(strings.Split(f, ":"), "", "")
		m := table.Member{Name: part[0], Route: part[1], Weight: 1}
		switch part[2] {
		case "nothing":
			m.Take = table.Nothing
		case "sessions":
			m.Take = table.OnlySessions
		}
		p.Members = append(p.Members, m)
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// request splits "[field] [field] /path".
func request(line string) (cookies [][]byte, path []byte) {
	for strings.HasPrefix(line, "[") {
		field, rest, _ := strings.Cut(line[1:], "]")
		cookies = append(cookies, []byte(field))
		line = strings.TrimPrefix(rest, " ")
	}
	return cookies, []byte(line)
}

func TestFindScenarios(t *testing.T) {
	const file = "testdata/find.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var p *table.Pool
	lines := strings.Split(string(data), "\n")
	asked := 0
	for i, line := range lines {
		input, _, _ := strings.Cut(line, " =>")
		word, arg, _ := strings.Cut(input, " ")
		got := line
		switch word {
		case "", "#":
		case "case":
			_, spec, _ := strings.Cut(arg, "|")
			p = poolOf(t, spec)
		case "names":
			p.Sticky.Cookies = strings.Fields(arg)
		case "params":
			p.Sticky.PathParams = strings.Fields(arg)
		case "option":
			p.Sticky.LastDot = arg == "lastdot"
			p.Sticky.Off = arg == "off"
		case "find":
			asked++
			cookies, path := request(arg)
			s, ok := Find(&p.Sticky, p, cookies, path)
			got = input + " => none"
			if ok {
				from := "cookie"
				if s.FromPath {
					from = "path"
				}
				got = fmt.Sprintf("%s => %s id %q route %q", input, from, s.ID, s.Route)
			}
		case "set":
			asked++
			c, ok := ReadSetCookie(&p.Sticky, []byte(arg))
			got = input + " => none"
			if ok {
				got = fmt.Sprintf("%s => id %q route %q", input, c.ID, c.Route)
				if c.Ends(newYear) {
					got += ", ends"
				}
			}
		default:
			t.Fatalf("%s:%d: %q is no line of a scenario", file, i+1, line)
		}
		if got != line && !*rewrite {
			t.Errorf("%s:%d:\n got  %s\n want %s", file, i+1, got, line)
		}
		lines[i] = got
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

func TestFindIsBounded(t *testing.T) {
	p := poolOf(t, "a:t1")
	flood := strings.Repeat("JSESSIONID=X.t9; ", maxCandidates)
	if s, _ := Find(&p.Sticky, p, [][]byte{[]byte(flood + "JSESSIONID=Y.t1")}, nil); string(s.Route) != "t9" {
		t.Errorf("the cookie behind the limit was looked at: %q", s.Route)
	}
	if s, _ := Find(&p.Sticky, p, [][]byte{[]byte(flood[len("JSESSIONID=X.t9; "):] + "JSESSIONID=Y.t1")}, nil); string(s.Route) != "t1" {
		t.Errorf("the last cookie within the limit was not looked at: %q", s.Route)
	}
	path := []byte("/" + strings.Repeat(";jsessionid=X.t9", maxCandidates) + ";jsessionid=Y.t1")
	if s, _ := Find(&p.Sticky, p, nil, path); string(s.Route) != "t9" {
		t.Errorf("the parameter behind the limit was looked at: %q", s.Route)
	}
}

func TestLearnedRouteIsPlausible(t *testing.T) {
	p := poolOf(t, "a:t1")
	for route, want := range map[string]string{
		"tomcat1":                "tomcat1",
		"a-b_c.d":                "a-b_c.d",
		strings.Repeat("r", 128): strings.Repeat("r", 128),
		strings.Repeat("r", 129): "",
		"t\x011":                 "",
		"t\u00e4":                "",
		"t 1":                    "",
	} {
		c, ok := ReadSetCookie(&p.Sticky, []byte("JSESSIONID=X."+route+"; Path=/"))
		if !ok || string(c.ID) != "X" || string(c.Route) != want {
			t.Errorf("%q: id %q, route %q, %v, want %q", route, c.ID, c.Route, ok, want)
		}
	}
}

func TestCookie(t *testing.T) {
	fields := [][]byte{[]byte("a=1; b=2; =3"), []byte(`b=9; c="4"`)}
	for name, want := range map[string]string{"a": "1", "b": "2", "c": "4"} {
		if v, ok := Cookie(fields, name); !ok || string(v) != want {
			t.Errorf("%s: %q, %v", name, v, ok)
		}
	}
	for _, name := range []string{"", "d", "A"} {
		if v, ok := Cookie(fields, name); ok {
			t.Errorf("%q: %q", name, v)
		}
	}
}

func TestCarried(t *testing.T) {
	p := poolOf(t, "a:t1")
	f := func(set, cookie, path string, want bool) {
		t.Helper()
		c, ok := ReadSetCookie(&p.Sticky, []byte(set))
		if got := Carried(&p.Sticky, [][]byte{[]byte("x=y"), []byte(cookie)}, []byte(path), &c); !ok || got != want {
			t.Errorf("%s in %q %q: %v, want %v", set, cookie, path, got, want)
		}
	}
	f("JSESSIONID=X.t1; Path=/", "", "/", false)
	f("JSESSIONID=X.t1; Path=/", "a=b; JSESSIONID=X.t1", "/", true)
	f("JSESSIONID=X.t1; Path=/", `JSESSIONID="X.t1"`, "/", true)
	f("JSESSIONID=X.t1; Path=/", "JSESSIONID=Y.t1; JSESSIONID=X.t1", "/", true)
	f("JSESSIONID=X.t2; Path=/", "JSESSIONID=X.t1", "/", false) // JvmRouteBinderValve: the id moves
	f("JSESSIONID=X.t1; Path=/", "OTHER=X.t1", "/", false)
	f("JSESSIONID=X.t1; Path=/", "", "/a;jsessionid=X.t1/b", true)
	f("JSESSIONID=X.t1; Path=/", "", "/a;v=X.t1;jsessionid=Y.t1", false)
	f("JSESSIONID=X.t1; Path=/", "", "/"+strings.Repeat(";jsessionid=Y", maxCandidates)+";jsessionid=X.t1", false)
}
