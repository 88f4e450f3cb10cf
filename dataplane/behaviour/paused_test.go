package behaviour

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// The answers of a paused connector of Tomcat 7.0.109, byte for byte but for the date.
var (
	pausedAJP  = [2]string{string(ajp.AppendSendHeaders(nil, 503, "")), string(ajp.AppendEnd(nil, false))}
	pausedHTTP = [2]string{"HTTP/1.1 503 Service Unavailable\r\nServer: Apache-Coyote/1.1\r\nTransfer-Encoding: chunked\r\n" +
		"Date: Tue, 24 Nov 2026 19:08:52 GMT\r\nConnection: close\r\n\r\n", "0\r\n\r\n"}
)

// raw writes bytes as they are.
func raw(c conn, s string) {
	switch c := c.(type) {
	case *ajpConn:
		_ = c.c.Send([]byte(s))
	case *httpConn:
		_, _ = io.WriteString(c.c, s)
	}
}

// unasked takes a request with what comes of its body without being asked for, as
// a connector does before it knows the application. Over HTTP that is all of it.
func unasked(c conn) (ok bool) {
	x, isAJP := c.(*ajpConn)
	if !isAJP {
		_, ok = c.next()
		return ok
	}
	q, err := x.c.ReadRequest()
	if err != nil {
		return false
	}
	x.m.saw(request{id: q.ID})
	_, err = x.c.FirstBody(q)
	return err == nil
}

// paused takes a request and answers as a paused connector does, in one write or two.
func paused(writes int) func(conn) {
	return func(c conn) {
		if !unasked(c) {
			return
		}
		parts := pausedHTTP
		if _, ok := c.(*ajpConn); ok {
			parts = pausedAJP
		}
		if writes == 1 {
			raw(c, parts[0]+parts[1])
		} else {
			raw(c, parts[0])
			raw(c, parts[1])
		}
		c.close()
	}
}

// What a paused connector has answered is repeated elsewhere, whatever the
// method, and nobody else is sent there.
func TestPausedConnector(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for writes := 1; writes <= 2; writes++ {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
				a, b := start(paused(writes)), start(good("b"))
				ma := a.as("a")
				pool := newPool(ma, b.as("b"))
				pool.TripFor = time.Hour
				pool.Retry.Budget = 1
				pool.Live.RetryBudget.Store(-1000) // spent
				_, addr := run(t, enginetest.Table(t, pool))
				body := ""
				if method[0] == 'P' {
					body = "body"
				}
				r := once(t, addr, method, "1", body, session("a"))
				if r.status != 200 || b.count("1") != 1 || a.count("1") != 1 {
					t.Errorf("%s in %d writes: %d %s, delivered %d and %d times", method, writes, r.status, r.body, a.count("1"), b.count("1"))
				}
				if ma.Live.Faults[meter.FaultPaused].Load() != 1 || !ma.Live.Tripped(time.Now().UnixNano()) {
					t.Errorf("%s in %d writes: it is not avoided", method, writes)
				}
			}
		}
	})
}

// With nobody else, or without the means to repeat the request, the client gets
// what the member said, once; the member is avoided.
func TestPausedAndNobodyElse(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for name, change := range map[string]func(*table.Pool){
			"alone":       func(p *table.Pool) { p.Members = p.Members[:1] },
			"one attempt": func(p *table.Pool) { p.Retry.Attempts = 1 },
		} {
			a, b := start(paused(1)), start(good("b"))
			ma := a.as("a")
			pool := newPool(ma, b.as("b"))
			change(pool)
			_, addr := run(t, enginetest.Table(t, pool))
			r := once(t, addr, "POST", "1", "body", session("a"))
			if r.status != 503 || r.body != "" || r.header.Get("Catherd-Reason") != "" || a.requests() != 1 || b.requests() != 0 {
				t.Errorf("%s: %d %q, delivered %d and %d times", name, r.status, r.body, a.requests(), b.requests())
			}
			if ma.Live.NotBefore.Load() == 0 {
				t.Errorf("%s: it is not avoided", name)
			}
		}
	})
}

// A 503 that an application has given is not repeated, and no reason to avoid
// anybody.
func TestBusyApplication(t *testing.T) {
	for kind, answers := range map[table.Scheme][]string{
		table.AJP: {
			string(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 503, ""), true)),
			string(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 503, "", ajp.Field("Content-Length", "0")), false)),
			string(ajp.AppendEnd(ajp.AppendChunk(ajp.AppendSendHeaders(nil, 503, "", ajp.Field("Content-Length", "1")), []byte("x")), false)),
			string(ajp.AppendEnd(ajp.AppendSendHeaders(nil, 500, ""), false)),
		},
		table.HTTP: {
			"HTTP/1.1 503 \r\nDate: now\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 503 \r\nX-Node: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
			"HTTP/1.1 503 \r\nDate: now\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n",
			"HTTP/1.1 503 \r\nDate: now\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
			"HTTP/1.1 500 \r\nDate: now\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		},
	} {
		for i, answer := range answers {
			script := func(c conn) {
				if _, ok := c.next(); ok {
					raw(c, answer)
				}
				c.next()
			}
			start := startHTTP
			if kind == table.AJP {
				start = startAJP
			}
			a, b := start(t, script), start(t, good("b"))
			ma := a.as("a")
			_, addr := run(t, enginetest.Table(t, newPool(ma, b.as("b"))))
			r := once(t, addr, "POST", "1", "body", session("a"))
			if r.status/100 != 5 || b.requests() != 0 || ma.Live.NotBefore.Load() != 0 {
				t.Errorf("scheme %d, answer %d: %d %q, %d requests at b, avoided until %d", kind, i, r.status, r.body, b.requests(), ma.Live.NotBefore.Load())
			}
		}
	}
}

