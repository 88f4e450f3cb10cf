package conformance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// TestRequests plays every case of the tables in front of both kinds of member.
func TestRequests(t *testing.T) {
	files, err := filepath.Glob("testdata/requests/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []*script
	for _, file := range files {
		list = append(list, readScripts(t, file)...)
	}
	if len(list) < 120 {
		t.Fatalf("%d cases, want at least 120", len(list))
	}
	for _, kind := range []string{"ajp", "http"} {
		t.Run(kind, func(t *testing.T) {
			for _, s := range list {
				if e := s.want[kind]; e != nil {
					t.Run(fmt.Sprintf("%s:%d", filepath.Base(s.file), s.line), func(t *testing.T) {
						s.play(t, kind, e)
						if t.Failed() {
							t.Logf("%s:%d: %s", s.file, s.line, s.name)
						}
					})
				}
			}
		})
	}
}

// start sets up a member of the kind and an engine in front of it.
func (s *script) start(t *testing.T, kind string) (m member, live *meter.Member, addr string) {
	scheme := table.AJP
	if kind == "ajp" {
		m = newAJPMember(t)
	} else {
		m, scheme = newHTTPMember(t, nil), table.HTTP
	}
	pool := newPool(enginetest.Member("tomcat1", scheme, m.addr()))
	tab := enginetest.Table(t, pool)
	limits := enginetest.Limits
	for _, o := range s.with {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "append":
			pool.Forwarded = table.Append
		case "off":
			pool.Forwarded = table.Keep
		case "trust":
			tab.Trust = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		case "prefix": // only this path is routed
			tab.Routes[0].Pattern = table.Pattern{Kind: table.Prefix, Literal: value}
		case "unmount":
			tab.Routes[0].Unmount = append(tab.Routes[0].Unmount, table.Pattern{Kind: table.Prefix, Literal: value})
		case "unmountsuffix":
			tab.Routes[0].Unmount = append(tab.Routes[0].Unmount, table.Pattern{Kind: table.Suffix, Literal: value})
		case "host":
			tab.Routes[0].Host = value
		case "body":
			tab.Limits.BodySize, _ = strconv.ParseInt(value, 10, 64)
		case "websocket":
			pool.Members[0].Upgrade = &table.Target{Scheme: table.HTTP, Addr: m.addr(), Host: m.addr()}
		case "short":
			limits.HeaderTimeout, limits.BodyTimeout = 500*time.Millisecond, 500*time.Millisecond
		default:
			t.Fatalf("line %d: unknown option %q", s.line, o)
		}
	}
	if err := tab.Seal(); err != nil {
		t.Fatal(err)
	}
	_, addr = enginetest.StartWith(t, tab, limits)
	return m, pool.Members[0].Live, addr
}

func (s *script) play(t *testing.T, kind string, e *expectation) {
	m, live, addr := s.start(t, kind)
	_, port, _ := net.SplitHostPort(addr)
	c := dial(t, addr)
	for i, st := range s.steps {
		switch st.verb {
		case "":
			c.send(st.bytes)
		case "split":
			if i == 0 {
				t.Fatalf("line %d: nothing to split", s.line)
			}
			// TCP_NODELAY makes every write a segment of its own.
		case "await":
			r, err := c.read(false)
			if err != nil || r.status > 199 {
				t.Fatalf("await an interim answer: %+v, %v", r, err)
			}
			c.held = append(c.held, r)
		case "awaitmember":
			if !m.await(1) {
				t.Fatal("the member has seen nothing")
			}
		case "fin":
			_ = c.c.CloseWrite()
		default:
			t.Fatalf("line %d: unknown step %q", s.line, st.verb)
		}
	}
	last := s.answers(t, c, e)
	for _, k := range e.answer {
		k.text = strings.ReplaceAll(k.text, "$PORT", port)
		k.answer(t, last)
	}
	extra := s.finish(t, c, e)
	s.compare(t, m, e, port, extra)
	for i := range live.Faults {
		if n := live.Faults[i].Load(); n > 0 {
			t.Errorf("the member is blamed for what the client did: %d times %s", n, meter.FaultKind(i))
		}
	}
}

