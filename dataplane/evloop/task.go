package evloop

import (
	"iter"
	"time"
)

// Runner is what a task does.
type Runner interface {
	// Run runs in t. It must not block while t is attached.
	Run(t *Task)
}

// Task is a coroutine of a loop. It is used for one Runner after the other.
type Task struct {
	loop     *Loop
	attached bool // the loop's thread runs it; changed by the task itself only
	finished bool
	run      Runner

	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

func (l *Loop) newTask() *Task {
	t := &Task{loop: l, attached: true}
	t.resume, t.stop = iter.Pull(t.body)
	return t
}

func (t *Task) body(yield func(struct{}) bool) {
	t.yield = yield
	for {
		t.run.Run(t)
		t.run, t.finished = nil, true
		if !yield(struct{}{}) {
			return
		}
	}
}

// Attached reports whether waits of t give the thread back to a loop. A nil task
// is that of an ordinary goroutine.
func (t *Task) Attached() bool { return t != nil && t.attached }

// Loop is the loop that t belongs to.
func (t *Task) Loop() *Loop { return t.loop }

// Detach moves the rest of the Runner to a goroutine of its own. It may block
// from then on. Detaching again, or a nil task, changes nothing.
func (t *Task) Detach() {
	if t.Attached() {
		t.attached = false
		t.pause()
	}
}

// Yield lets everybody else on the loop have a turn. A detached or nil task has a
// goroutine of its own and need not.
func (t *Task) Yield() {
	if t.Attached() {
		t.loop.post(posted{task: t})
		t.pause()
	}
}

func (t *Task) pause() { t.yield(struct{}{}) }

// A task has a stack, and a crowd that has gone should not leave its stacks behind.
const (
	keepTasks = 256 // bounds the tasks that a loop keeps for later
	idleTasks = 2   // that many are kept however long nobody needs them

	trimEvery = 2 * time.Second
)

// trim ends half of the tasks that nobody has needed since the last time, at most
// every trimEvery. It returns how long the loop may wait before it should be asked
// again, in milliseconds, -1 when there is nothing to trim.
func (l *Loop) trim(now time.Time) int {
	if len(l.free) <= idleTasks {
		l.low = 0
		return -1
	}
	if now.Sub(l.looked) >= trimEvery {
		for spare := (min(l.low, len(l.free)-idleTasks) + 1) / 2; spare > 0; spare-- {
			last := len(l.free) - 1
			l.free[last].stop()
			l.free[last] = nil
			l.free = l.free[:last]
		}
		l.looked, l.low = now, len(l.free)
	}
	return int(trimEvery.Milliseconds())
}

// Start runs r in a task. It is called on l's thread and returns when r waits
// or has ended.
func (l *Loop) Start(r Runner) {
	var t *Task
	if n := len(l.free); n > 0 {
		t = l.free[n-1]
		l.free = l.free[:n-1]
		l.low = min(l.low, n-1)
	} else {
		t = l.newTask()
	}
	t.run = r
	l.active++
	l.step(t)
}

// step resumes t until it waits again.
func (l *Loop) step(t *Task) {
	t.resume()
	switch {
	case t.finished:
		l.retire(t)
	case !t.attached:
		l.outside.Add(1)
		go t.onward()
	}
}

// retire keeps a task whose runner has ended for the next one.
func (l *Loop) retire(t *Task) {
	t.finished, t.attached = false, true
	l.active--
	if len(l.free) < keepTasks {
		l.free = append(l.free, t)
	} else {
		t.stop()
	}
	if l.active == 0 && l.stopping.Load() {
		l.Do(func() {})
	}
}

// onward is the goroutine of a detached task.
func (t *Task) onward() {
	defer t.loop.outside.Done()
	t.resume()
	t.loop.post(posted{done: t})
}
