package behaviour

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

const wsHead = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-Request-Id: ws\r\n"

const wsAnswer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Accept: s3pPLBMxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// switching is a member that upgrades, greets at once and echoes in capitals.
// gone gets what ended its reading.
func switching(t *testing.T, gone chan<- error) *member {
	return startTCP(t, func(m *member, _ int, c *net.TCPConn) {
		br := bufio.NewReader(c)
		q, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		m.saw(request{id: q.Header.Get("X-Request-Id")})
		if q.Header.Get("Upgrade") != "websocket" || !strings.EqualFold(q.Header.Get("Connection"), "upgrade") {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, wsAnswer+"welcome;")
		for {
			s, err := br.ReadString(';')
			if err != nil {
				if gone != nil {
					gone <- err
				}
				return
			}
			if s == "bye;" {
				return
			}
			_, _ = io.WriteString(c, strings.ToUpper(s))
		}
	})
}

// upgradePools are the ways to reach a member that can upgrade.
func upgradePools(t *testing.T, f func(t *testing.T, pool *table.Pool, m *member, gone chan error)) {
	t.Run("http", func(t *testing.T) {
		gone := make(chan error, 4)
		m := switching(t, gone)
		f(t, newPool(m.as("a")), m, gone)
	})
	t.Run("ajp with http", func(t *testing.T) {
		gone := make(chan error, 4)
		m := switching(t, gone)
		a := startAJP(t, good("ajp")).as("a")
		a.Upgrade = &table.Target{Scheme: table.HTTP, Addr: m.addr, Host: m.addr}
		f(t, newPool(a), m, gone)
	})
}

func openTunnel(t *testing.T, addr, early string) *client {
	t.Helper()
	c := dial(t, addr)
	c.send(wsHead + session("a") + "\r\n\r\n" + early)
	res, err := http.ReadResponse(c.br, &http.Request{Method: "GET"})
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") == "" || res.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v %+v", err, res)
	}
	c.expect("welcome;")
	return c
}

func (c *client) expect(want string) {
	c.t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c.br, b); err != nil || string(b) != want {
		c.t.Fatalf("got %q, %v; want %q", b, err, want)
	}
}

// The session of a tunnel was in use up to the end of it, for a drain as well.
func TestWebSocketIsOfASession(t *testing.T) {
	upgradePools(t, func(t *testing.T, pool *table.Pool, _ *member, _ chan error) {
		pool.Members[0].Take = table.OnlySessions
		live := pool.Members[0].Live
		live.Follow(true)
		_, addr := run(t, enginetest.Table(t, pool))
		c := openTunnel(t, addr, "")
		if n := live.InFlight.Load(); n != 1 {
			t.Errorf("%d in flight beside an open tunnel", n)
		}
		end := time.Now().Truncate(time.Second).UnixNano()
		_ = c.c.Close()
		until(t, "the end of the tunnel is counted", func() bool {
			return live.InFlight.Load() == 0 && live.Sessions[meter.Kept].Load() == 1
		})
		until(t, "its session is seen", func() bool { n, last := live.Alive().Newest(); return n == 1 && last >= end })
	})
}

func TestWebSocket(t *testing.T) {
	upgradePools(t, func(t *testing.T, pool *table.Pool, m *member, gone chan error) {
		_, addr := run(t, enginetest.Table(t, pool))
		c := openTunnel(t, addr, "early;")
		c.expect("EARLY;")
		for i := range 100 {
			c.send(fmt.Sprintf("message %d;", i))
			c.expect(fmt.Sprintf("MESSAGE %d;", i))
		}
		big := strings.Repeat("b", 1<<20) + ";"
		go func() { _, _ = io.WriteString(c.c, big) }()
		c.expect(strings.ToUpper(big))
		live := pool.Members[0].Live
		if live.InFlight.Load() != 1 || live.Requests.Load() != 1 {
			t.Errorf("%d in flight of %d", live.InFlight.Load(), live.Requests.Load())
		}
		// The client ends: the member sees it.
		_ = c.c.Close()
		receive(t, "the member sees the end", gone)
		until(t, "the tunnel is gone", func() bool { return live.InFlight.Load() == 0 })

		// The member ends: the client sees it.
		c = openTunnel(t, addr, "")
		c.send("bye;")
		if !c.ended() {
			t.Error("the client's side was left open")
		}
		if m.count("ws") != 2 || live.FaultsInRow.Load() != 0 {
			t.Errorf("%d upgrades, %d faults", m.count("ws"), live.FaultsInRow.Load())
		}
	})
}

