package cluster

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/dataplane/table"
)

// Question is a connector to be asked, and how.
type Question struct {
	Addr    netip.AddrPort
	Want    discover.Answer // AJP, HTTP, or Unknown: AJP first
	Secret  string
	Connect time.Duration // for the connection
	Timeout time.Duration // for the answer
}

// How often a connector is asked, and how many at a time.
const (
	firstPause = 200 * time.Millisecond
	eager      = 40 // questions with the first pause: a Tomcat deploys its applications meanwhile
	maxPause   = 2 * time.Second
	atOnce     = 16

	crowd      = 64 // connectors that a cluster of Tomcats may have; more of them
	crowdPause = 10 * time.Second
	calm       = 10 * time.Second // news of a host begin anew this often at most: they may be forged
)

// asker probes connectors again and again, as long as they are wanted.
type asker struct {
	prober health.Prober
	notify func()
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup
	room   chan struct{} // one place for each question under way

	mu      sync.Mutex // guards wanted and answers
	wanted  map[netip.AddrPort]*asked
	answers map[netip.AddrPort]discover.Answer
}

// asked is one connector's goroutine.
type asked struct {
	q    Question
	stop context.CancelFunc
	news chan struct{} // one place: its host was heard anew
}

func newAsker(p health.Prober, notify func()) *asker {
	a := &asker{
		prober: p, notify: notify, room: make(chan struct{}, atOnce),
		wanted: map[netip.AddrPort]*asked{}, answers: map[netip.AddrPort]discover.Answer{},
	}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

func (a *asker) close() {
	a.mu.Lock() // set is not just about to start something
	a.stop()
	a.mu.Unlock()
	a.wg.Wait()
}

// set makes the connectors that are asked exactly these. What others have
// answered is forgotten.
func (a *asker) set(questions []Question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return
	}
	keep := make(map[netip.AddrPort]bool, len(questions))
	for _, q := range questions {
		keep[q.Addr] = true
		if w := a.wanted[q.Addr]; w != nil {
			if w.q == q {
				continue
			}
			w.stop()
		}
		ctx, stop := context.WithCancel(a.ctx)
		w := &asked{q: q, stop: stop, news: make(chan struct{}, 1)}
		a.wanted[q.Addr] = w
		a.wg.Go(func() { a.ask(ctx, w) })
	}
	for addr, w := range a.wanted {
		if !keep[addr] {
			w.stop()
			delete(a.wanted, addr)
			delete(a.answers, addr)
		}
	}
}

// heard has the connectors of a host asked often again: a Tomcat there begins,
// or begins anew.
func (a *asker) heard(host netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for addr, w := range a.wanted {
		if addr.Addr() == host {
			select {
			case w.news <- struct{}{}:
			default:
			}
		}
	}
}

// longest is the longest pause between two questions to one connector.
func (a *asker) longest() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.wanted) > crowd {
		return crowdPause
	}
	return maxPause
}

// snapshot is what has been answered.
func (a *asker) snapshot() map[netip.AddrPort]discover.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make(map[netip.AddrPort]discover.Answer, len(a.answers))
	for k, v := range a.answers {
		out[k] = v
	}
	return out
}

// ask asks until ctx ends.
func (a *asker) ask(ctx context.Context, w *asked) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause, same := firstPause, 0
	last, anew := discover.Unknown, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.news:
			if pause == firstPause || time.Since(anew) < calm {
				continue
			}
			pause, same, anew = firstPause, 0, time.Now()
		case <-timer.C:
		}
		select {
		case <-ctx.Done():
			return
		case a.room <- struct{}{}:
		}
		got := a.once(ctx, w.q)
		<-a.room
		if ctx.Err() != nil {
			return
		}
		if got != last {
			last, same, pause = got, 0, firstPause
			a.mu.Lock()
			if ctx.Err() == nil { // set has not dropped the connector meanwhile
				a.answers[w.q.Addr] = got
			}
			a.mu.Unlock()
			a.notify()
		}
		if same++; same > eager {
			pause = min(2*pause, a.longest())
		}
		timer.Reset(pause)
	}
}

// once asks by the protocol that is wanted, and then by the other one: an answer
// in it is a finding, too.
func (a *asker) once(ctx context.Context, q Question) discover.Answer {
	order := []discover.Answer{discover.AJP, discover.HTTP}
	if q.Want == discover.HTTP {
		order = []discover.Answer{discover.HTTP, discover.AJP}
	}
	got := discover.Unknown
	for _, protocol := range order {
		switch s := a.probe(ctx, q, protocol); {
		case s.OK:
			return protocol
		case s.Fail == health.Refused:
			return discover.Refused
		case s.Fail == health.Late:
			return discover.Mute
		}
		got = discover.Other
	}
	return got
}

func (a *asker) probe(ctx context.Context, q Question, protocol discover.Answer) health.Sample {
	t := health.Target{
		ID: table.ID("candidate " + q.Addr.String()), Quick: true,
		To:       table.Target{Scheme: table.HTTP, Addr: q.Addr.String(), Host: q.Addr.String()},
		Settings: health.Settings{Connect: q.Connect, Timeout: q.Timeout},
	}
	if protocol == discover.AJP {
		t.To.Scheme, t.To.Secret = table.AJP, q.Secret
	}
	ctx, cancel := context.WithTimeout(ctx, q.Connect+2*q.Timeout)
	defer cancel()
	return a.prober.Probe(ctx, t)
}
