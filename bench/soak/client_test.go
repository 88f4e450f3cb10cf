package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/catherd/catherd/bench/tomcat"
)

// liar is a server that answers every request head with what reply makes of its id, and
// closes the connection when the answer ends in "!".
func liar(t *testing.T, reply func(id string) string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() { // ends when the listener is closed
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serveLies(c, reply)
		}
	}()
	return l.Addr().String()
}

func serveLies(c net.Conn, reply func(string) string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body) // the client notices what is wrong
		text, closing := strings.CutSuffix(reply(r.Header.Get("X-Request-Id")), "!")
		if io.WriteString(c, text); closing {
			return
		}
	}
}

// TestClientNotices runs whole requests against a server that lies, to see that what the
// client makes of them is judged as it should be.
func TestClientNotices(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ask := func(tk task, reply func(id string) string) (verdict, string, *book) {
		w := newWorker(1, liar(t, reply), 0, newBook())
		defer w.client.close()
		v, text := verdictOf(w, tk)
		return v, text, w.book
	}
	f := func(tk task, reply func(id string) string, want verdict, words string) {
		t.Helper()
		if got, text, _ := ask(tk, reply); got != want || !strings.Contains(text, words) {
			t.Errorf("got %d %q, want %d with %q", got, text, want, words)
		}
	}
	head := "HTTP/1.1 200 OK\r\nX-Node: tomcat1\r\nX-Request-Id: %s\r\n"
	pattern := func(n int64) string {
		var b strings.Builder
		tomcat.WritePattern(&b, n)
		return b.String()
	}
	get := func() task { return download(random, "id1", 1000, 0) }
	length := func(text string) func(string) string {
		return func(id string) string {
			return fmt.Sprintf(head+"Content-Length: %d\r\n\r\n%s", id, len(text), text)
		}
	}
	f(get(), length(pattern(1000)), fine, "")
	f(get(), length(pattern(999)), violated, "999 bytes that look complete")
	f(get(), length(pattern(1001)), violated, "1001 bytes that look complete")
	f(get(), length(pattern(500)+pattern(500)), violated, "have the digest")
	f(get(), func(string) string { return length(pattern(1000))("id2") }, violated, `the id "id2"`)
	f(get(), func(id string) string { return length(pattern(1000))(id) + "x" }, violated, "1 bytes follow")
	// No length and no chunks: the end of the connection looks like the end of the body.
	f(get(), func(id string) string { return fmt.Sprintf(head+"\r\n%s!", id, pattern(999)) }, violated, "look complete")
	f(get(), func(id string) string {
		return fmt.Sprintf(head+"Content-Length: 1000\r\n\r\n%s!", id, pattern(999))
	}, violated, "broke off after 999 bytes although tomcat1 was not killed")
	f(get(), func(id string) string {
		return fmt.Sprintf(head+"Transfer-Encoding: chunked\r\n\r\n3e8\r\n%s\r\n!", id, pattern(1000))
	}, violated, "broke off after 1000 bytes")
	f(get(), func(string) string { return "!" }, violated, "before its first byte")
	f(get(), func(string) string { return "HTTP/1.1 20!" }, violated, "head of the answer is broken")
	f(send(random, "id1", 5000, 0), func(id string) string {
		return length("length=5000 sha256=00 node=tomcat1\n")(id)
	}, violated, "wrong body")
	f(headOnly(random, "id1"), length("body"), violated, "")
}

// verdictOf makes one request of w and judges it.
func verdictOf(w *worker, tk task) (verdict, string) {
	b := newBody()
	r, header := w.client.do(&tk.request, b)
	if r.head && r.status == http.StatusOK {
		r.wrong = tk.wrong(&r, header, b)
	}
	return judge(&r, nil)
}

// TestHonest makes every kind of request of a server that behaves.
func TestHonest(t *testing.T) {
	s, err := tomcat.Start(tomcat.Options{Route: "tomcat1", HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := newBook()
	w := newWorker(1, s.HTTPAddr(), 0, b)
	defer w.client.close()
	for n := range 400 {
		w.once(fmt.Sprintf("id-%d", n))
	}
	l := b.look()
	if l.violations > 0 || l.counts[fine] < 300 || l.counts[left] == 0 || l.counts[fine]+l.counts[left] != 400 {
		t.Errorf("%v %q", l.counts, l.texts)
	}
	if w.client.dials > 1+l.counts[left] {
		t.Errorf("%d connections made, %d were left", w.client.dials, l.counts[left])
	}
	if bad := audit(b.posts.copy(), map[string][]string{"tomcat1": s.Ledger()}, true); len(bad) > 0 {
		t.Errorf("ledger: %q", bad)
	}
}
