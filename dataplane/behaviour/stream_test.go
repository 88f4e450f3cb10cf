package behaviour

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// bodySize is large enough that keeping it would show.
const bodySize = 256 << 20

// source gives n bytes that are made as they are read, in words that depend on
// their position, so that nothing can be lost, doubled or swapped unseen.
type source struct{ at, n int64 }

func (s *source) Read(b []byte) (int, error) {
	if s.at == s.n {
		return 0, io.EOF
	}
	k := int(min(int64(len(b)&^7), s.n-s.at))
	for i := 0; i < k; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], uint64(s.at)+uint64(i)*0x9e3779b97f4a7c15)
	}
	s.at += int64(k)
	return k, nil
}

// sum is a digest in words.
func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// generate writes n bytes to w and returns their digest.
func generate(w io.Writer, n int64) (string, error) {
	h := sha256.New()
	src, b := &source{n: n}, make([]byte, 8<<10)
	for {
		k, err := src.Read(b)
		if err == io.EOF {
			return sum(h), nil
		}
		_, _ = h.Write(b[:k])
		if _, err := w.Write(b[:k]); err != nil {
			return "", err
		}
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// flat checks that little more is in use than before; it may be called while
// bodies pass.
func flat(t testing.TB, before int64) {
	t.Helper()
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
}

// collecting is a member that answers an upload with its length and digest and
// a GET with a body of bodySize, whose digest it sends to digests.
func collecting(t *testing.T, kind table.Scheme, digests chan<- string) table.Member {
	if kind == table.AJP {
		srv := ajptest.New(t, func(c *ajptest.Conn) {
			for {
				r, err := c.ReadRequest()
				if err != nil {
					return
				}
				if string(r.Method) == "GET" {
					_ = c.Headers(200, ajp.Field("Content-Length", strconv.Itoa(bodySize)))
					d, err := generate(writerFunc(func(b []byte) error {
						half := len(b) / 2 // a whole piece does not fit a packet
						if err := c.Chunk(b[:half]); err != nil {
							return err
						}
						return c.Chunk(b[half:])
					}), bodySize)
					if err != nil {
						return
					}
					digests <- d
					_ = c.End(true)
					continue
				}
				h, n := sha256.New(), 0
				if err := c.EachBody(r, func(b []byte) { n += len(b); _, _ = h.Write(b) }); err != nil {
					return
				}
				answer := fmt.Sprint(n, " ", sum(h))
				_ = c.Send(ajp.AppendSendHeaders(nil, 200, "", ajp.Field("Content-Length", strconv.Itoa(len(answer)))),
					ajp.AppendChunk(nil, []byte(answer)), ajp.AppendEnd(nil, true))
			}
		})
		return enginetest.Member("a", kind, srv.Addr())
	}
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		br := bufio.NewReader(c)
		for {
			q, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if q.Method == "GET" {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", bodySize)
				d, err := generate(c, bodySize)
				if err != nil {
					return
				}
				digests <- d
				continue
			}
			h := sha256.New()
			n, err := io.Copy(h, q.Body)
			if err != nil {
				return
			}
			answer := fmt.Sprint(n, " ", sum(h))
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		}
	})
	return m.as("a")
}

type writerFunc func([]byte) error

func (f writerFunc) Write(b []byte) (int, error) { return len(b), f(b) }

func bothSchemes(t *testing.T, f func(t *testing.T, kind table.Scheme)) {
	t.Run("ajp", func(t *testing.T) { f(t, table.AJP) })
	t.Run("http", func(t *testing.T) { f(t, table.HTTP) })
}

