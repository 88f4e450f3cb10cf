package upstream

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestStackIsLastInFirstOut(t *testing.T) {
	var s stack
	var all []*Conn
	for range 40 { // more than one growth
		c := new(Conn)
		s.place(c)
		all = append(all, c)
	}
	if s.pop() != nil {
		t.Fatal("an empty stack gave something")
	}
	for _, c := range all {
		s.push(c)
	}
	for i := len(all) - 1; i >= 0; i-- {
		if s.pop() != all[i] {
			t.Fatalf("place %d has another connection", i)
		}
	}
	if s.pop() != nil {
		t.Fatal("the stack gave more than was put in")
	}
}

func TestStackReusesSlots(t *testing.T) {
	var s stack
	for range 1000 {
		a, b := new(Conn), new(Conn)
		s.place(a)
		s.place(b)
		if a.slot == b.slot {
			t.Fatal("two connections in one slot")
		}
		s.push(a)
		s.push(b)
		if s.pop() != b || s.pop() != a {
			t.Fatal("wrong order")
		}
		s.vacate(a)
		s.vacate(b)
	}
	if n := len(*s.slots.Load()); n != 16 {
		t.Errorf("two connections at a time took %d slots", n)
	}
}

// Many goroutines push, pop, vacate and place: nobody may be given out twice,
// nobody may be lost.
func TestStackUnderContention(t *testing.T) {
	const workers, rounds = 8, 20000
	type tracked struct {
		Conn
		out atomic.Bool
	}
	var s stack
	var mu sync.Mutex // guards owner
	owner := map[*Conn]*tracked{}
	fresh := func() *tracked {
		x := new(tracked)
		x.out.Store(true)
		mu.Lock()
		owner[&x.Conn] = x
		mu.Unlock()
		s.place(&x.Conn)
		return x
	}
	look := func(c *Conn) *tracked {
		mu.Lock()
		defer mu.Unlock()
		return owner[c]
	}
	var alive atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				var x *tracked
				if c := s.pop(); c != nil {
					if x = look(c); x == nil {
						t.Error("popped a connection that is gone")
						return
					}
					if x.out.Swap(true) {
						t.Error("popped a connection that somebody holds")
						return
					}
				} else {
					x = fresh()
					alive.Add(1)
				}
				if (i+w)%7 == 0 { // it has ended: its slot goes to another
					mu.Lock()
					delete(owner, &x.Conn)
					mu.Unlock()
					s.vacate(&x.Conn)
					alive.Add(-1)
					continue
				}
				x.out.Store(false)
				s.push(&x.Conn)
			}
		})
	}
	wg.Wait()
	left := int64(0)
	for c := s.pop(); c != nil; c = s.pop() {
		if look(c) == nil {
			t.Fatal("a connection that is gone lies in the stack")
		}
		left++
	}
	if left != alive.Load() || left > workers {
		t.Errorf("%d connections lie in the stack, %d were not closed, %d at most were needed", left, alive.Load(), workers)
	}
}
