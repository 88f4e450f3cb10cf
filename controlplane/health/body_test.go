package health

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

// pages are the answers of a member, by path.
var pages = map[string]struct {
	status int
	body   string
}{
	"/up":     {200, `{"status":"UP"}`},
	"/down":   {200, `{"status":"DOWN","why":"` + strings.Repeat("x", 100) + `"}`},
	"/empty":  {204, ""},
	"/broken": {500, "UP"},
	"/edge":   {200, strings.Repeat("-", MaxBody-2) + "UP"},
	"/beyond": {200, strings.Repeat("-", MaxBody-1) + "UP"},
}

// bodies is what both protocols have to say about the same pages.
func bodies(t *testing.T, ask func(*Request) Sample) {
	t.Helper()
	f := func(path, body string, ok bool, text string) {
		t.Helper()
		s := ask(&Request{Path: path, Body: body})
		check(t, s, ok, text)
		if !ok && s.Fail != BadStatus {
			t.Errorf("%s: kind %d", path, s.Fail)
		}
	}
	f("/up", "UP", true, "health request 200")
	f("/up", `~^\{"status":\s*"UP"\}$`, true, "health request 200")
	f("/up", "", true, "health request 200")
	f("/down", "UP", false, `health request 200, but its body has no "UP"; it begins with "{\"status\":\"DOWN\",\"why\":\"`+strings.Repeat("x", 36)+`"`)
	f("/up", "~DOWN|STARTING", false, `health request 200, but its body does not match "~DOWN|STARTING"; it begins with "{\"status\":\"UP\"}"`)
	f("/empty", "UP", false, `health request 204, but its body has no "UP"; it is empty`)
	f("/broken", "UP", false, "health request got 500, expected 200-399")
	f("/edge", "UP", true, "health request 200")
	f("/beyond", "UP", false, `health request 200, but its body has no "UP"; it begins with "`+strings.Repeat("-", shownBody)+`"`)
	f("/up", "~(", false, `health request 200, but its body cannot match: "~(" is no regular expression`)
}

func TestBodyHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := pages[r.URL.Path]
		w.WriteHeader(p.status)
		_, _ = w.Write([]byte(p.body))
	}))
	defer srv.Close()
	bodies(t, func(r *Request) Sample { return ask(t, table.HTTP, srv.Listener.Addr().String(), r) })
}

// pageAJP is an answer in chunks of that size.
func pageAJP(status int, body string, size int, end bool) []byte {
	b := ajp.AppendSendHeaders(nil, status, "x")
	for len(body) > 0 {
		n := min(size, len(body))
		b, body = ajp.AppendChunk(b, []byte(body[:n])), body[n:]
	}
	if end {
		b = ajp.AppendEnd(b, true)
	}
	return b
}

func TestBodyAJP(t *testing.T) {
	for _, size := range []int{1000, 8000} {
		bodies(t, func(r *Request) Sample {
			p := pages[r.Path]
			return ask(t, table.AJP, tomcat(t, pageAJP(p.status, p.body, size, true)), r)
		})
	}
	// More than is looked at decides without the end.
	s := ask(t, table.AJP, tomcat(t, pageAJP(200, pages["/beyond"].body, 8000, false)), &Request{Path: "/", Body: "-"})
	check(t, s, true, "health request 200")
}

// A body that is expected and has no end is no good answer.
func TestBodyWithoutEnd(t *testing.T) {
	whole := pageAJP(200, "UP", 10, true)
	req := &Request{Path: "/", Body: "UP"}
	for n := range whole {
		addr := serve(t, func(c net.Conn) {
			take(c)
			_, _ = c.Write(ajp.AppendCPong(nil))
			take(c)
			_, _ = c.Write(whole[:n])
		})
		if s := ask(t, table.AJP, addr, req); s.OK {
			t.Errorf("%d of %d bytes were a good answer: %q", n, len(whole), s.Text)
		}
	}
	hold := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "UP")
		w.(http.Flusher).Flush()
		<-hold
	}))
	defer srv.Close()
	defer close(hold)
	set := Settings{Every: 50 * time.Millisecond, Connect: time.Second, Timeout: 50 * time.Millisecond, Request: req}
	s := new(NetProber).Probe(t.Context(), Target{To: table.Target{Scheme: table.HTTP, Addr: srv.Listener.Addr().String()}, Settings: set})
	check(t, s, false, "health request: no answer within 50ms")
	if s.Fail != Late {
		t.Errorf("kind %d", s.Fail)
	}
	// Whose body is of no interest need not be ended.
	set.Request = &Request{Path: "/"}
	s = new(NetProber).Probe(t.Context(), Target{To: table.Target{Scheme: table.HTTP, Addr: srv.Listener.Addr().String()}, Settings: set})
	check(t, s, true, "health request 200")
}