// answers reads the expected answers and returns the last one.
func (s *script) answers(t *testing.T, c *client, e *expectation) (last *reply) {
	for i, w := range e.answers {
		code, isHead := strings.CutSuffix(w, "/head")
		r, err := c.read(isHead)
		if e.end == "abort" && i == len(e.answers)-1 {
			if !errors.Is(err, errBroken) {
				t.Fatalf("answer %d: %+v, %v, want it broken off", i+1, r, err)
			}
			return r
		}
		if err != nil {
			t.Fatalf("answer %d of %d: %+v, %v", i+1, len(e.answers), r, err)
		}
		if strconv.Itoa(r.status) != code {
			t.Fatalf("answer %d: status %d, want %s (%q, %q)", i+1, r.status, code, r.fields, r.body)
		}
		if r.status >= 400 && len(r.all("Catherd-Reason")) != 1 && len(r.all("X-Request-Id")) != 1 {
			t.Errorf("answer %d: no reason is given: %q", i+1, r.fields)
		}
		last = r
	}
	return last
}

// finish checks what becomes of the connection. A kept one must carry one more
// request; extra tells how many the member has seen because of that.
func (s *script) finish(t *testing.T, c *client, e *expectation) (extra int) {
	switch e.end {
	case "keep":
		c.send("GET /sentinel HTTP/1.1\r\nHost: a\r\nX-Request-Id: sentinel\r\n\r\n")
		r, err := c.read(false)
		if err != nil {
			t.Fatalf("the connection does not carry another request: %v", err)
		}
		if id := r.get("X-Request-Id"); r.status == 404 && len(s.with) > 0 {
			return 0 // a case with routes of its own
		} else if r.status != 200 || id != "sentinel" {
			t.Fatalf("the next request got status %d, id %q", r.status, id)
		}
		return 1
	case "close":
		if got := c.end(); got != "close" {
			t.Errorf("connection end: %s, want close", got)
		}
	case "abort":
	default:
		t.Fatalf("line %d: unknown end %q", e.line, e.end)
	}
	return 0
}

// compare holds the member's ledger against what it should have seen.
func (s *script) compare(t *testing.T, m member, e *expectation, port string, extra int) {
	want := len(e.reqs) + extra
	giveUp := time.AfterFunc(15*time.Second, m.close)
	if want > 0 && !m.await(want) {
		t.Fatalf("the member saw fewer than %d requests", want)
	}
	giveUp.Stop()
	got := m.ledger()
	if len(got) != want {
		t.Errorf("the member saw %d requests, want %d: %+v", len(got), want, got)
		return
	}
	for i, w := range e.reqs {
		g := &got[i]
		if g.method != w.method || g.target != w.target {
			t.Errorf("line %d: the member saw %q %q", w.line, g.method, g.target)
		}
		if w.broken && g.whole {
			t.Errorf("line %d: the member got a whole body", w.line)
		}
		for _, k := range w.checks {
			k.text = strings.ReplaceAll(k.text, "$PORT", port)
			k.request(t, g)
		}
	}
}

// request applies the check to a request that a member saw.
func (k check) request(t *testing.T, s *seen) {
	switch k.sign {
	case "+", "-":
		k.fields(t, s.all)
	case "=":
		want := unquote(t, k.text, k.line)
		if s.digest != digest([]byte(want)) {
			t.Errorf("line %d: the member got another body (whole: %v)", k.line, s.whole)
		}
	case "~":
		k.tail(t, s.tail)
	}
}

// answer applies the check to an answer that the client got.
func (k check) answer(t *testing.T, r *reply) {
	if r == nil {
		t.Errorf("line %d: there is no answer to check", k.line)
		return
	}
	switch k.sign {
	case "+", "-":
		k.fields(t, r.all)
	case "=":
		want := ""
		if size, ok := strings.CutPrefix(k.text, "pattern "); ok {
			n, _ := strconv.Atoi(size)
			b := make([]byte, n)
			ajptest.Pattern(b, 0)
			want = string(b)
		} else {
			want = unquote(t, k.text, k.line)
		}
		if string(r.body) != want {
			t.Errorf("line %d: the client got the body %.80q", k.line, r.body)
		}
	case "~":
		k.tail(t, r.tail)
	}
}

func (k check) fields(t *testing.T, all func(string) []string) {
	name, want, _ := strings.Cut(k.text, ":")
	want = strings.TrimPrefix(want, " ")
	if strings.Contains(want, `\x`) {
		want = unquote(t, want, k.line)
	}
	got := strings.Join(all(name), " | ")
	if k.sign == "-" && len(all(name)) > 0 || k.sign == "+" && (got != want || len(all(name)) == 0) {
		t.Errorf("line %d: %s is %q", k.line, name, got)
	}
}

func (k check) tail(t *testing.T, tail [][2]string) {
	var got []string
	for _, f := range tail {
		got = append(got, f[0]+": "+f[1])
	}
	if strings.Join(got, " | ") != k.text {
		t.Errorf("line %d: the trailer is %q", k.line, got)
	}
}
