package main

import (
	"sync"
	"time"
)

// outage is what was done to one member.
type outage struct {
	round  int
	what   string // "stop", "kill", "freeze 8s"
	member string

	from time.Time // just before the shutdown word or the signal
	gone time.Time // the process was collected; when frozen: when the signal was sent
	back time.Time // it answers again by itself; when frozen: just before SIGCONT
	used time.Time // the front was seen to use it again; zero: it was not, within backPatience
	next time.Time // end of the time in which new sessions are counted
}

// frozen tells whether the process lived through it.
func (o *outage) frozen() bool { return o.what != "stop" && o.what != "kill" }

// loss is a session or a count that a user lost.
type loss struct {
	at   time.Time
	back bool // a count went back; else the session has another id
	text string
}

// book is where everything that was seen is entered. Safe for concurrent use.
type book struct {
	mu      sync.Mutex // guards the rest
	results []result
	losses  []loss
	posts   map[string]bool      // ids of all that were sent
	latest  map[string]time.Time // by member: when the latest request it answered was sent
	late    time.Duration        // how late the generator was at worst
	strange int                  // arrivals that found no browser free
}

func newBook() *book {
	return &book{posts: make(map[string]bool), latest: make(map[string]time.Time)}
}

// sending notes a POST before its first byte leaves.
func (b *book) sending(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.posts[id] = true
}

func (b *book) crowded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.strange++
}

// enter takes a result, and the sentence about what its user lost (see browser.visited).
func (b *book) enter(r *result, lost string, back bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, *r)
	if lost != "" {
		b.losses = append(b.losses, loss{at: r.end, back: back, text: lost})
	}
	if r.fault == "" && r.start.After(b.latest[r.node]) {
		b.latest[r.node] = r.start
	}
	b.late = max(b.late, r.start.Sub(r.due))
}

// usedSince tells whether a member has answered a request that was sent after a moment.
func (b *book) usedSince(member string, t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest[member].After(t)
}
