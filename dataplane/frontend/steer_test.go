package frontend

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/catherd/catherd/dataplane/evloop"
	"github.com/catherd/catherd/dataplane/proxy"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// counted is a load of a test.
type counted struct {
	accepted, closed, drained int
	since                     atomic.Uint64
}

func (c *counted) Accepted()             { c.accepted++ }
func (c *counted) Closed()               { c.closed++ }
func (c *counted) Drained()              { c.drained++ }
func (c *counted) Since() *atomic.Uint64 { return &c.since }

// board is a Steering that writes down what it is asked.
type board struct {
	open    map[string]*place
	refuse  error
	refused int
}

type place struct {
	b      *board
	name   string
	fds    []int
	tended int
	loads  []Load
}

func (b *board) Open(name string, fds []int) (Steered, error) {
	if b.refuse != nil {
		b.refused++
		return nil, b.refuse
	}
	p := &place{b: b, name: name, fds: fds}
	for range fds {
		p.loads = append(p.loads, new(counted))
	}
	b.open[name] = p
	return p, nil
}

func (p *place) Tend(fds []int) error {
	p.tended++
	return p.b.refuse
}
func (p *place) Load(i int) Load { return p.loads[i] }
func (p *place) Close()          { delete(p.b.open, p.name) }

func newServer(t *testing.T, loops int) *Server {
	t.Helper()
	wd := wire.NewWatchdog()
	t.Cleanup(wd.Stop)
	var list []*evloop.Loop
	for i := range loops {
		l, err := evloop.New(i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { <-l.Stop() })
		list = append(list, l)
	}
	pools := upstream.NewPools(wd, loops)
	t.Cleanup(pools.Close)
	s := New(proxy.New(wd, pools), wd, list, Limits{}, func(string, string) {})
	t.Cleanup(func() { s.stopListening() })
	return s
}

func TestAddressesComeAndGoUnderSteering(t *testing.T) {
	for _, loops := range []int{0, 3} {
		s := newServer(t, loops)
		b := &board{open: map[string]*place{}}
		s.SetSteering(b)
		spec := Spec{Address: "127.0.0.1:0"}
		if _, err := s.Listen([]Spec{spec}); err != nil {
			t.Fatal(err)
		}
		p := b.open[spec.Address]
		if p == nil || loops > 0 && len(p.fds) != loops || len(p.fds) == 0 {
			t.Fatalf("%d loops: %+v", loops, p)
		}
		g := s.groups[spec.Address]
		var seats []*seat
		seats = append(seats, g.seats...)
		for _, a := range g.accept {
			seats = append(seats, &a.seat)
		}
		if len(seats) != len(p.fds) {
			t.Fatalf("%d seats for %d listeners", len(seats), len(p.fds))
		}
		for i, x := range seats {
			if l := x.load.Load(); l == nil || *l != p.loads[i] {
				t.Errorf("%d loops: listener %d has no load", loops, i)
			}
		}
		// The loads may become others, or none.
		fresh := new(counted)
		p.loads[0], p.loads[1] = fresh, nil
		if err := s.Steer(); err != nil || p.tended != 1 {
			t.Errorf("%v, tended %d times", err, p.tended)
		}
		if l := seats[0].load.Load(); l == nil || *l != Load(fresh) || seats[1].load.Load() != nil {
			t.Error("the loads of before")
		}
		// Nothing waits at goroutines' listeners; loops say that themselves.
		if want := min(1, len(g.accept)); fresh.drained != want {
			t.Errorf("%d loops: told %d times that nothing waits, want %d", loops, fresh.drained, want)
		}

		// What is refused is not opened, and everything else stays.
		b.refuse = errors.New("no")
		if _, err := s.Listen([]Spec{spec, {Address: "[::1]:0"}}); !errors.Is(err, b.refuse) || len(s.groups) != 1 {
			t.Errorf("%v, %d addresses", err, len(s.groups))
		}
		if err := s.Steer(); !errors.Is(err, b.refuse) {
			t.Error(err)
		}
		if _, err := s.Listen(nil); err != nil || len(b.open) != 0 {
			t.Errorf("%v, %d addresses under steering", err, len(b.open))
		}
	}
}

// A server that is held has not taken over yet, and must not change who gets what.
func TestHeldIsNotSteered(t *testing.T) {
	s := newServer(t, 2)
	b := &board{open: map[string]*place{}}
	s.SetSteering(b)
	s.Hold()
	if _, err := s.Listen([]Spec{{Address: "127.0.0.1:0"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Steer(); err != nil || len(b.open) != 0 {
		t.Errorf("%v, %d addresses under steering", err, len(b.open))
	}
	if err := s.Accept(); err != nil || len(b.open) != 1 {
		t.Errorf("%v, %d addresses under steering", err, len(b.open))
	}
	if p := b.open["127.0.0.1:0"]; p == nil || len(p.fds) != 2 {
		t.Errorf("%+v", p)
	}
}

// A listener of another make is served without.
func TestNoDescriptor(t *testing.T) {
	g := &group{held: []net.Listener{&failing{}}}
	if fds := g.descriptors(); fds != nil {
		t.Error(fds)
	}
}
