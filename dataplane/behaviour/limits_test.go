package behaviour

import (
	"fmt"
	"strings"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
)

func TestConnectionLimits(t *testing.T) {
	a := startHTTP(t, good("a"))
	for _, perClient := range []bool{false, true} {
		l, want := limits(), 503
		if perClient {
			l.ConnectionsPerClient, want = 2, 429
		} else {
			l.Connections = 2
		}
		e, addr := enginetest.StartWith(t, enginetest.Table(t, newPool(a.as("a"))), l)
		one, two := dial(t, addr), dial(t, addr)
		one.do("GET", "1", "")
		two.do("GET", "2", "")
		three := dial(t, addr)
		if r := three.get("GET"); r.status != want || !r.close {
			t.Errorf("per client %v: the third got %d", perClient, r.status)
		}
		if _, accepted, refused := e.Clients(); accepted != 3 || refused != 1 {
			t.Errorf("%d accepted, %d refused", accepted, refused)
		}
		one.do("GET", "3", "") // the others are not touched
		_ = two.c.Close()
		until(t, "a place is free", func() bool {
			open, _, _ := e.Clients()
			return open == 1
		})
		if r := once(t, addr, "GET", "4", ""); r.status != 200 {
			t.Errorf("per client %v: after one left: %d", perClient, r.status)
		}
	}
}

func TestHeadSize(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(good("a"))
		for _, limit := range []int{1000, 4096, 40000} {
			tab := enginetest.Table(t, newPool(a.as("a")))
			tab.Limits.HeaderSize = limit
			_, addr := run(t, tab)
			for _, size := range []int{limit, limit + 1, limit + 20000} {
				if size > 7000 && a.scheme == 0 && size <= limit {
					continue // does not fit the AJP packet
				}
				rest := head("GET", "1", 0, "X-Pad: ")
				h := head("GET", "1", 0, "X-Pad: "+strings.Repeat("p", size-len(rest)))
				c := dial(t, addr)
				c.send(h)
				want := 200
				if size > limit {
					want = 431
				}
				if r := c.get("GET"); r.status != want || r.close != (want != 200) {
					t.Errorf("limit %d: a head of %d got %d", limit, size, r.status)
				}
				line := "GET /" + strings.Repeat("p", size) + " HTTP/1.1\r\nHost: a\r\n\r\n"
				if want == 431 {
					c := dial(t, addr)
					c.send(line)
					if r := c.get("GET"); r.status != 414 {
						t.Errorf("limit %d: a request line of %d got %d", limit, len(line), r.status)
					}
				}
			}
		}
	})
}

func TestBodySize(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(good("a"))
		ma := a.as("a")
		for _, limit := range []int64{10, 30000} {
			tab := enginetest.Table(t, newPool(ma))
			tab.Limits.BodySize = limit
			_, addr := run(t, tab)
			for _, over := range []int{0, 1, 100000} {
				n := int(limit) + over
				want := 200
				if over > 0 {
					want = 413
				}
				body := strings.Repeat("b", n)
				for i, req := range []string{
					head("POST", "1", n) + body,
					fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, body),
				} {
					c := dial(t, addr)
					c.send(req)
					if r := c.get("POST"); r.status != want {
						t.Errorf("limit %d, %d bytes, framing %d: %d %s", limit, n, i, r.status, r.body)
					}
				}
			}
		}
		if n := ma.Live.FaultsInRow.Load(); n != 0 {
			t.Errorf("the member was blamed %d times", n)
		}
	})
}

// A body that is announced as too large is refused before a byte of it is read.
func TestBodySizeAnnounced(t *testing.T) {
	a := startHTTP(t, good("a"))
	tab := enginetest.Table(t, newPool(a.as("a")))
	tab.Limits.BodySize = 1000
	_, addr := run(t, tab)
	c := dial(t, addr)
	c.send(head("POST", "1", 1<<30, "Expect: 100-continue"))
	if r := c.get("POST"); r.status != 413 || !r.close {
		t.Errorf("%d %s", r.status, r.body)
	}
	if a.requests() != 0 {
		t.Error("a member was bothered")
	}
}
