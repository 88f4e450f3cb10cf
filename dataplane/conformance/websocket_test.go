package conformance

import (
	"io"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// TestWebSocket upgrades a connection to a member that speaks HTTP, and to one
// that speaks AJP and has an HTTP connector for this. Bytes go through in both
// directions, those that came with the heads first, and so does the end.
func TestWebSocket(t *testing.T) {
	for _, kind := range []string{"ajp", "http"} {
		t.Run(kind, func(t *testing.T) {
			m := newHTTPMember(t, func(c *httpConn) {
				if _, err := c.head(); err != nil {
					return
				}
				_ = c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello ")
				_, _ = io.Copy(c.nc, c.br)
				_ = c.nc.CloseWrite()
			})
			one := enginetest.Member("tomcat1", table.HTTP, m.addr())
			if kind == "ajp" {
				one = enginetest.Member("tomcat1", table.AJP, newAJPMember(t).addr())
				one.Upgrade = &table.Target{Scheme: table.HTTP, Addr: m.addr(), Host: m.addr()}
			}
			_, front := enginetest.Start(t, enginetest.Table(t, newPool(one)))
			c := dial(t, front)
			c.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nX-Forwarded-For: 9.9.9.9\r\n\r\nearly ")
			r, err := c.read(false)
			if err != nil || r.status != 101 || r.get("Upgrade") != "websocket" || r.get("Connection") != "Upgrade" || r.get("Sec-WebSocket-Accept") != "x" {
				t.Fatalf("got %+v, %v", r, err)
			}
			c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			_ = c.c.CloseWrite()
			got, err := io.ReadAll(c.br)
			if want := "hello early GET / HTTP/1.1\r\nHost: a\r\n\r\n"; string(got) != want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			seen := m.ledger()
			if len(seen) != 1 || seen[0].target != "/ws" {
				t.Fatalf("the member saw %+v", seen)
			}
			for name, want := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "k", "X-Forwarded-For": "127.0.0.1"} {
				if got := seen[0].all(name); len(got) != 1 || got[0] != want {
					t.Errorf("the member saw %s: %q", name, got)
				}
			}
		})
	}
}
