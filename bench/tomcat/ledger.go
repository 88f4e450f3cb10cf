package tomcat

import (
	"slices"
	"sync"
)

// ledger remembers request ids in order.
type ledger struct {
	mu  sync.Mutex // guards ids
	ids []string
}

func (l *ledger) add(id string) {
	l.mu.Lock()
	l.ids = append(l.ids, id)
	l.mu.Unlock()
}

func (l *ledger) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}
