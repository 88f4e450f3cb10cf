package main

import (
	"fmt"
	"strings"
	"sync"
)

// browser is one user: a cookie and what the counter page said last. Nobody shares one
// while it asks.
type browser struct {
	number  int
	cookie  string
	session string // without the route
	count   int
}

// split takes a session id apart at its first dot, where Tomcat appends the jvmRoute.
func split(full string) (session, route string) {
	session, route, _ = strings.Cut(full, ".")
	return session, route
}

// visited takes the result of a request of this browser. The sentence says what the user
// lost, "" for nothing; back tells that it is a count and not the whole session.
func (b *browser) visited(r *result) (lost string, back bool) {
	if r.given != "" {
		b.cookie = r.given
	}
	if r.kind != counter || r.fault != "" {
		return "", false
	}
	was, before := b.session, b.count
	b.session, b.count = r.session, r.count
	switch {
	case was == "" || r.session == was && r.count > before:
		return "", false
	case r.session != was:
		return fmt.Sprintf("browser %d: session %s with count %d became %s with count %d on %s (cookie %s)",
			b.number, was, before, r.session, r.count, r.node, r.cookie), false
	}
	return fmt.Sprintf("browser %d: count %d went back to %d on %s (cookie %s)", b.number, before, r.count, r.node, r.cookie), true
}

// crowd is all browsers that are not asking. The one that has rested longest is next.
type crowd struct {
	mu   sync.Mutex // guards free
	free []*browser
}

func newCrowd(n int) *crowd {
	c := &crowd{}
	for i := range n {
		c.free = append(c.free, &browser{number: i + 1})
	}
	return c
}

// next takes a browser, nil when all are asking.
func (c *crowd) next() *browser {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) == 0 {
		return nil
	}
	b := c.free[0]
	c.free = c.free[1:]
	return b
}

func (c *crowd) back(b *browser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, b)
}
