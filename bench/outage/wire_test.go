package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/freeport"
)

// server answers every request on a connection with what answer says; "" closes, and
// "silence" waits until the client has left.
func server(t *testing.T, answer func(n int, r *http.Request) string) *lines {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the client
				defer c.Close()
				in := bufio.NewReader(c)
				for n := 0; ; n++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body) // a request that is cut shows at the next
					text := answer(n, r)
					if text == "silence" {
						in.Peek(1)
						return
					}
					if io.WriteString(c, text); text == "" || strings.HasSuffix(text, "cut") {
						return
					}
				}
			}()
		}
	}()
	p := &lines{addr: l.Addr().String()}
	t.Cleanup(p.close)
	return p
}

// whole is an answer of a Tomcat.
func whole(r *http.Request, status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d x\r\nX-Request-Id: %s\r\nX-Node: tomcat1\r\nSet-Cookie: JSESSIONID=S.tomcat1; Path=/\r\nContent-Length: %d\r\n\r\n%s",
		status, r.Header.Get("X-Request-Id"), len(body), body)
}

func TestExchangeFaults(t *testing.T) {
	const counted = "session=S.tomcat1 count=3 node=tomcat1\n"
	for _, c := range []struct {
		kind   kind
		answer func(n int, r *http.Request) string
		fault  string
		begun  bool
	}{
		{counter, func(_ int, r *http.Request) string { return whole(r, 200, counted) }, "", true},
		{page, func(_ int, r *http.Request) string { return whole(r, 200, strings.Repeat("x", pageBytes)) }, "", true},
		{page, func(_ int, r *http.Request) string { return whole(r, 200, "short") }, "wrong body", true},
		{slow, func(_ int, r *http.Request) string { return whole(r, 200, "slow=300 node=tomcat1\n") }, "", true},
		{slow, func(_ int, r *http.Request) string { return whole(r, 200, "slow=300 node=tomcat2\n") }, "wrong body", true},
		{post, func(_ int, r *http.Request) string { return whole(r, 200, "length=100 sha256=ab node=tomcat1\n") }, "", true},
		{post, func(_ int, r *http.Request) string { return whole(r, 200, "length=99 sha256=ab node=tomcat1\n") }, "wrong body", true},
		{counter, func(_ int, r *http.Request) string { return whole(r, 503, "no") }, "status 503", true},
		{counter, func(_ int, r *http.Request) string { return strings.Replace(whole(r, 200, counted), "r1", "r2", 1) }, "answer of another request", true},
		{counter, func(int, *http.Request) string { return "" }, "reset", false},
		{counter, func(int, *http.Request) string { return "HTTP/1.1 200 OK\r\ncut" }, "cut in the answer", true},
		{counter, func(_ int, r *http.Request) string { return whole(r, 200, counted)[:90] + "cut" }, "cut in the answer", true},
		{counter, func(int, *http.Request) string { return "silence" }, "time-out", false},
	} {
		p := server(t, c.answer)
		// Due so long ago that silence is soon too long.
		r := &result{kind: c.kind, id: "r1", due: time.Now().Add(200*time.Millisecond - deadline)}
		if c.fault != "time-out" {
			r.due = time.Now()
		}
		p.exchange(r)
		if r.fault != c.fault || r.begun != c.begun {
			t.Errorf("%s: fault %q, begun %v; want %q, %v", c.kind, r.fault, r.begun, c.fault, c.begun)
		}
		if r.fault == "" && (r.node != "tomcat1" || r.given != "S.tomcat1") {
			t.Errorf("%s: answered by %q with cookie %q", c.kind, r.node, r.given)
		}
		if r.fault == "" && c.kind == counter && (r.session != "S" || r.count != 3) {
			t.Errorf("session %q, count %d", r.session, r.count)
		}
	}
}

// A port on which nobody listens is a fault of its own.
func TestExchangeConnect(t *testing.T) {
	at, err := freeport.Addresses("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &result{kind: page, id: "r1", due: time.Now()}
	(&lines{addr: at[0]}).exchange(r)
	if r.fault != "connect" {
		t.Errorf("fault %q", r.fault)
	}
}

// A connection is used again.
func TestExchangeKeeps(t *testing.T) {
	places := make(chan int, 3)
	p := server(t, func(n int, r *http.Request) string {
		places <- n
		return whole(r, 200, strings.Repeat("x", pageBytes))
	})
	for want := range 3 {
		r := &result{kind: page, id: "r1", due: time.Now()}
		if p.exchange(r); r.fault != "" {
			t.Fatalf("fault %q", r.fault)
		}
		if got := <-places; got != want {
			t.Errorf("request %d came as number %d of its connection", want, got)
		}
	}
}

// A connection whose peer has closed it is not used again.
func TestQuiet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !quiet(c) {
		t.Error("an open connection is not quiet")
	}
	peer.Close()
	if _, err := c.Read(make([]byte, 1)); err != io.EOF { // the end has arrived
		t.Fatal(err)
	}
	if quiet(c) {
		t.Error("a closed connection is quiet")
	}
}
