package evloop

import (
	"sync"
	"testing"
)

// Each test of a gate runs on an ordinary goroutine: the states are the same as in a
// task, and the wait is a channel.

func TestAnEdgeBeforeTheWaitIsRemembered(t *testing.T) {
	var g gate
	if left := g.notify(); left != idle {
		t.Errorf("woke %d, nobody waits", left)
	}
	if left := g.notify(); left != idle {
		t.Errorf("a second edge woke %d", left)
	}
	if !g.wait(nil) {
		t.Error("the deadline is not over")
	}
	if s := g.state.Load(); s != idle {
		t.Errorf("state %d: one wait uses one edge", s)
	}
}

// waiting runs f once a goroutine waits at g, and returns what its wait gave.
func waiting(t *testing.T, g *gate, f func(left uint32)) bool {
	t.Helper()
	got := make(chan bool, 1)
	go func() { got <- g.wait(nil) }()
	for g.state.Load() != byChan {
		select {
		case v := <-got:
			t.Fatalf("did not wait: %v", v)
		default:
		}
	}
	f(byChan)
	return await(t, "the wait ends", got)
}

func TestAnEdgeDuringTheWaitEndsIt(t *testing.T) {
	var g gate
	if !waiting(t, &g, func(want uint32) {
		if left := g.notify(); left != want {
			t.Errorf("took out %d, want %d", left, want)
		}
		if left := g.notify(); left != idle {
			t.Errorf("took out %d a second time", left)
		}
		g.ch <- struct{}{}
	}) {
		t.Error("late without a deadline")
	}
	// The second edge came after the waiter had been taken out: it is for the next wait.
	if s := g.state.Load(); s != ready {
		t.Errorf("state %d after an edge nobody has used", s)
	}
}

func TestADeadlineDuringTheWaitEndsIt(t *testing.T) {
	var g gate
	if waiting(t, &g, func(want uint32) {
		g.past.Store(true)
		if left := g.take(); left != want {
			t.Errorf("took out %d, want %d", left, want)
		}
		if left := g.take(); left != idle {
			t.Errorf("took out %d a second time", left)
		}
		g.ch <- struct{}{}
	}) {
		t.Error("not late")
	}
	if g.wait(nil) {
		t.Error("a wait after the deadline waits")
	}
	g.past.Store(false)
	g.notify()
	if !g.wait(nil) {
		t.Error("late after the deadline has been lifted")
	}
}

func TestAnEndIsForGood(t *testing.T) {
	var g gate
	g.over.Store(true)
	for range 3 {
		if !g.wait(nil) {
			t.Error("late at the end of the stream")
		}
	}
	g.past.Store(true)
	if g.wait(nil) {
		t.Error("the deadline is stronger than the end")
	}
}

func TestTakingRecordsNothing(t *testing.T) {
	var g gate
	if left := g.take(); left != idle {
		t.Errorf("took out %d, nobody waits", left)
	}
	if s := g.state.Load(); s != idle {
		t.Errorf("state %d", s)
	}
	g.notify()
	if left := g.take(); left != idle || g.state.Load() != ready {
		t.Errorf("took out %d and left state %d: a deadline is no edge", left, g.state.Load())
	}
}

// The three that meet at a gate: the loop, whoever expires deadlines, and one who
// waits. However they interleave, each wait ends, and no wake-up is left over.
func TestNoWakeUpIsLostOrDoubled(t *testing.T) {
	const rounds = 20000
	var g gate
	wake := func(left uint32) {
		if left == byChan {
			g.ch <- struct{}{} // blocks for ever if one is there already
		}
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				wake(g.notify())
			}
		}
	})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				g.past.Store(true)
				wake(g.take())
				g.past.Store(false)
			}
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range rounds {
			g.wait(nil)
		}
	}()
	await(t, "all waits end", done)
	close(stop)
	others.Wait()
	if n := len(g.ch); n != 0 {
		t.Errorf("%d wake-ups are left over", n)
	}
}

// A deadline or an end that comes between the look and the wait finds nobody to wake.
func TestWhatComesDuringEntryIsSeen(t *testing.T) {
	for name, set := range map[string]func(*gate){
		"deadline": func(g *gate) { g.past.Store(true) },
		"end":      func(g *gate) { g.over.Store(true) },
	} {
		var g gate
		if !g.enter(byTask) || g.caught(byTask) {
			t.Errorf("%s: no wait although there is nothing", name)
		}
		set(&g)
		if !g.caught(byTask) || g.state.Load() != idle {
			t.Errorf("%s: not seen, state %d", name, g.state.Load())
		}
		g.enter(byTask)
		g.take() // somebody has seen the waiter and is about to wake it
		if g.caught(byTask) {
			t.Errorf("%s: the waiter leaves, and a wake-up is under way", name)
		}
	}
	// The same in a race, until it has been met: nobody hangs.
	for range 20000 {
		var g gate
		var both sync.WaitGroup
		both.Go(func() {
			g.past.Store(true)
			if g.take() == byChan {
				g.ch <- struct{}{}
			}
		})
		done := make(chan struct{})
		both.Go(func() {
			g.wait(nil)
			close(done)
		})
		await(t, "the wait ends", done)
		both.Wait()
	}
}
