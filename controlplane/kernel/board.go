package kernel

import (
	"slices"
	"strings"
	"sync"
)

// Board has what became of each program. The zero value is ready; its methods may
// be called from any goroutine.
type Board struct {
	mu   sync.Mutex // guards list
	list []entry
}

type entry struct {
	program string
	now     func() Status
}

// Put has now called whenever somebody wants to know what became of a program. It
// replaces what was put for the same one. now must return at once, is called from
// any goroutine, and must not call the Board.
func (b *Board) Put(program string, now func() Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.list {
		if b.list[i].program == program {
			b.list[i].now = now
			return
		}
	}
	b.list = append(b.list, entry{program, now})
	slices.SortFunc(b.list, func(x, y entry) int { return strings.Compare(x.program, y.program) })
}

// Set is Put for what does not change.
func (b *Board) Set(s Status) { b.Put(s.Program, func() Status { return s }) }

// All returns what became of each program, by name. A nil Board has none.
func (b *Board) All() []Status {
	out := []Status{}
	if b == nil {
		return out
	}
	b.mu.Lock()
	list := slices.Clone(b.list)
	b.mu.Unlock()
	for _, e := range list {
		out = append(out, e.now())
	}
	return out
}
