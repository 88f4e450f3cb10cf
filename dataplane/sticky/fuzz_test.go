package sticky

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// plainFind says the rules of Find again, with slices and copies: it lists
// every candidate and takes the best.
func plainFind(s *table.Sticky, p *table.Pool, cookies [][]byte, path []byte) (id, route string, fromPath, ok bool) {
	best := 0
	try := func(value string, inPath bool) {
		if value == "" {
			return
		}
		cut := func(dot int) (string, string, int) {
			if dot < 0 {
				return value, "", 1
			}
			r := value[dot+1:]
			if r == "" {
				return value[:dot], r, 1
			}
			rank := 2
			if m := p.ByRoute([]byte(r)); m != nil && m.Take == table.Nothing {
				rank = 3
			} else if m != nil {
				rank = 4
			}
			return value[:dot], r, rank
		}
		one, two := strings.Index(value, "."), strings.LastIndex(value, ".")
		if s.LastDot {
			one, two = two, one
		}
		i, r, rank := cut(one)
		if i2, r2, rank2 := cut(two); rank < 3 && rank2 >= 3 {
			i, r, rank = i2, r2, rank2
		}
		// Among path parameters the later one wins a tie, never against a cookie.
		if rank > best || rank == best && inPath && fromPath {
			best, id, route, fromPath = rank, i, r, inPath
		}
	}
	for _, name := range s.Cookies {
		left := maxCandidates
		for _, c := range cookies {
			for _, pair := range strings.Split(string(c), ";") {
				n, v, eq := strings.Cut(pair, "=")
				v = strings.Trim(v, " \t")
				if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
					v = v[1 : len(v)-1]
				}
				if eq && strings.Trim(n, " \t") == name && v != "" && left > 0 {
					left--
					try(v, false)
				}
			}
		}
	}
	left := maxCandidates
	for _, segment := range strings.Split(string(path), "/") {
		for _, param := range strings.Split(segment, ";")[1:] {
			n, v, _ := strings.Cut(param, "=")
			for _, name := range s.PathParams {
				if n == name && v != "" && left > 0 {
					left--
					try(v, true)
				}
			}
		}
	}
	return id, route, fromPath, id != "" || route != ""
}

// FuzzDate reads foreign dates.
func FuzzDate(f *testing.F) {
	for _, seed := range []string{
		"Thu, 01-Jan-1970 00:00:10 GMT", "Thu Jan  1 00:00:10 1970", "Sunday, 06-Nov-94 08:49:37 GMT", "1 1:1:1 feb 2000", "99:99:99 99 dec 9999", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		at, ok := date(b)
		if ok && (at.Year() < 1601 || at.Year() > 9999) {
			t.Errorf("%q is %v", b, at)
		}
		if again, _ := date([]byte(at.Format(time.RFC1123))); ok && !again.Equal(at) {
			t.Errorf("%q is %v, and that is %v", b, at, again)
		}
	})
}

// FuzzFind compares Find with the plain one on foreign bytes.
func FuzzFind(f *testing.F) {
	for _, seed := range []struct{ a, b, path string }{
		{"JSESSIONID=X.t1", "", "/app"},
		{`a=b; JSESSIONID="X.t9" ;JSESSIONID=Y.n.b`, "JSESSIONID=Z.t3", "/;jsessionid=P.t2/x"},
		{"S=.;;S=..;S= \"\"", "=;\x00", ";jsessionid=A.t9;jsessionid=B.t8;jsessionid"},
		{"JSESSIONID=X; S=1.2.t1", "S=\".\"", "//;jsessionid=.;x/;jsessionid==."},
	} {
		f.Add([]byte(seed.a), []byte(seed.b), []byte(seed.path), false)
		f.Add([]byte(seed.a), []byte(seed.b), []byte(seed.path), true)
	}
	p := poolOf(f, "a:t1 b:n.b c:t3:nothing d:t2:sessions e:b")
	f.Fuzz(func(t *testing.T, a, b, path []byte, last bool) {
		s := &table.Sticky{Cookies: []string{"JSESSIONID", "S"}, PathParams: []string{"jsessionid"}, LastDot: last}
		cookies := [][]byte{a, b}
		got, ok := Find(s, p, cookies, path)
		id, route, fromPath, plainOK := plainFind(s, p, cookies, path)
		if ok != plainOK || string(got.ID) != id || string(got.Route) != route || ok && got.FromPath != fromPath {
			t.Errorf("got %q %q %v %v, plain %q %q %v %v", got.ID, got.Route, got.FromPath, ok, id, route, fromPath, plainOK)
		}
		if c, ok := ReadSetCookie(s, a); ok {
			if len(c.Route) > maxRoute || bytes.ContainsAny(c.Route, " \r\n\x00;") {
				t.Errorf("learned %q", c.Route)
			}
			c.Ends(1e18)
			if !Carried(s, cookies, path, &c) {
				t.Errorf("%q does not carry %q", a, c.Value)
			}
		}
	})
}

// Every prefix of a request's fields is read without harm, and only a whole
// route leads to a member.
func TestTruncation(t *testing.T) {
	p := poolOf(t, "a:tomcat1")
	const cookie, path = `x=y; JSESSIONID="0123.tomcat1"`, "/app;jsessionid=0123.tomcat1"
	for n := range len(cookie) - 1 {
		if s, _ := Find(&p.Sticky, p, [][]byte{[]byte(cookie[:n])}, nil); p.ByRoute(s.Route) != nil {
			t.Errorf("%q leads to a member", cookie[:n])
		}
	}
	for n := range len(path) - 1 {
		if s, _ := Find(&p.Sticky, p, nil, []byte(path[:n])); p.ByRoute(s.Route) != nil {
			t.Errorf("%q leads to a member", path[:n])
		}
	}
}

func BenchmarkFind(b *testing.B) {
	p := poolOf(b, "a:tomcat1 b:tomcat2")
	cookies := [][]byte{[]byte("_ga=GA1.2.123456789.1700000000; theme=dark; JSESSIONID=0123456789ABCDEF0123456789ABCDEF.tomcat2; lang=en")}
	path := []byte("/app/cart/item")
	for b.Loop() {
		if _, ok := Find(&p.Sticky, p, cookies, path); !ok {
			b.Fatal("no session")
		}
	}
}
