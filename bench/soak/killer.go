package main

import (
	"context"
	"fmt"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// killer kills the members in turn and starts them again.
type killer struct {
	farm    []member
	front   *front
	workers []*worker
	book    *book
	every   time.Duration // from kill to kill
	out     func(format string, args ...any)
}

// backPatience is how long a member may take from its start to work given by Catherd.
const backPatience = 90 * time.Second

// run ends with ctx, never with a member away: the last one is brought back first. A
// quarter of the interval always lies between the return of one and the death of the next.
func (k *killer) run(ctx context.Context) {
	next := time.NewTimer(k.every)
	defer next.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		began := time.Now()
		if !k.once(ctx, k.farm[n%len(k.farm)]) {
			return
		}
		k.audit()
		k.settle(ctx)
		next.Reset(max(k.every-time.Since(began), k.every/4))
	}
}

// once is one death and one return.
func (k *killer) once(ctx context.Context, m member) bool {
	k.book.dying(m.name())
	m.kill()
	k.book.gone()
	away := time.NewTimer(k.every / 5)
	defer away.Stop()
	select {
	case <-away.C:
	case <-ctx.Done(): // the load ends; it ends with everybody there
	}
	whole := context.WithoutCancel(ctx)
	began := time.Now()
	if err := m.start(whole); err != nil {
		k.book.violate("the member did not start again, so the run proves nothing: %v", err)
		return false
	}
	started := time.Since(began)
	if err := catalina.Poll(whole, backPatience, func() error { return k.front.up(whole, m) }); err != nil {
		k.book.violate("%s runs again and Catherd gives it no work: %v", m.name(), err)
		return false
	}
	k.out("%s was killed; it started in %v, had work after %v", m.name(),
		started.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return true
}

// settle waits for the requests that began before a member had come back. They know the
// members of their beginning; if the other one died now, both would be away for them.
func (k *killer) settle(ctx context.Context) {
	back := time.Now()
	if err := catalina.Poll(ctx, patience, func() error {
		if n := underWay(k.workers, back); n > 0 {
			return fmt.Errorf("%d requests are under way since before", n)
		}
		return nil
	}); err != nil && ctx.Err() == nil {
		k.book.violate("%v", err)
	}
}

// audit looks into the ledgers while the load goes on.
func (k *killer) audit() {
	ledgers, err := read(k.farm)
	if err != nil {
		k.book.violate("%v", err)
		return
	}
	for _, text := range audit(k.book.posts.copy(), ledgers, false) {
		k.book.violate("%s", text)
	}
}

// read reads all ledgers.
func read(farm []member) (map[string][]string, error) {
	ledgers := make(map[string][]string)
	for _, m := range farm {
		ids, err := m.ledger()
		if err != nil {
			return nil, fmt.Errorf("ledger of %s: %v", m.name(), err)
		}
		ledgers[m.name()] = ids
	}
	return ledgers, nil
}

// entries counts them.
func entries(ledgers map[string][]string) (n int) {
	for _, ids := range ledgers {
		n += len(ids)
	}
	return n
}