func TestLargeUpload(t *testing.T) {
	bothSchemes(t, func(t *testing.T, kind table.Scheme) {
		_, addr := run(t, enginetest.Table(t, newPool(collecting(t, kind, nil))))
		for _, size := range []int{bodySize, bodySize / 4} {
			chunked := size < bodySize
			before := heap()
			c := dial(t, addr)
			w := io.Writer(c.c)
			if chunked {
				c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
				w = writerFunc(func(b []byte) error {
					_, err := fmt.Fprintf(c.c, "%x\r\n%s\r\n", len(b), b)
					return err
				})
			} else {
				c.send(head("POST", "1", size))
			}
			sent, checked := 0, false
			digest, err := generate(writerFunc(func(b []byte) error {
				if sent += len(b); sent > size/2 && !checked {
					checked = true
					flat(t, before)
				}
				_, err := w.Write(b)
				return err
			}), int64(size))
			if err != nil {
				t.Fatal(err)
			}
			if chunked {
				c.send("0\r\n\r\n")
			}
			if r := c.get("POST"); r.body != fmt.Sprint(size, " ", digest) {
				t.Errorf("chunked %v: %d %q, sent %s", chunked, r.status, r.body, digest)
			}
			flat(t, before)
			_ = c.c.Close()
		}
	})
}

func TestLargeDownload(t *testing.T) {
	bothSchemes(t, func(t *testing.T, kind table.Scheme) {
		digests := make(chan string, 1)
		_, addr := run(t, enginetest.Table(t, newPool(collecting(t, kind, digests))))
		before := heap()
		c := dial(t, addr)
		c.send(head("GET", "1", 0))
		res, err := http.ReadResponse(c.br, nil)
		if err != nil {
			t.Fatal(err)
		}
		h, got, checked := sha256.New(), 0, false
		n, err := io.Copy(writerFunc(func(b []byte) error {
			if got += len(b); got > bodySize/2 && !checked {
				checked = true
				flat(t, before)
			}
			_, _ = h.Write(b)
			return nil
		}), res.Body)
		if err != nil || n != bodySize {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if want := receive(t, "the digest", digests); sum(h) != want {
			t.Errorf("digest %s, sent %s", sum(h), want)
		}
		flat(t, before)
	})
}

// A member may answer before it has the whole upload, and read no more of it.
func TestEarlyAnswer(t *testing.T) {
	for _, ending := range []string{"stays open", "closes"} {
		web := startTCP(t, func(m *member, _ int, c *net.TCPConn) {
			if _, err := http.ReadRequest(bufio.NewReaderSize(c, 1024)); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 7\r\n\r\ntoo big")
			if ending == "stays open" {
				<-m.stop
			} else {
				_ = c.CloseWrite()
				<-m.stop
			}
		})
		early := ajptest.New(t, func(c *ajptest.Conn) {
			for {
				r, err := c.ReadRequest()
				if err != nil {
					return
				}
				if _, err := c.FirstBody(r); err != nil {
					return
				}
				_ = c.Send(ajp.AppendSendHeaders(nil, 413, "", ajp.Field("Content-Length", "7")),
					ajp.AppendChunk(nil, []byte("too big")), ajp.AppendEnd(nil, true))
			}
		})
		for _, m := range []table.Member{web.as("a"), enginetest.Member("a", table.AJP, early.Addr())} {
			_, addr := run(t, enginetest.Table(t, newPool(m)))
			c := dial(t, addr)
			var wg sync.WaitGroup
			wg.Go(func() { // does not end by itself: the answer ends it
				_, err := io.WriteString(c.c, head("POST", "1", 1<<30))
				for err == nil {
					_, err = io.WriteString(c.c, strings.Repeat("b", 64<<10))
				}
			})
			if r := c.get("POST"); r.status != 413 || r.body != "too big" {
				t.Errorf("%d, %s: %d %q", m.Target.Scheme, ending, r.status, r.body)
			}
			_ = c.c.Close()
			wg.Wait()
			if n := m.Live.FaultsInRow.Load(); n != 0 {
				t.Errorf("%d, %s: counted as %d faults", m.Target.Scheme, ending, n)
			}
		}
	}
}

// A client that waits for a 100 hears the member's refusal instead, and the
// body never travels.
func TestExpectRefused(t *testing.T) {
	for _, status := range []int{417, 401} {
		expects := make(chan string, 1)
		web := startTCP(t, func(m *member, _ int, c *net.TCPConn) {
			q, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			expects <- q.Header.Get("Expect")
			_, _ = fmt.Fprintf(c, "HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno", status)
			<-m.stop
		})
		_, addr := run(t, enginetest.Table(t, newPool(web.as("a"))))
		c := dial(t, addr)
		c.send(head("POST", "1", 1000, "Expect: 100-continue"))
		if r := c.get("POST"); r.status != status || r.body != "no" {
			t.Errorf("%d %q, want %d", r.status, r.body, status)
		}
		if s := receive(t, "the member's view", expects); !strings.EqualFold(s, "100-continue") {
			t.Errorf("the member was not told: %q", s)
		}
	}
}

func TestExpectContinues(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		m := start(func(c conn) {
			if h, ok := c.(*httpConn); ok {
				for {
					if _, err := h.br.Peek(1); err != nil {
						return
					}
					_, _ = io.WriteString(h.c, "HTTP/1.1 100 Continue\r\n\r\n")
					r, ok := h.next()
					if !ok {
						return
					}
					h.answer(200, string(r.body))
				}
			}
			for {
				r, ok := c.next()
				if !ok {
					return
				}
				c.answer(200, string(r.body))
			}
		})
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		c := dial(t, addr)
		for i := range 3 {
			c.send(head("POST", fmt.Sprint(i), 5, "Expect: 100-continue"))
			c.expect("HTTP/1.1 100 Continue\r\n\r\n")
			c.send("hello")
			if r := c.get("POST"); r.status != 200 || r.body != "hello" {
				t.Fatalf("%d %q", r.status, r.body)
			}
		}
	})
}

