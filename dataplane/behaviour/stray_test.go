package behaviour

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// Bytes that a member sends when nothing was asked of it must not become the
// answer to the next request, whoever sends it and however soon.
func TestStrayAnswerReachesNobody(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		stray := make(chan struct{}, 1)
		// The second answer is sent when the first has been taken, and is known
		// to have arrived when the kernel has acknowledged it.
		follow := make(chan struct{}, 1)
		web := startTCP(t, func(m *member, n int, c *net.TCPConn) {
			br := bufio.NewReader(c)
			for {
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
				if n == 1 {
					await(m.stop, follow)
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
					until(t, "the stray answer arrived", func() bool { return unsent(t, c) == 0 })
					stray <- struct{}{}
				}
			}
		})
		container := ajptest.New(t, func(c *ajptest.Conn) {
			answer := func(s string) {
				_ = c.Send(ajp.AppendSendHeaders(nil, 200, "", ajp.Field("Content-Length", "4")),
					ajp.AppendChunk(nil, []byte(s)), ajp.AppendEnd(nil, true))
			}
			for {
				if _, err := c.ReadRequest(); err != nil {
					return
				}
				answer("good")
				if c.Number == 1 {
					if !c.Wait(follow) {
						return
					}
					answer("evil")
					// A packet in the other direction would tell that it arrived;
					// there is none, but loopback delivers before send returns.
					stray <- struct{}{}
				}
			}
		})
		for _, m := range []table.Member{web.as("a"), enginetest.Member("a", table.AJP, container.Addr())} {
			_, addr := run(t, enginetest.Table(t, newPool(m)))
			one, two := dial(t, addr), dial(t, addr)
			if r := one.do(method, "1", ""); r.body != "good" {
				t.Fatalf("first: %q", r.body)
			}
			until(t, "the connection is idle", func() bool { return m.Live.Idle.Load() == 1 })
			follow <- struct{}{}
			receive(t, "the stray answer", stray)
			for _, c := range []*client{two, one, two} {
				if r := c.do(method, "2", ""); r.status != 200 || r.body != "good" {
					t.Errorf("%s, scheme %d: got %d %q", method, m.Target.Scheme, r.status, r.body)
				}
			}
			if n := m.Live.Connects.Load(); n < 2 {
				t.Errorf("%s, scheme %d: %d connections", method, m.Target.Scheme, n)
			}
		}
	}
}
