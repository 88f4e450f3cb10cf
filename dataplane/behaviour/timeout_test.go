package behaviour

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/meter"
)

// short is a time-out that a test waits for.
const short = 150 * time.Millisecond

func TestConnectTimeout(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		b := start(good("b"))
		full := enginetest.Member("a", b.scheme, fullListener(t))
		alone := newPool(full)
		alone.Timeouts.Connect = short
		_, addr := run(t, enginetest.Table(t, alone))
		if r := once(t, addr, "POST", "1", "x"); r.status != 504 {
			t.Errorf("with one member: %d %s", r.status, r.body)
		}
		if n := full.Live.Faults[meter.FaultTimeoutConnect].Load(); n != 1 {
			t.Errorf("%d connect time-outs were counted", n)
		}
		full.Name, full.ID = "a", "other"
		two := newPool(full, b.as("b"))
		two.Timeouts.Connect = short
		_, addr = run(t, enginetest.Table(t, two))
		if r := once(t, addr, "POST", "2", "x", session("a")); r.status != 200 || b.count("2") != 1 {
			t.Errorf("with another member: %d %s", r.status, r.body)
		}
	})
}

func TestFirstByteTimeout(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(holds), start(good("b"))
		ma := a.as("a")
		pool := newPool(ma, b.as("b"))
		pool.Timeouts.FirstByte = short
		_, addr := run(t, enginetest.Table(t, pool))
		for _, method := range []string{"GET", "POST"} {
			c := dial(t, addr)
			if r := c.do(method, method, "", session("a")); r.status != 504 {
				t.Errorf("%s: %d", method, r.status)
			}
			if a.count(method) != 1 || b.count(method) != 0 {
				t.Errorf("%s: delivered %d and %d times", method, a.count(method), b.count(method))
			}
			if r := c.do("GET", "next", "", session("b")); r.status != 200 {
				t.Errorf("the client's connection after a 504: %d", r.status)
			}
		}
		if n := ma.Live.Faults[meter.FaultTimeoutHead].Load(); n != 2 {
			t.Errorf("%d time-outs were counted", n)
		}
		if n := ma.Live.Open.Load(); n != 0 {
			t.Errorf("%d connections to the late member are open", n)
		}
	})
}

func TestSilenceInTheAnswer(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		for _, length := range []int{100, -1} {
			a := start(func(c conn) {
				if _, ok := c.next(); ok {
					c.begin(length)
					c.piece("part")
					<-c.stopped()
				}
			})
			ma := a.as("a")
			pool := newPool(ma)
			pool.Timeouts.BetweenBytes = short
			_, addr := run(t, enginetest.Table(t, pool))
			c := dial(t, addr)
			c.send(head("GET", "1", 0))
			if r, err := c.recv("GET"); err == nil || r.status != 200 {
				t.Errorf("length %d: the client took %d %q for whole", length, r.status, r.body)
			}
			until(t, "counted", func() bool { return ma.Live.Faults[meter.FaultTimeoutBody].Load() == 1 })
		}
	})
}

// A long answer is not a late one: only silence counts.
func TestLongAnswerWithPauses(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		t.Parallel() // with the other protocol: it takes its time
		goOn := make(chan struct{}, 5)
		a := start(func(c conn) {
			if _, ok := c.next(); !ok {
				return
			}
			c.begin(-1)
			for i := range 5 {
				c.piece(fmt.Sprint(i))
				await(c.stopped(), goOn)
			}
			c.end()
		})
		pool := newPool(a.as("a"))
		pool.Timeouts.FirstByte, pool.Timeouts.BetweenBytes = 2*time.Second, 2*time.Second
		_, addr := run(t, enginetest.Table(t, pool))
		c := dial(t, addr)
		c.send(head("GET", "1", 0))
		pause := time.NewTicker(500 * time.Millisecond) // more than a time-out in all
		defer pause.Stop()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 5 {
				select {
				case <-pause.C:
					goOn <- struct{}{}
				case <-stop:
					return
				}
			}
		})
		r, err := c.recv("GET")
		close(stop)
		wg.Wait()
		if err != nil || r.body != "01234" {
			t.Errorf("%d %q %v", r.status, r.body, err)
		}
	})
}