// Both directions at once: each piece is answered before the next is sent.
func TestBothDirectionsAtOnce(t *testing.T) {
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		b := make([]byte, 100)
		for {
			n, err := q.Body.Read(b)
			if n > 0 {
				_, _ = fmt.Fprintf(c, "%x\r\n%s\r\n", n, strings.ToUpper(string(b[:n])))
			}
			if err != nil {
				_, _ = io.WriteString(c, "0\r\n\r\n")
				return
			}
		}
	})
	_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
	c := dial(t, addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	var res *http.Response
	for i := range 50 {
		c.send(fmt.Sprintf("9\r\npiece %03d\r\n", i))
		if res == nil {
			var err error
			if res, err = http.ReadResponse(c.br, nil); err != nil {
				t.Fatal(err)
			}
		}
		b := make([]byte, 9)
		if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != fmt.Sprintf("PIECE %03d", i) {
			t.Fatalf("%q %v", b, err)
		}
	}
	c.send("0\r\n\r\n")
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q %v", rest, err)
	}
}

// What a member flushes arrives although the answer goes on.
func TestFlushes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, length := range []int{-1, 100} {
			goOn := make(chan struct{}, 10)
			m := start(func(c conn) {
				if _, ok := c.next(); !ok {
					return
				}
				c.begin(length)
				for i := range 10 {
					c.piece(fmt.Sprintf("event: %d\n\n", i))
					await(c.stopped(), goOn)
				}
				c.end()
			})
			_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
			c := dial(t, addr)
			c.send(head("GET", "1", 0))
			res, err := http.ReadResponse(c.br, nil)
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 10)
			for i := range 10 {
				if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != fmt.Sprintf("event: %d\n\n", i) {
					t.Fatalf("%q %v", b, err)
				}
				goOn <- struct{}{}
			}
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("%q %v", rest, err)
			}
		}
	})
}

// A head that the application flushes before it has a body arrives too.
func TestHeadIsFlushed(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		goOn := make(chan struct{})
		m := start(func(c conn) {
			if _, ok := c.next(); !ok {
				return
			}
			c.begin(2)
			await(c.stopped(), goOn)
			c.piece("ok")
			c.end()
		})
		_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
		c := dial(t, addr)
		c.send(head("GET", "1", 0))
		res, err := http.ReadResponse(c.br, nil)
		if err != nil {
			t.Fatal(err)
		}
		close(goOn)
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "ok" {
			t.Errorf("%q %v", b, err)
		}
	})
}
