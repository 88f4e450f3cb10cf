package behaviour

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/frontend"
	"github.com/catherd/catherd/dataplane/table"
)

// again is the member as the next table has it: the same one, with its numbers.
func again(m table.Member) table.Member { return m }

func TestPublishKeepsWhatStays(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(good("a")), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		e, addr := run(t, enginetest.Table(t, newPool(ma)))
		c := dial(t, addr)
		for i := range 20 {
			if r := c.do("GET", fmt.Sprint(i), "", session("a")); r.body != "a" {
				t.Fatalf("%d %q", r.status, r.body)
			}
			// b comes and goes, a changes place and weight.
			na := again(ma)
			na.Weight = uint32(i%3 + 1)
			if i%2 == 0 {
				e.Publish(enginetest.Table(t, newPool(again(mb), na)))
			} else {
				e.Publish(enginetest.Table(t, newPool(na)))
			}
		}
		if a.conns() != 1 {
			t.Errorf("the member that stayed saw %d connections", a.conns())
		}
		if n := ma.Live.Requests.Load(); n != 20 {
			t.Errorf("its counter says %d", n)
		}
	})
}

// A member that goes finishes what it has, and keeps no connection.
func TestPublishRetiresWhatGoes(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		arrived, goOn := make(chan string, 10), make(chan struct{})
		a, b := start(holding(arrived, goOn)), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		e, addr := run(t, enginetest.Table(t, newPool(ma)))
		idle, busy := dial(t, addr), dial(t, addr)
		idle.send(head("GET", "1", 0))
		busy.send(head("GET", "2", 0))
		receive(t, "one", arrived)
		receive(t, "two", arrived)
		goOn <- struct{}{}
		until(t, "one is done", func() bool { return ma.Live.Idle.Load() == 1 })
		e.Publish(enginetest.Table(t, newPool(mb)))
		if ma.Live.Idle.Load() != 0 || ma.Live.Open.Load() != 1 {
			t.Errorf("%d idle, %d open", ma.Live.Idle.Load(), ma.Live.Open.Load())
		}
		if r := once(t, addr, "GET", "3", "", session("a")); r.body != "b" {
			t.Errorf("new requests: %d %q", r.status, r.body)
		}
		goOn <- struct{}{}
		for _, c := range []*client{idle, busy} {
			if r := c.get("GET"); r.status != 200 || r.body != "ok" {
				t.Errorf("in flight: %d %q", r.status, r.body)
			}
			if r := c.do("GET", "4", ""); r.body != "b" {
				t.Errorf("the client's connection afterwards: %d %q", r.status, r.body)
			}
		}
		until(t, "no connection is left", func() bool { return ma.Live.Open.Load() == 0 })
	})
}

// Requests run while tables come and go: none fails.
func TestPublishUnderLoad(t *testing.T) {
	bothKinds(t, func(t *testing.T, start func(func(conn)) *member) {
		a, b := start(good("a")), start(good("b"))
		ma, mb := a.as("a"), b.as("b")
		e, addr := run(t, enginetest.Table(t, newPool(ma)))
		stop := make(chan struct{})
		var publisher, clients sync.WaitGroup
		publisher.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				list := [][]table.Member{{again(ma)}, {again(ma), again(mb)}, {again(mb)}}[i%3]
				p := newPool(list...)
				tab := &table.Table{Pools: []*table.Pool{p}, Routes: []table.Route{{Pattern: table.Pattern{Literal: "/"}, Pool: p}}}
				if err := tab.Seal(); err != nil {
					t.Error(err)
					return
				}
				e.Publish(tab)
			}
		})
		for range 4 {
			c := dial(t, addr)
			clients.Go(func() {
				for i := range 300 {
					method, body := "GET", ""
					if i%3 == 0 {
						method, body = "POST", "x"
					}
					if _, err := c.c.Write([]byte(head(method, "1", len(body)) + body)); err != nil {
						t.Error(err)
						return
					}
					if r, err := c.recv(method); err != nil || r.status != 200 {
						t.Errorf("%d: %d %s %v", i, r.status, r.body, err)
						return
					}
				}
			})
		}
		clients.Wait()
		close(stop)
		publisher.Wait()
	})
}

func TestListenAddsAndRemoves(t *testing.T) {
	a := startHTTP(t, good("a"))
	e, _ := run(t, enginetest.Table(t, newPool(a.as("a"))))
	one, two := refused(t), refused(t)
	listen := func(list ...string) error {
		var specs []frontend.Spec
		for _, s := range list {
			specs = append(specs, frontend.Spec{Address: s})
		}
		_, err := e.Listen(specs)
		return err
	}
	answers := func(addr string) bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	if err := listen(one); err != nil {
		t.Fatal(err)
	}
	c := dial(t, one)
	c.do("GET", "1", "")
	if err := listen(one, two); err != nil {
		t.Fatal(err)
	}
	d := dial(t, two)
	d.do("GET", "2", "")

	// An address that cannot be had changes nothing, not even for the good ones.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	three := refused(t)
	var le *frontend.ListenError
	if err := listen(three, taken.Addr().String()); !errors.As(err, &le) || le.Address != taken.Addr().String() {
		t.Errorf("got %v", err)
	}
	if !answers(one) || !answers(two) || answers(three) {
		t.Error("a failed change changed something")
	}

	if err := listen(two); err != nil {
		t.Fatal(err)
	}
	until(t, "the address that was taken away is closed", func() bool { return !answers(one) })
	for i, x := range []*client{c, d} {
		if r := x.do("GET", "3", ""); r.status != 200 {
			t.Errorf("connection %d that was accepted before: %d", i, r.status)
		}
	}
	if err := listen(one, two); err != nil {
		t.Fatalf("taking it back: %v", err)
	}
	if r := once(t, one, "GET", "4", ""); r.status != 200 {
		t.Errorf("%d", r.status)
	}
}
