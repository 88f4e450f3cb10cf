package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// evidence is how many violations are kept word for word; all are counted.
const evidence = 40

// book is where everything that was seen is entered. Safe for concurrent use.
type book struct {
	posts *posts
	tell  func(text string) // is told of every violation kept, when it happens

	mu         sync.Mutex // guards the rest
	kills      []kill
	counts     [violated + 1]int
	fates      [wronged + 1]int
	in, out    int64 // body bytes from Catherd and to it
	slowest    result
	latency    []time.Duration // since the last look
	violations int
	texts      []string
	ids        []string // of the requests among them
}

func newBook() *book { return &book{posts: newPosts(), tell: func(string) {}} }

// dying begins a kill and gone ends it.
func (b *book) dying(member string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills = append(b.kills, kill{member: member, from: time.Now()})
}

func (b *book) gone() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills[len(b.kills)-1].to = time.Now()
}

// enter judges a result.
func (b *book) enter(r *result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, text := judge(r, b.kills)
	b.counts[v]++
	b.in += r.size
	b.out += r.sent
	took := r.took()
	if took > b.slowest.took() {
		b.slowest = *r
	}
	b.latency = append(b.latency, took)
	if v == violated {
		b.complain(r.String() + ": " + text)
		if len(b.ids) < evidence {
			b.ids = append(b.ids, r.id)
		}
	}
}

// visited judges a visit of a worker's session.
func (b *book) visited(w *worker, v visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, text := w.session.next(v, b.kills)
	b.fates[f]++
	if f == wronged {
		b.complain(fmt.Sprintf("client %d at %s: %s", w.number, v.end.Format(clock), text))
	}
}

// violate enters a broken promise that no single request shows.
func (b *book) violate(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complain(fmt.Sprintf(format, args...))
}

// complain needs the lock.
func (b *book) complain(text string) {
	b.violations++
	if len(b.texts) < evidence {
		b.texts = append(b.texts, text)
		b.tell(text)
	}
}

// lookAt is what the book says at one moment.
type lookAt struct {
	requests, violations int
	counts               [violated + 1]int
	fates                [wronged + 1]int
	in, out              int64
	kills                []kill
	median, p99          time.Duration // since the last look
	slowest              result
	texts, ids           []string
}

// look reads the book and begins a new span of latencies.
func (b *book) look() lookAt {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := lookAt{violations: b.violations, counts: b.counts, fates: b.fates, in: b.in, out: b.out,
		kills: slices.Clone(b.kills), slowest: b.slowest, texts: slices.Clone(b.texts), ids: slices.Clone(b.ids)}
	for _, n := range b.counts {
		l.requests += n
	}
	if n := len(b.latency); n > 0 {
		slices.Sort(b.latency)
		l.median, l.p99 = b.latency[n/2], b.latency[n*99/100]
	}
	b.latency = b.latency[:0]
	return l
}