// A client that sends its head byte by byte has one time-out for all of it.
func TestSlowHead(t *testing.T) {
	a := startHTTP(t, good("a"))
	l := limits()
	l.HeaderTimeout = 2 * short
	_, addr := enginetest.StartWith(t, enginetest.Table(t, newPool(a.as("a"))), l)
	for _, trickle := range []bool{false, true} {
		c := dial(t, addr)
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		if trickle {
			wg.Go(func() {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-stop:
						return
					case <-tick.C:
						if _, err := c.c.Write([]byte("x")); err != nil {
							return
						}
					}
				}
			})
		}
		if r := c.get("GET"); r.status != 408 || !r.close {
			t.Errorf("trickle %v: %d", trickle, r.status)
		}
		close(stop)
		wg.Wait()
	}
	// Nothing at all is no request and gets no answer.
	if c := dial(t, addr); !c.ended() {
		t.Error("a connection without a request was left open, or answered")
	}
	if a.requests() != 0 {
		t.Error("a member was bothered")
	}
}

func TestSlowBody(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(good("a"))
		l := limits()
		l.BodyTimeout = short
		ma := a.as("a")
		_, addr := enginetest.StartWith(t, enginetest.Table(t, newPool(ma)), l)
		for _, sent := range []int{0, 10, 20000} {
			for _, chunked := range []bool{false, true} {
				c := dial(t, addr)
				if chunked {
					c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7530\r\n" + strings.Repeat("b", sent))
				} else {
					c.send(head("POST", "1", 30000) + strings.Repeat("b", sent))
				}
				if r := c.get("POST"); r.status != 408 {
					t.Errorf("%d bytes, chunked %v: %d %s", sent, chunked, r.status, r.body)
				}
				if !c.ended() {
					t.Errorf("%d bytes, chunked %v: the connection was left open", sent, chunked)
				}
			}
		}
		if n := ma.Live.FaultsInRow.Load(); n != 0 {
			t.Errorf("the member was blamed %d times for the client", n)
		}
		until(t, "no connection is left half-used", func() bool { return ma.Live.Open.Load() == ma.Live.Idle.Load() })
	})
}

// A client that takes nothing of its answer holds a member only so long.
func TestClientTakesNothing(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		given := make(chan struct{})
		a := start(func(c conn) {
			if _, ok := c.next(); !ok {
				return
			}
			defer close(given)
			c.begin(-1)
			for range 64 << 20 / 8000 {
				c.piece(strings.Repeat("x", 8000))
			}
		})
		l := limits()
		l.BodyTimeout = short
		ma := a.as("a")
		e, addr := enginetest.StartWith(t, enginetest.Table(t, newPool(ma)), l)
		c := dial(t, addr)
		_ = c.c.SetReadBuffer(4096)
		c.send(head("GET", "1", 0))
		receive(t, "the member is let go", given)
		until(t, "the client's connection is given up", func() bool {
			open, _, _ := e.Clients()
			return open == 0
		})
		if _, err := io.Copy(io.Discard, c.c); err == nil {
			t.Error("the client saw an orderly end")
		}
		if n := ma.Live.FaultsInRow.Load(); n != 0 {
			t.Errorf("the member was blamed %d times for the client", n)
		}
	})
}

func TestIdleClientIsClosed(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a := start(good("a"))
		l := limits()
		l.IdleTimeout = 2 * short
		_, addr := enginetest.StartWith(t, enginetest.Table(t, newPool(a.as("a"))), l)
		c := dial(t, addr)
		c.do("GET", "1", "")
		since := time.Now()
		if !c.ended() {
			t.Error("left open, or something was sent")
		}
		if took := time.Since(since); took < short {
			t.Errorf("closed after %v", took)
		}
	})
}
