package evloop

import (
	"runtime"
	"sync/atomic"
	"testing"
)

func TestATaskWaitsWithoutHoldingTheLoop(t *testing.T) {
	l := start(t)
	s, peer := pair(t, l)
	got := make(chan byte, 1)
	done := task(l, func(tk *Task) {
		if !tk.Attached() || tk.Loop() != l {
			t.Error("not a task of the loop")
		}
		var b [1]byte
		for {
			if n, err := unixRead(s, b[:]); err == nil && n == 1 {
				got <- b[0]
				return
			}
			s.WaitRead(tk)
		}
	})
	onLoop(t, l, func() {}) // somebody else has a turn meanwhile
	send(t, peer, "x")
	if b := await(t, "the byte is read", got); b != 'x' {
		t.Errorf("got %q", b)
	}
	await(t, "the task ends", done)
}

func TestADetachedTaskMayBlock(t *testing.T) {
	l := start(t)
	s, peer := pair(t, l)
	gate := make(chan struct{})
	detached := make(chan struct{})
	done := task(l, func(tk *Task) {
		tk.Detach()
		tk.Detach() // changes nothing
		tk.Yield()  // nothing to yield
		if tk.Attached() {
			t.Error("still attached")
		}
		close(detached)
		<-gate
		if !s.WaitRead(tk) {
			t.Error("late")
		}
	})
	await(t, "it is detached", detached)
	onLoop(t, l, func() {}) // the loop goes on although the task blocks
	close(gate)
	send(t, peer, "x")
	await(t, "the task ends", done)

	// Its coroutine is used again, attached.
	again := task(l, func(tk *Task) {
		if !tk.Attached() {
			t.Error("begins detached")
		}
	})
	await(t, "the next task ends", again)
}

func TestNilTasksAreGoroutines(t *testing.T) {
	var tk *Task
	tk.Detach()
	tk.Yield()
	if tk.Attached() {
		t.Error("attached to nothing")
	}
}

func TestYieldLetsOthersRun(t *testing.T) {
	l := start(t)
	order := make(chan string, 8)
	done := task(l, func(tk *Task) {
		l.Do(func() { order <- "other" })
		tk.Yield()
		order <- "task"
	})
	await(t, "the task ends", done)
	if first := <-order; first != "other" {
		t.Errorf("%s came first", first)
	}
}

// A crowd leaves no stacks behind, whatever order its tasks end in.
func TestTasksOfACrowdAreGivenBack(t *testing.T) {
	l := start(t)
	const crowd = keepTasks + 100
	var ended atomic.Int64
	all := make(chan struct{})
	onLoop(t, l, func() {
		for i := range crowd {
			l.Start(runner(func(tk *Task) {
				if i%3 == 0 {
					tk.Detach()
				}
				tk.Yield()
				if ended.Add(1) == crowd {
					close(all)
				}
			}))
		}
	})
	await(t, "the crowd ends", all)
	for active := -1; active != 0; { // the last detached ones are being retired
		onLoop(t, l, func() { active = l.active })
		runtime.Gosched()
	}
	onLoop(t, l, func() {
		if len(l.free) != keepTasks {
			t.Errorf("%d tasks are kept", len(l.free))
		}
	})
}

// parked is an owner that counts its calls.
type parked struct{ calls chan struct{} }

func (p *parked) Readable() { p.calls <- struct{}{} }

func TestParkCallsTheOwnerOnce(t *testing.T) {
	for name, ready := range map[string]func(s *Sock, peer int){
		"bytes":    func(_ *Sock, peer int) { send(t, peer, "x") },
		"end":      func(_ *Sock, peer int) { shut(t, peer) },
		"deadline": func(s *Sock, _ int) { _ = s.SetReadDeadline(past) },
	} {
		for _, before := range []bool{true, false} {
			l := start(t)
			s, peer := pair(t, l)
			o := &parked{calls: make(chan struct{}, 10)}
			if before {
				ready(s, peer)
				epoch(t, l)
			}
			s.Park(o)
			if !before {
				epoch(t, l)
				if len(o.calls) > 0 {
					t.Errorf("%s: called without a reason", name)
				}
				ready(s, peer)
			}
			await(t, name+": the owner is called", o.calls)
			epoch(t, l)
			if len(o.calls) > 0 {
				t.Errorf("%s, before the wait %v: called twice", name, before)
			}
			if s.Ended() != (name == "end") || s.Past() != (name == "deadline") {
				t.Errorf("%s: ended %v, past %v", name, s.Ended(), s.Past())
			}
		}
	}
}

func TestTouchedAgainAndCalm(t *testing.T) {
	l := start(t)
	s, peer := pair(t, l)
	epoch(t, l)
	if s.Touched() {
		t.Error("touched by nobody")
	}
	s.Again()
	if !s.Touched() {
		t.Error("Again does not touch")
	}
	s.Calm()
	if s.Touched() {
		t.Error("Calm leaves it touched")
	}
	send(t, peer, "x")
	epoch(t, l)
	if !s.Touched() || s.Ended() {
		t.Errorf("after a byte: touched %v, ended %v", s.Touched(), s.Ended())
	}
	s.Calm()
	shut(t, peer)
	epoch(t, l)
	s.Calm()
	if !s.Touched() || !s.Ended() {
		t.Error("an end can be calmed")
	}
}
