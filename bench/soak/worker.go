package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// worker is one of the clients.
type worker struct {
	number int
	think  time.Duration // mean pause between requests
	client client
	random *rand.Rand
	book   *book

	since atomic.Int64 // when the request under way began, unix nanoseconds; 0 between two

	session session
	cookie  string // JSESSIONID, "" before the first visit
}

func newWorker(number int, addr string, think time.Duration, b *book) *worker {
	random := rand.New(rand.NewPCG(uint64(number), 20))
	return &worker{number: number, think: think, book: b, random: random, client: client{addr: addr, random: random}}
}

// run asks until ctx ends; the request under way is finished.
func (w *worker) run(ctx context.Context) {
	defer w.client.close()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		w.once(fmt.Sprintf("w%02d-%07d-%08x", w.number, n, w.random.Uint32()))
		pause.Reset(time.Duration(w.random.Int64N(int64(2*w.think) + 1)))
	}
}

// once makes one request and enters what came of it.
func (w *worker) once(id string) {
	t := draw(w.random, id, w.cookie)
	post := t.method == http.MethodPost
	if post {
		w.book.posts.sending(id)
	}
	b := newBody()
	w.since.Store(time.Now().UnixNano())
	r, header := w.client.do(&t.request, b)
	if r.head && r.status == http.StatusOK && r.gotID == id {
		r.wrong = t.wrong(&r, header, b)
		if post && whole(&r) {
			w.book.posts.answered(id, r.node)
		}
	}
	w.book.enter(&r)
	w.since.Store(0)
	if !t.counter {
		return
	}
	if v, ok := parseVisit(b.text.String()); ok && r.err == nil && r.gotID == id {
		v.start, v.end = r.start, r.end
		w.cookie = v.id + "." + v.route
		w.book.visited(w, v)
	}
}

// underWay counts the requests that began before a moment and have not ended.
func underWay(workers []*worker, before time.Time) (n int) {
	for _, w := range workers {
		if since := w.since.Load(); since != 0 && since < before.UnixNano() {
			n++
		}
	}
	return n
}
