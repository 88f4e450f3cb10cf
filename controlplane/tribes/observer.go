package tribes

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Observer listens to one group and keeps its view. It is the only place
// where the two meet and where a clock is read for the view.
type Observer struct {
	group *Group
	tell  func([]Event)
	note  func(Notice)
	poke  chan struct{} // wakes Run: events wait, or the next look is earlier than planned

	mu      sync.Mutex // guards what is below
	view    *View
	events  []Event
	notices []Notice
	planned time.Time // when Run will look next
}

// localEvery is how often the addresses of this host are read again.
const localEvery = 30 * time.Second

// NewObserver returns an observer that does not listen yet. events and notices
// are called by the goroutine of Run; they may ask the observer. Both may be
// nil.
func NewObserver(cfg GroupConfig, set Settings, events func([]Event), notices func(Notice)) *Observer {
	return &Observer{group: NewGroup(cfg), view: NewView(set), tell: events, note: notices, poke: make(chan struct{}, 1)}
}

// Run listens until ctx ends.
func (o *Observer) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() { // ends with ctx, and Run waits for it
		defer close(done)
		o.group.Run(ctx, Sink{Hear: o.hear, Lost: o.lost, Notice: o.notice})
	}()
	defer func() { <-done }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var local time.Time // when the addresses of this host are read next
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.poke:
		}
		now := time.Now()
		if !now.Before(local) {
			local = now.Add(localEvery)
			if addrs, err := LocalAddrs(); err == nil {
				o.mu.Lock()
				o.view.SetLocal(addrs)
				o.mu.Unlock()
			}
		}
		timer.Reset(o.look(now))
	}
}

// look ticks when it is time, hands over what has happened, and returns how
// long to sleep.
func (o *Observer) look(now time.Time) time.Duration {
	o.mu.Lock()
	if next := o.view.Next(); !next.IsZero() && !now.Before(next) {
		o.events = append(o.events, o.view.Tick(now)...)
	}
	o.planned = now.Add(localEvery)
	if next := o.view.Next(); !next.IsZero() && next.Before(o.planned) {
		o.planned = next
	}
	wait := o.planned.Sub(now)
	events, notices := o.events, o.notices
	o.events, o.notices = nil, nil
	o.mu.Unlock()
	if o.note != nil {
		for _, n := range notices {
			o.note(n)
		}
	}
	if o.tell != nil && len(events) > 0 {
		o.tell(events)
	}
	return max(wait, time.Millisecond)
}

func (o *Observer) hear(now time.Time, src netip.AddrPort, b []byte) {
	o.mu.Lock()
	o.after(o.view.Hear(now, src, b))
	o.mu.Unlock()
}

func (o *Observer) lost(now time.Time, n uint64) {
	o.mu.Lock()
	o.after(o.view.Lost(now, n))
	o.mu.Unlock()
}

func (o *Observer) notice(n Notice) {
	o.mu.Lock()
	o.notices = append(o.notices, n)
	o.mu.Unlock()
	o.wake()
}

// after wakes Run when there is something for it. The caller holds mu.
func (o *Observer) after(events []Event) {
	next := o.view.Next()
	if len(events) == 0 && (next.IsZero() || !next.Before(o.planned)) {
		return
	}
	o.events = append(o.events, events...)
	o.wake()
}

func (o *Observer) wake() {
	select {
	case o.poke <- struct{}{}:
	default: // it is awake already
	}
}

// Nodes returns the nodes of the configured domain, by receiver.
func (o *Observer) Nodes() []Node {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.view.Nodes()
}

// Others returns the nodes of other domains, by receiver.
func (o *Observer) Others() []Node {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.view.Others()
}

// Status returns counters and the state of the group.
func (o *Observer) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.view.Status()
}

// Keep says whether somebody vouches for the node; see View.Keep.
func (o *Observer) Keep(receiver netip.AddrPort, keep bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.view.Keep(receiver, keep)
}

// Change replaces the settings and keeps what has been heard; see View.Change.
func (o *Observer) Change(set Settings) {
	o.mu.Lock()
	o.view.Change(set)
	o.mu.Unlock()
	o.wake()
}

// Facts returns the state of the socket.
func (o *Observer) Facts() Facts { return o.group.Facts() }
