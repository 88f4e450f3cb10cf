package kernel

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/events"
	"github.com/catherd/catherd/dataplane/table"
)

// Source tells events; *events.Watch is one.
type Source interface {
	Set([]netip.AddrPort) error
	Batches() <-chan []events.Event
	Lost() uint64
	Close() error
}

// Open starts a Source for addresses.
type Open func([]netip.AddrPort) (Source, error)

// OpenEvents is the Open of the kernel.
func OpenEvents(members []netip.AddrPort) (Source, error) {
	w, err := events.Start(members)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Member is one that is watched.
type Member struct {
	ID   table.ID
	Addr string        // host:port, as requests connect to it
	Open *atomic.Int64 // its connections; written by the data path
}

// Alarm is a sign with the members it is about.
type Alarm struct {
	Sign
	IDs   []table.ID
	Began time.Time // of Sign.First, by this process's clock
	Time  time.Time // of Sign.At
}

// Feed watches the connections of all members and hands out alarms. Its methods may
// be called from any goroutine.
type Feed struct {
	open   Open
	log    *slog.Logger
	alarms chan Alarm
	wish   chan wish // one place: the newest one
	tried  chan struct{}
	stop   context.CancelFunc
	ended  sync.WaitGroup

	mu     sync.Mutex // guards the rest
	status Status
	source Source // nil while there is none
	err    error  // of the newest attempt to attach

	told, missed, signs atomic.Uint64 // events, alarms that nobody took, alarms
	watched             atomic.Int64
}

// wish is what is wanted of a Feed.
type wish struct {
	members []Member
	never   string // why the events are not wanted; "": they are
}

// room is how many alarms may wait. Who does not take them in time has them anyhow
// by the next probe.
const room = 64

// NewFeed returns a feed that does nothing yet. The caller closes it.
func NewFeed(open Open, log *slog.Logger) *Feed {
	ctx, stop := context.WithCancel(context.Background())
	f := &Feed{
		open: open, log: log, alarms: make(chan Alarm, room), wish: make(chan wish, 1), tried: make(chan struct{}), stop: stop,
		status: Idle(Events, "it has not begun"),
	}
	// Ends with Close.
	f.ended.Go(func() { f.run(ctx) })
	return f
}

// Alarms returns the channel of the alarms. It is never closed.
func (f *Feed) Alarms() <-chan Alarm { return f.alarms }

// Set says which members are watched from now on. With a reason for never nothing
// is. It returns at once; what becomes of it is seen in Status. Not to be called by
// two goroutines at a time.
func (f *Feed) Set(members []Member, never string) {
	select {
	case <-f.wish: // an older one that nobody has seen
	default:
	}
	f.wish <- wish{members, never}
}

// Attached waits until the first attempt to attach has ended, and returns why it did
// not succeed. Call it after the first Set.
func (f *Feed) Attached() error {
	<-f.tried
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Status says what became of the events; for a Board.
func (f *Feed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	if f.source == nil {
		return s
	}
	s.Has = map[string]uint64{"addresses": uint64(f.watched.Load())}
	s.Counts = map[string]uint64{
		"told": f.told.Load(), "signs": f.signs.Load(), "lost": f.missed.Load() + f.source.Lost(),
	}
	return s
}

// Close ends the watch.
func (f *Feed) Close() {
	f.stop()
	f.ended.Wait()
}

// follower is what the goroutine of a Feed knows.
type follower struct {
	*Feed
	wish
	once   sync.Once // closes tried
	bursts Bursts
	names  map[string][]netip.AddrPort // newest answers
	places map[netip.AddrPort][]Member // by address
}

func (f *Feed) run(ctx context.Context) {
	x := &follower{Feed: f, wish: wish{never: "it has not begun"}, names: map[string][]netip.AddrPort{}}
	defer x.detach(Idle(Events, "it has ended"))
	again := time.NewTicker(askNames)
	defer again.Stop()
	answers := make(chan map[string][]netip.AddrPort, 1)
	asking, more := false, false
	ask := func() {
		if asking {
			more = true // there may be new ones
			return
		}
		var names []string
		for _, m := range x.members {
			if _, ok := numbers(m.Addr); !ok && x.never == "" {
				names = append(names, m.Addr)
			}
		}
		if len(names) > 0 {
			asking = true
			// Ends with ctx, and its answer finds a place.
			f.ended.Go(func() { answers <- lookup(ctx, names) })
		}
	}
	for {
		var batches <-chan []events.Event
		if f.source != nil { // written by this goroutine only
			batches = f.source.Batches()
		}
		select {
		case <-ctx.Done():
			return
		case x.wish = <-f.wish:
			x.follow()
			ask()
		case x.names = <-answers:
			asking = false
			x.follow()
			if more {
				more = false
				ask()
			}
		case <-again.C:
			ask()
		case batch, ok := <-batches:
			if !ok {
				x.detach(Idle(Events, "it has ended"))
				continue
			}
			x.read(batch)
		}
	}
}

// follow watches exactly the wanted members.
func (x *follower) follow() {
	defer x.once.Do(func() { close(x.tried) })
	x.places = map[netip.AddrPort][]Member{}
	var all []netip.AddrPort
	for _, m := range x.members {
		list := x.names[m.Addr]
		if at, ok := numbers(m.Addr); ok {
			list = []netip.AddrPort{at}
		}
		for _, at := range list {
			if x.places[at] == nil {
				all = append(all, at)
			}
			x.places[at] = append(x.places[at], m)
		}
	}
	x.bursts.Keep(all)
	x.watched.Store(int64(len(all)))
	switch {
	case x.never != "":
		x.detach(NotWanted(Events, x.never))
	case x.source != nil:
		if err := x.source.Set(all); err != nil {
			x.log.Warn("kernel events", "reason", err.Error(), "cure", "what is not watched is found by probes")
		}
	case x.err == nil:
		x.attach(all)
	}
}

// attach starts the source. It is tried once: what the kernel refuses now it will
// refuse later.
func (x *follower) attach(all []netip.AddrPort) {
	source, err := x.open(all)
	// The types of the kernel were read for it, megabytes that an idle process
	// would keep for minutes.
	debug.FreeOSMemory()
	status := At(Events, time.Now(), "tracepoint")
	if err != nil {
		status = Refused(Events, err, events.Probe)
	}
	x.mu.Lock()
	x.source, x.err, x.status = source, err, status
	if err != nil {
		x.source = nil
	}
	x.mu.Unlock()
	if err != nil {
		x.log.Info("no kernel events", "reason", status.Missing, "cure", status.Cure)
		return
	}
	x.log.Debug("kernel events", "addresses", len(all))
}

func (x *follower) detach(s Status) {
	x.mu.Lock()
	source := x.source
	x.source, x.err, x.status = nil, nil, s
	x.mu.Unlock()
	if source == nil {
		return
	}
	if err := source.Close(); err != nil {
		x.log.Debug("kernel events", "reason", err.Error())
	}
}

// read makes alarms of events.
func (x *follower) read(batch []events.Event) {
	x.told.Add(uint64(len(batch)))
	signs := x.bursts.Take(batch, x.connections)
	if len(signs) == 0 {
		return
	}
	var clock unix.Timespec
	now := time.Now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &clock); err != nil {
		return // cannot be
	}
	for _, s := range signs {
		a := Alarm{Sign: s, Began: when(now, clock, s.First), Time: when(now, clock, s.At)}
		for _, m := range x.places[s.Address] {
			a.IDs = append(a.IDs, m.ID)
		}
		if len(a.IDs) == 0 {
			continue
		}
		select {
		case x.alarms <- a:
			x.signs.Add(1)
		default:
			x.missed.Add(1)
		}
	}
}

// when translates the kernel's clock.
func when(now time.Time, clock unix.Timespec, at time.Duration) time.Time {
	return now.Add(min(at-time.Duration(clock.Nano()), 0))
}

// connections counts those to an address, by all members there.
func (x *follower) connections(at netip.AddrPort) int {
	n, seen := int64(0), []*atomic.Int64(nil)
	for _, m := range x.places[at] {
		if m.Open != nil && !slices.Contains(seen, m.Open) {
			n, seen = n+m.Open.Load(), append(seen, m.Open)
		}
	}
	return int(max(n, 0))
}