// The end of one direction is passed on and leaves the other one open.
func TestWebSocketHalfClose(t *testing.T) {
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		br := bufio.NewReader(c)
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, wsAnswer)
		b, _ := io.ReadAll(br)
		_, _ = io.WriteString(c, "all of it: "+string(b))
	})
	_, addr := run(t, enginetest.Table(t, newPool(m.as("a"))))
	c := dial(t, addr)
	c.send(wsHead + "\r\n")
	if res, err := http.ReadResponse(c.br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(err)
	}
	c.send("last words")
	_ = c.c.CloseWrite()
	c.expect("all of it: last words")
}

func TestWebSocketOverAJPAlone(t *testing.T) {
	a := startAJP(t, good("a"))
	_, addr := run(t, enginetest.Table(t, newPool(a.as("a"))))
	c := dial(t, addr)
	c.send(wsHead + "\r\n")
	if r := c.get("GET"); r.status != 501 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if a.requests() != 0 {
		t.Error("the member was asked")
	}
}

// What is no 101 is an answer like any other.
func TestUpgradeDenied(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		web := startHTTP(t, func(c conn) {
			if _, ok := c.next(); ok {
				c.answer(403, "not you")
			}
		})
		a := start(good("a")).as("a")
		a.Upgrade = &table.Target{Scheme: table.HTTP, Addr: web.addr, Host: web.addr}
		if a.Target.Scheme == table.HTTP {
			a.Target = *a.Upgrade
		}
		_, addr := run(t, enginetest.Table(t, newPool(a)))
		c := dial(t, addr)
		c.send(wsHead + "\r\n")
		if r := c.get("GET"); r.status != 403 || r.body != "not you" {
			t.Errorf("%d %q", r.status, r.body)
		}
	})
}

func TestUpgradeGoesElsewhere(t *testing.T) {
	upgradePools(t, func(t *testing.T, pool *table.Pool, m *member, _ chan error) {
		dead := enginetest.Member("a", table.HTTP, refused(t))
		b := pool.Members[0]
		b.Name, b.Route, b.ID = "b", "b", "b"
		two := newPool(dead, b)
		_, addr := run(t, enginetest.Table(t, two))
		openTunnel(t, addr, "")
		if m.count("ws") != 1 || dead.Live.ConnectFailures.Load() != 1 {
			t.Errorf("%d upgrades, %d failed connects", m.count("ws"), dead.Live.ConnectFailures.Load())
		}
	})
}

func TestDrainClosesTunnels(t *testing.T) {
	upgradePools(t, func(t *testing.T, pool *table.Pool, _ *member, gone chan error) {
		var e *dataplane.Engine
		e, addr := run(t, enginetest.Table(t, pool))
		c := openTunnel(t, addr, "")
		ctx, cancel := bounded(t)
		done := make(chan int64, 1)
		go func() { done <- e.Drain(ctx) }()
		until(t, "it drains", e.Draining)
		c.send("still there;")
		c.expect("STILL THERE;")
		cancel()
		if cut := receive(t, "the end of the drain", done); cut != 1 {
			t.Errorf("%d were cut", cut)
		}
		if !c.ended() {
			t.Error("the client's side was left open")
		}
		receive(t, "the member sees the end", gone)
	})
}
