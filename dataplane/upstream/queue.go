package upstream

import (
	"sync"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// queue holds the requests that wait for a permit of a full pool: those with a
// session before those without, each kind in the order of arrival.
type queue struct {
	mu    sync.Mutex // guards lanes
	lanes [2][]*waiter
}

type waiter struct {
	granted chan struct{} // closed with the permit, or without one when away is set
	stay    bool          // Want.Stay
	away    string        // why the member was given up; guarded by the queue's lock until granted is closed
}

// result is what the end of the wait means.
func (w *waiter) result() Fault {
	if w.away != "" {
		return Fault{Evicted, w.away}
	}
	return Fault{}
}

const (
	laneSession = 0
	laneNew     = 1
)

// wait queues up for a permit. None means that the caller holds one.
func (p *Pool) wait(cfg *table.Pool, w Want) Fault {
	lane := laneNew
	if w.Session {
		lane = laneSession
	}
	me := &waiter{granted: make(chan struct{}), stay: w.Stay}
	if have, f := p.enqueue(cfg, lane, me); have || !f.OK() {
		return f
	}
	p.live.Queued.Add(1)
	defer p.live.Queued.Add(-1)
	// A permit given back before we stood in the queue would be missed without this.
	p.wake(int64(cfg.Conns.Max))

	t := time.NewTimer(cfg.Timeouts.Queue)
	defer t.Stop()
	select {
	case <-me.granted:
		return me.result()
	case <-t.C:
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	select {
	case <-me.granted: // granted while the timer fired
		return me.result()
	default:
	}
	p.queue.remove(lane, me)
	p.waiting.Add(-1)
	return Fault{QueueTimeout, "no connection became free within " + cfg.Timeouts.Queue.String()}
}

// enqueue puts me in line, unless there is a permit after all, or no place.
//
// The permits that a sweep holds come back in a moment. Each of them is a place to
// wait, whatever the length of the queue: without the sweep there would be no wait.
func (p *Pool) enqueue(cfg *table.Pool, lane int, me *waiter) (have bool, f Fault) {
	limit := int64(cfg.Conns.Max)
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	for {
		swept := p.swept.Load()
		p.serve(limit)
		if p.queue.empty() && p.take(limit) {
			return true, Fault{}
		}
		if int64(p.queue.size()) < int64(cfg.Conns.Queue)+p.lent.Load() {
			p.waiting.Add(1)
			p.queue.lanes[lane] = append(p.queue.lanes[lane], me)
			return false, Fault{}
		}
		if p.swept.Load() == swept {
			return false, Fault{QueueFull, "all connections are in use and the queue is full"}
		}
		// A sweep has given permits back since we looked for one.
	}
}

// wake hands free permits to those who wait.
func (p *Pool) wake(limit int64) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.serve(limit)
}

// serve hands free permits to those who wait. The queue's lock is held.
func (p *Pool) serve(limit int64) {
	for !p.queue.empty() && p.take(limit) {
		p.grant()
	}
}

// handOver passes the caller's own permit on. False when nobody waits, or when
// a reload has lowered the bound below what is in use.
func (p *Pool) handOver(limit int64) bool {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if p.queue.empty() || (limit != 0 && p.inUse.Load() > limit) {
		return false
	}
	p.grant()
	return true
}

// grant ends the wait of the first in line. The queue's lock is held.
func (p *Pool) grant() {
	p.waiting.Add(-1)
	close(p.queue.take().granted)
}

// evict sends away those who would do with another member, and tells how many.
func (p *Pool) evict(why string) (n int) {
	if p.waiting.Load() == 0 {
		return 0
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	for i, lane := range p.queue.lanes {
		stay := make([]*waiter, 0, len(lane))
		for _, w := range lane {
			if w.stay {
				stay = append(stay, w)
				continue
			}
			w.away = why
			p.waiting.Add(-1)
			close(w.granted)
			n++
		}
		p.queue.lanes[i] = stay
	}
	return n
}

func (q *queue) empty() bool { return q.size() == 0 }

func (q *queue) size() int { return len(q.lanes[laneSession]) + len(q.lanes[laneNew]) }

func (q *queue) take() *waiter {
	lane := laneSession
	if len(q.lanes[lane]) == 0 {
		lane = laneNew
	}
	w := q.lanes[lane][0]
	q.lanes[lane] = q.lanes[lane][1:]
	return w
}

func (q *queue) remove(lane int, w *waiter) {
	for i, x := range q.lanes[lane] {
		if x == w {
			q.lanes[lane] = append(q.lanes[lane][:i], q.lanes[lane][i+1:]...)
			return
		}
	}
}
