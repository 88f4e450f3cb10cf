//go:build !race

package behaviour

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// canned is a member that answers whatever comes in one read with the same
// bytes, and allocates nothing for it.
func canned(t *testing.T, kind table.Scheme, answer []byte) table.Member {
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		b := make([]byte, 16<<10)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	m.scheme = kind
	return m.as("a")
}

// cannedAnswer is a small answer in the member's protocol.
func cannedAnswer(kind table.Scheme, size int) []byte {
	body := []byte(strings.Repeat("x", size))
	if kind == table.AJP {
		b := ajp.AppendSendHeaders(nil, 200, "", ajp.Field("Content-Type", "text/plain"),
			ajp.Field("Content-Length", fmt.Sprint(size)), ajp.Field("Set-Cookie", "JSESSIONID=1.a; Path=/"))
		return ajp.AppendEnd(ajp.AppendChunk(b, body), true)
	}
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nSet-Cookie: JSESSIONID=1.a; Path=/\r\n\r\n%s", size, body))
}

// The client and the member of this test share the process with the engine, so
// they allocate nothing either.
func TestNoAllocationPerRequest(t *testing.T) {
	bothSchemes(t, func(t *testing.T, kind table.Scheme) {
		for name, req := range map[string]string{
			"plain": head("GET", "1", 0),
			"browser": head("GET", "1", 0, session("a"), "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: text/html,*/*;q=0.8",
				"Accept-Encoding: gzip, deflate, br", "Accept-Language: de,en;q=0.5", "Cache-Control: no-cache"),
			"small post": head("POST", "1", 10) + "0123456789",
		} {
			for _, size := range []int{0, 1024, 7000} {
				if kind == table.AJP && size == 0 {
					continue // a chunk without data is a flush
				}
				pool := newPool(canned(t, kind, cannedAnswer(kind, size)))
				pool.Ping.Connect = false
				_, addr := run(t, enginetest.Table(t, pool))
				c := enginetest.Dial(t, addr)
				out, in := []byte(req), make([]byte, 32<<10)
				if _, err := c.Write(out); err != nil {
					t.Fatal(err)
				}
				n, err := io.ReadAtLeast(c, in, size+50)
				if err != nil {
					t.Fatal(err)
				}
				whole := n // every answer is as long as the first
				for !strings.HasSuffix(string(in[:whole]), strings.Repeat("x", size)) || !strings.Contains(string(in[:whole]), "\r\n\r\n") {
					n, err := c.Read(in[whole:])
					if err != nil {
						t.Fatal(err)
					}
					whole += n
				}
				round := func() {
					if _, err := c.Write(out); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(c, in[:whole]); err != nil {
						t.Fatal(err)
					}
				}
				for range 100 {
					round()
				}
				if n := testing.AllocsPerRun(300, round); n != 0 {
					t.Errorf("%s, answer of %d: %v allocations per request", name, size, n)
				}
				_ = c.Close()
			}
		}
	})
}
