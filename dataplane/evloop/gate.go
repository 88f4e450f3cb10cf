package evloop

import "sync/atomic"

// The states of a gate.
const (
	idle    uint32 = iota
	ready          // an edge came and nobody has used it
	byTask         // a task waits on the loop
	byChan         // a goroutine waits on ch
	byOwner        // the owner waits for the next request
)

// gate is one direction of a socket. Whoever moves it from a waiting state to
// idle wakes the waiter, so nobody is woken twice.
type gate struct {
	state atomic.Uint32
	past  atomic.Bool   // the deadline is over: waits return at once
	over  atomic.Bool   // nothing more will change: the peer has ended or reset
	task  *Task         // valid in byTask
	ch    chan struct{} // made by the first goroutine that waits; holds one wake-up
}

// notify records an edge, or takes the waiter out. It returns the waiting state
// that was left, or idle when there was nobody to be woken.
func (g *gate) notify() uint32 {
	for {
		switch s := g.state.Load(); s {
		case ready:
			return idle
		case idle:
			if g.state.CompareAndSwap(idle, ready) {
				return idle
			}
		default:
			if g.state.CompareAndSwap(s, idle) {
				return s
			}
		}
	}
}

// take takes a waiter out without recording anything.
func (g *gate) take() uint32 {
	for {
		s := g.state.Load()
		if s == idle || s == ready {
			return idle
		}
		if g.state.CompareAndSwap(s, idle) {
			return s
		}
	}
}

// enter goes from idle to a waiting state. False: there is no need to wait.
func (g *gate) enter(state uint32) bool {
	for {
		if g.state.CompareAndSwap(ready, idle) {
			return false
		}
		if g.state.CompareAndSwap(idle, state) {
			return true
		}
	}
}

// caught takes a waiter that has just entered out again when a deadline or an end
// came before that: it has found nobody to wake. False: there is none, or whoever
// brought it has seen the waiter and wakes it.
func (g *gate) caught(waiting uint32) bool {
	return (g.past.Load() || g.over.Load()) && g.state.CompareAndSwap(waiting, idle)
}

// wait waits for an edge. It returns false when the deadline is over.
func (g *gate) wait(t *Task) bool {
	if g.past.Load() {
		return false
	}
	if g.over.Load() {
		return true
	}
	waiting := byChan
	if t.Attached() {
		waiting, g.task = byTask, t
	} else if g.ch == nil {
		g.ch = make(chan struct{}, 1)
	}
	if !g.enter(waiting) {
		return true
	}
	if g.caught(waiting) {
		return !g.past.Load()
	}
	if waiting == byTask {
		t.pause()
	} else {
		<-g.ch
	}
	if g.past.Load() {
		// An edge may have come as well; who goes on after a time-out must find it.
		g.state.CompareAndSwap(idle, ready)
		return false
	}
	return true
}