// A body of which more than the first piece has been handed on is gone, and the
// answer is that of whoever has read it.
func TestPausedAfterTheBody(t *testing.T) {
	a := startAJP(t, func(c conn) {
		if _, ok := c.next(); ok { // with the whole body
			raw(c, pausedAJP[0]+pausedAJP[1])
			c.close()
		}
	})
	b := startAJP(t, good("b"))
	ma := a.as("a")
	_, addr := run(t, enginetest.Table(t, newPool(ma, b.as("b"))))
	r := once(t, addr, "POST", "1", strings.Repeat("b", 20000), session("a"))
	if r.status != 503 || b.requests() != 0 || ma.Live.NotBefore.Load() != 0 {
		t.Errorf("%d %q, %d requests at b, avoided until %d", r.status, r.body, b.requests(), ma.Live.NotBefore.Load())
	}
}

// A member that has asked for the body has begun to work on the request, also when
// all it got is the piece that could be sent again.
func TestPausedAfterItAsked(t *testing.T) {
	for _, length := range []bool{false, true} { // then the first packet goes out unasked
		a := startAJP(t, func(c conn) {
			if unasked(c) {
				_, _ = c.(*ajpConn).c.NextBody(8186)
				raw(c, pausedAJP[0]+pausedAJP[1])
				c.close()
			}
		})
		b := startAJP(t, good("b"))
		_, addr := run(t, enginetest.Table(t, newPool(a.as("a"), b.as("b"))))
		c := dial(t, addr)
		if length {
			c.send(head("POST", "1", 4, session("a")) + "body")
		} else {
			c.send(head("PUT", "1", 0, session("a"), "Transfer-Encoding: chunked") + "4\r\nbody\r\n0\r\n\r\n")
		}
		if r := c.get("POST"); r.status != 503 || a.requests() != 1 || b.requests() != 0 {
			t.Errorf("with a length %v: %d %q, delivered %d and %d times", length, r.status, r.body, a.requests(), b.requests())
		}
	}
}

// leavesUnread answers the first request of a connection, and closes on the
// second without reading it, as Tomcat 9.0 and 10.1 do while the connector is paused.
func leavesUnread(t *testing.T, kind table.Scheme) *member {
	m := startTCP(t, func(_ *member, _ int, c *net.TCPConn) {
		if _, err := c.Read(make([]byte, 8192)); err != nil {
			return
		}
		_, _ = c.Write(plainAnswer(kind))
		rc, err := c.SyscallConn()
		if err != nil {
			return
		}
		_ = rc.Read(func(fd uintptr) bool {
			n, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
			return n > 0 || err != unix.EAGAIN
		})
		_ = c.CloseWrite() // the reset follows with the close
	})
	m.scheme = kind
	return m
}

// plainAnswer is an answer without a body.
func plainAnswer(kind table.Scheme) []byte {
	if kind == table.AJP {
		return ajp.AppendEnd(ajp.AppendSendHeaders(nil, 200, "", ajp.Field("Content-Length", "0")), true)
	}
	return []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// A request that was certainly not read may be repeated whatever its method.
func TestClosedWithoutReading(t *testing.T) {
	for _, kind := range []table.Scheme{table.AJP, table.HTTP} {
		a := leavesUnread(t, kind)
		start := startHTTP
		if kind == table.AJP {
			start = startAJP
		}
		b := start(t, good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.Ping.Connect, pool.TripAfter = false, 0
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		if r := c.do("POST", "1", "body", session("a")); r.status != 200 || b.requests() != 0 {
			t.Fatalf("scheme %d: the first: %d %s", kind, r.status, r.body)
		}
		if r := c.do("POST", "2", "body", session("a")); r.status != 200 || b.count("2") != 1 {
			t.Errorf("scheme %d: %d %s, %d times at b", kind, r.status, r.body, b.count("2"))
		}
		if n := ma.Live.Faults[meter.FaultBroken].Load(); n != 1 {
			t.Errorf("scheme %d: %d faults", kind, n)
		}
	}
}

// One that was read and not answered is not repeated: the member may have done
// what it was asked to do.
func TestClosedAfterReading(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(func(c conn) {
			if _, ok := c.next(); ok {
				c.answer(200, "ok")
			}
			if _, ok := c.next(); ok {
				c.close()
			}
		})
		b := start(good("b"))
		_, addr := run(t, enginetest.Table(t, newPool(a.as("a"), b.as("b"))))
		c := dial(t, addr)
		c.do("POST", "1", "body", session("a"))
		if r := c.do("POST", "2", "body", session("a")); r.status != 502 || b.requests() != 0 {
			t.Errorf("%d %s, %d requests at b", r.status, r.body, b.requests())
		}
	})
}
