package evloop

import (
	"sync"
	"testing"
)

func TestStopWaitsForTasks(t *testing.T) {
	for name, detach := range map[string]bool{"attached": false, "detached": true} {
		l, err := New(0)
		if err != nil {
			t.Fatal(err)
		}
		s, peer := pair(t, l)
		begun := make(chan struct{})
		done := task(l, func(tk *Task) {
			if detach {
				tk.Detach()
			}
			close(begun)
			s.WaitRead(tk)
		})
		await(t, name+": the task begins", begun)
		ended := l.Stop()
		onLoop(t, l, func() {}) // it works on
		select {
		case <-ended:
			t.Errorf("%s: ended while a task waits", name)
		default:
		}
		send(t, peer, "x")
		await(t, name+": the task ends", done)
		await(t, name+": the loop ends", ended)
		await(t, name+": and is ended", l.Stop())
		l.Do(func() { t.Errorf("%s: a call after the end", name) })
	}
}

// A task that waits for ever ends with its socket's deadline, and the loop with it.
func TestStopAfterADeadline(t *testing.T) {
	l, err := New(0)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := pair(t, l)
	done := task(l, func(tk *Task) {
		if s.WaitRead(tk) {
			t.Error("in time")
		}
	})
	ended := l.Stop()
	_ = s.SetReadDeadline(past)
	await(t, "the task ends", done)
	await(t, "the loop ends", ended)
}

func TestPostsOfManyArriveInOrder(t *testing.T) {
	l := start(t)
	const posters, posts = 8, 2000
	var last [posters]int
	var all, counted sync.WaitGroup
	counted.Add(posters * posts)
	for i := range posters {
		all.Go(func() {
			for k := 1; k <= posts; k++ {
				l.Do(func() {
					if last[i] != k-1 {
						t.Errorf("poster %d: %d after %d", i, k, last[i])
					}
					last[i] = k
					counted.Done()
				})
			}
		})
	}
	all.Wait()
	done := make(chan struct{})
	go func() {
		counted.Wait()
		close(done)
	}()
	await(t, "all posts are carried out", done)
}

// A post made while others are carried out is not lost.
func TestAPostMayPost(t *testing.T) {
	l := start(t)
	done := make(chan struct{})
	n := 0
	var next func()
	next = func() {
		if n++; n == 1000 {
			close(done)
			return
		}
		l.Do(next)
	}
	l.Do(next)
	await(t, "the last one is carried out", done)
}

// Slots grow while events come for those that are there already.
func TestSlotsGrow(t *testing.T) {
	l := start(t)
	const many = 300
	var socks []*Sock
	for range many {
		s, peer := pair(t, l)
		send(t, peer, "x")
		socks = append(socks, s)
	}
	epoch(t, l)
	seen := map[uint32]bool{}
	for _, s := range socks {
		if !s.Touched() {
			t.Fatal("an event is lost")
		}
		if seen[s.slot] {
			t.Fatalf("slot %d is given twice", s.slot)
		}
		seen[s.slot] = true
		_ = s.Close()
	}
	if len(l.spare) < many {
		t.Errorf("%d slots came back", len(l.spare))
	}
}
