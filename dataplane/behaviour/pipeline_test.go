package behaviour

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// echoing answers with the id and the length of the body.
func echoing(c conn) {
	for {
		r, ok := c.next()
		if !ok {
			return
		}
		c.answer(200, fmt.Sprintf("%s %s %d", r.method, r.id, len(r.body)))
	}
}

// A stream of requests may be cut into segments anywhere: every request is
// answered once, in order.
func TestPipelineCutAnywhere(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		stream := "\r\n" + head("GET", "1", 0) + head("POST", "2", 5) + "hello" + "\r\n\r\n" + head("GET", "3", 0) +
			"POST /app HTTP/1.1\r\nHost: a\r\nX-Request-Id: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
			head("HEAD", "5", 0) + head("GET", "6", 0)
		check := func(c *client, how string) {
			t.Helper()
			for i, want := range []string{"GET 1 0", "POST 2 5", "GET 3 0", "POST 4 3", "", "GET 6 0"} {
				method := "GET"
				if want == "" {
					method = "HEAD"
				}
				r, err := c.recv(method)
				if err != nil || r.status != 200 || r.body != want {
					t.Fatalf("%s, answer %d: %d %q, %v", how, i+1, r.status, r.body, err)
				}
			}
		}
		for at := 1; at < len(stream); at += 1 + at%3 {
			c := dial(t, addr)
			_ = c.c.SetNoDelay(true)
			c.send(stream[:at])
			c.send(stream[at:])
			check(c, fmt.Sprint("cut at ", at))
			_ = c.c.Close()
		}
		c := dial(t, addr)
		for i := range stream { // a segment for each byte
			c.send(stream[i : i+1])
		}
		check(c, "byte by byte")
	})
}

// Empty lines in front of a head that is not whole must not be taken for the
// end of one.
func TestEmptyLinesBeforeAPartOfAHead(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		for n := 1; n <= 6; n++ {
			c := dial(t, addr)
			h := head("GET", "1", 0)
			c.send(strings.Repeat("\r\n", n) + h[:10])
			until(t, "the first part was read", func() bool { return unsent(t, c.c) == 0 })
			c.send(h[10:])
			if r := c.get("GET"); n <= 4 && r.status != 200 {
				t.Errorf("%d empty lines: %d", n, r.status)
			}
		}
	})
}

// The next request arrives exactly while the answer to the last one is written:
// the client sends it as soon as it sees the first byte.
func TestRequestArrivesDuringTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		big := strings.Repeat("x", 300<<10)
		m := start(func(c conn) {
			for {
				r, ok := c.next()
				if !ok {
					return
				}
				c.begin(len(r.id) + len(big))
				c.piece(r.id)
				for i := 0; i < len(big); i += 5000 {
					c.piece(big[i:min(i+5000, len(big))])
				}
				c.end()
			}
		})
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		c := dial(t, addr)
		c.send(head("GET", "id0000", 0))
		for i := range 100 {
			if _, err := c.br.Peek(1); err != nil {
				t.Fatal(err)
			}
			c.send(head("GET", fmt.Sprintf("id%04d", i+1), 0))
			if r := c.get("GET"); !strings.HasPrefix(r.body, fmt.Sprintf("id%04d", i)) {
				t.Fatalf("answer %d is %q", i, r.body[:6])
			}
		}
	})
}

// Reads that fill the 16 KiB buffer to the last byte, and what lies behind.
func TestPipelineOfFullBuffers(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		one := len(head("GET", "0000", 0, "X-Pad: "))
		for _, size := range []int{64, 127, 128, 1024, 4096, 5461} { // one request; most divide 16384
			if size < one {
				size = 128
			}
			c := dial(t, addr)
			const n = 400
			var wg sync.WaitGroup
			wg.Go(func() {
				var b strings.Builder
				for i := range n {
					b.WriteString(head("GET", fmt.Sprintf("%04d", i), 0, "X-Pad: "+strings.Repeat("p", size-one)))
				}
				_, _ = io.WriteString(c.c, b.String())
			})
			for i := range n {
				if r := c.get("GET"); r.body != fmt.Sprintf("GET %04d 0", i) {
					t.Fatalf("size %d: answer %d is %d %q", size, i, r.status, r.body)
				}
			}
			wg.Wait()
			_ = c.c.Close()
		}
	})
}

// Bodies around the sizes of the buffers and of an AJP packet, pipelined.
func TestBodySizes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		c := dial(t, addr)
		sizes := []int{0, 1, 2047, 2048, 2049, 8185, 8186, 8187, 12000, 16383, 16384, 16385, 65535, 65536, 70000, 200000}
		var wg sync.WaitGroup
		wg.Go(func() {
			for i, n := range sizes {
				_, _ = io.WriteString(c.c, head("POST", fmt.Sprint(i), n)+strings.Repeat("b", n))
			}
			for i, n := range sizes {
				_, _ = io.WriteString(c.c, strings.Replace(head("PUT", fmt.Sprint(i), 1), "Content-Length: 1", "Transfer-Encoding: chunked", 1))
				if n > 0 {
					_, _ = fmt.Fprintf(c.c, "%x\r\n%s\r\n", n, strings.Repeat("c", n))
				}
				_, _ = io.WriteString(c.c, "0\r\n\r\n")
			}
		})
		for _, method := range []string{"POST", "PUT"} {
			for i, n := range sizes {
				r := c.get(method)
				if r.status == 411 {
					t.Fatal(r.body)
				}
				if want := fmt.Sprintf("%s %d %d", method, i, n); r.body != want {
					t.Fatalf("got %d %q, want %q", r.status, r.body, want)
				}
			}
		}
		wg.Wait()
	})
}

// A member may answer at the moment it has the whole body, before the goroutine
// that carried it has ended. The connection must stay good for the next upload.
func TestUploadsOneAfterTheOther(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		body := strings.Repeat("b", 20000)
		var wg sync.WaitGroup
		for w := range 4 {
			c := dial(t, addr)
			wg.Go(func() {
				for i := range 200 {
					id := fmt.Sprintf("%d-%d", w, i)
					if _, err := io.WriteString(c.c, head("POST", id, len(body))+body); err != nil {
						t.Error(err)
						return
					}
					r, err := c.recv("POST")
					if err != nil || r.body != fmt.Sprintf("POST %s %d", id, len(body)) {
						t.Errorf("%s: %d %q %v", id, r.status, r.body, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// A client that sends its request and the end of its stream together is
// answered, and the connection ends without waiting for a time-out.
func TestHalfClose(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(echoing)
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		for i := range 5 {
			c := dial(t, addr)
			cork(t, c.c)
			c.send(head("POST", fmt.Sprint(i), 3) + "abc")
			_ = c.c.CloseWrite()
			if r := c.get("POST"); r.body != fmt.Sprintf("POST %d 3", i) {
				t.Errorf("%d %q", r.status, r.body)
			}
			if !c.ended() {
				t.Error("the connection was left open")
			}
		}
	})
}
