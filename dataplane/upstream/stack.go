package upstream

import (
	"sync"
	"sync/atomic"
)

// stack is a last-in-first-out list of idle connections without a lock on the
// way in or out. Connections live in numbered slots; head holds a slot number
// and a tag that changes with every success, so a head that was read long ago
// never matches by accident (the ABA problem).
type stack struct {
	head  atomic.Uint64 // tag<<32 | slot+1; slot part 0: empty
	slots atomic.Pointer[[]atomic.Pointer[Conn]]

	mu   sync.Mutex // guards free and the growth of slots
	free []uint32

	gave atomic.Int64 // the newest Conn.lastByte of the connections that are gone
}

const slotMask = 1<<32 - 1

// place gives c a slot for its lifetime. Called once per connection.
func (s *stack) place(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		s.grow()
	}
	c.slot = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	(*s.slots.Load())[c.slot].Store(c)
}

// grow doubles the slots. Readers of the old slice stay right: what they find
// there is the same connection as in the new one, or their tag is stale.
func (s *stack) grow() {
	var old []atomic.Pointer[Conn]
	if p := s.slots.Load(); p != nil {
		old = *p
	}
	n := max(16, 2*len(old))
	slots := make([]atomic.Pointer[Conn], n)
	for i := range old {
		slots[i].Store(old[i].Load())
	}
	for i := n - 1; i >= len(old); i-- {
		s.free = append(s.free, uint32(i))
	}
	s.slots.Store(&slots)
}

// vacate frees the slot of a connection that is not in the stack.
func (s *stack) vacate(c *Conn) {
	s.mu.Lock()
	(*s.slots.Load())[c.slot].Store(nil)
	s.free = append(s.free, c.slot)
	s.gave.Store(max(s.gave.Load(), c.lastByte(c.wait.Load())))
	s.mu.Unlock()
}

// each calls f for every connection that has a slot, whether it is in the stack
// or not.
func (s *stack) each(f func(*Conn)) {
	slots := s.slots.Load()
	if slots == nil {
		return
	}
	for i := range *slots {
		if c := (*slots)[i].Load(); c != nil {
			f(c)
		}
	}
}

func (s *stack) push(c *Conn) {
	for {
		h := s.head.Load()
		c.next.Store(uint32(h & slotMask))
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(c.slot+1)) {
			return
		}
	}
}

func (s *stack) pop() *Conn {
	for {
		h := s.head.Load()
		i := h & slotMask
		if i == 0 {
			return nil
		}
		c := (*s.slots.Load())[i-1].Load()
		if c == nil {
			continue // the head moved on meanwhile
		}
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(c.next.Load())) {
			return c
		}
	}
}
