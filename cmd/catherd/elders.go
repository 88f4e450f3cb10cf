package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/handoff"
)

// elders are the links of all processes that were replaced and still finish what they
// have: what they count is counted by the one that serves, and what they have in flight
// is waited for by who wants to stop a Tomcat.
type elders struct {
	wg sync.WaitGroup // the goroutines of start

	mu     sync.Mutex // guards the rest
	links  map[*handoff.Link]admin.Elder
	paused bool // the links are to be passed on
	heard  bool // there is a goroutine for each
}

// add takes links in, before start.
func (e *elders) add(list []*handoff.Link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.links = map[*handoff.Link]admin.Elder{}
	for _, l := range list {
		e.links[l] = admin.Elder{}
	}
}

// list is what each of them has.
func (e *elders) list() (list []admin.Elder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.links {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b admin.Elder) int { return cmp.Compare(a.PID, b.PID) })
	return list
}

// note takes what one of them has.
func (e *elders) note(l *handoff.Link, has *admin.Elder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.links[l]; ok && has != nil {
		e.links[l] = *has
	}
}

// start listens to all of them until they end, or until ctx does. A second one does
// nothing without a pause.
func (e *elders) start(ctx context.Context, count func(*handoff.Message) *admin.Elder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard {
		return
	}
	e.paused, e.heard = false, true
	for l := range e.links {
		e.wg.Go(func() { e.follow(ctx, l, count) })
	}
}

func (e *elders) follow(ctx context.Context, l *handoff.Link, count func(*handoff.Message) *admin.Elder) {
	stop := context.AfterFunc(ctx, l.Interrupt)
	defer stop()
	for {
		m, _, err := l.Receive(0)
		if err == nil && m.Kind == handoff.Counts {
			e.note(l, count(&m))
		}
		e.mu.Lock()
		paused := e.paused || ctx.Err() != nil
		ended := err != nil && !errors.Is(err, os.ErrDeadlineExceeded) // else it is an interrupt that came late
		if ended && !paused {
			_ = l.Close()
			delete(e.links, l)
		}
		e.mu.Unlock()
		if ended || paused {
			return
		}
	}
}

// pause stops listening and gives duplicates of the links, for another process. start
// goes on.
func (e *elders) pause() (list []handoff.Socket, fds []int, err error) {
	e.mu.Lock()
	e.paused, e.heard = true, false
	for l := range e.links {
		l.Interrupt()
	}
	e.mu.Unlock()
	e.wg.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.links {
		fd, err := l.Descriptor()
		if err != nil {
			return list, fds, err
		}
		list, fds = append(list, handoff.Socket{Role: handoff.Elder}), append(fds, fd)
	}
	return list, fds, nil
}

// close ends all links, when somebody else has them or nobody is to know. No goroutine
// of start runs any longer: its context has ended, or pause was called.
func (e *elders) close() {
	e.wg.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.links {
		_ = l.Close()
	}
	clear(e.links)
}
