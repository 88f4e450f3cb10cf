package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/cluster"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/guard"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

// Publisher takes a table into use. It must not block.
type Publisher interface{ Publish(*table.Table) }

// Listeners opens and closes the addresses clients connect to. Listen makes
// them exactly those given, all or none: with an error everything is as it was
// before. Certificates are read anew at each call.
type Listeners interface {
	Listen([]compile.ListenerSpec) error
}

// Options makes a Controller. Config, Publisher and Listeners are required.
type Options struct {
	Config     *config.Config
	ConfigPath string // "" when there is no file
	// Load reads the configuration again; nil when there is no file.
	Load func() (*config.Config, config.Problems)

	Publisher Publisher
	Listeners Listeners
	Prober    health.Prober // nil: health.NetProber
	Debts     Debts         // nil: a frozen member keeps what it has
	// Events starts the kernel's events; nil: there are none.
	Events kernel.Open
	// Idle closes kept connections that members have ended; nil: that is found
	// when they are used.
	Idle Idle
	// Kernel has what became of the programs in the kernel; nil: nobody else
	// puts anything on it.
	Kernel *kernel.Board
	// Getenv reads the environment for member files, and KERNEL; nil: nothing is set.
	Getenv func(string) string
	// Guard makes the kernel judge packets; nil: it judges none. Tell and Path
	// are filled in.
	Guard *guard.Options

	// Applied is called with each configuration that was taken into use, the
	// first one included, after the table. It must not call the Controller.
	Applied func(*config.Config)

	Log *slog.Logger // nil: nothing is logged
	// OverridesPath is the file in which operators' wishes outlive the
	// process; learned routes are kept beside it, see learned.Beside. "" keeps
	// both in memory only.
	OverridesPath string
	// Dropped reads the number of lost access records; nil when there are none.
	Dropped func() uint64
	// Elders are the processes before this one that have not ended; nil when there
	// are none.
	Elders func() []admin.Elder

	Version, Revision string
	Engine            string // what serves connections, for the status

	// Carry is what the process before has passed on; nil: there was none. With it
	// nothing is changed and no overrides are kept until Thaw.
	Carry *Carry

	ears func(cluster.Options) ears // nil: cluster.New
}

// fold is the least time between two builds that nobody waits for.
const fold = 50 * time.Millisecond

// tick is how often the data path's numbers are read.
const tick = time.Second

// Controller is the only one that builds and publishes tables. Its exported
// methods may be called from any goroutine.
type Controller struct {
	o       Options
	log     *slog.Logger
	events  admin.Ring
	runner  *health.Runner
	ears    ears
	feed    *kernel.Feed // nil: no events of the kernel
	guard   *guard.Keeper
	started time.Time

	dirty chan struct{} // one place: "build when you can"
	news  chan struct{} // one place: "look at what is heard"
	calls chan func()   // carried out by Run's goroutine
	ended chan struct{} // closed when Run returns

	reloading sync.Mutex // one reload at a time; guards nothing else
	draining  atomic.Bool
	base      base
	view      atomic.Pointer[view]

	// What follows belongs to whoever builds: New and Start, then Run.
	file      *config.Config // what the file says
	cfg       *config.Config // the same with the members that were found
	digest    string         // of file
	hear      hearing
	glances   *time.Ticker // of watch: every glance while there are requests
	busy      bool         // it ticks like that
	alarm     time.Time    // newest alarm of the kernel
	table     *table.Table
	print     compile.Print
	report    compile.Report
	overrides []overrides.Override
	learned   learned.Routes
	pulses    map[table.ID]*pulse
	moved     map[table.ID]table.ID // new to old names of members, until a table has them
	sync      syncState
	built     time.Time  // newest build
	published time.Time  // newest publish
	trouble   string     // newest build that could not be done, told once
	unsaved   bool       // learned has changed since it was written
	saving    chan error // the result of writing learned; nil when nobody writes
	forgets   string     // why learned routes could not be kept, told once
	frozen    bool       // another process takes over, or has not let go yet
}

// New reads the kept overrides and builds the first table. An override file
// that cannot be read is an error: it may hold the only word that a member
// must not be used.
func New(o Options) (*Controller, error) {
	if o.Config == nil || o.Publisher == nil || o.Listeners == nil {
		return nil, errors.New("new controller: Config, Publisher and Listeners are required")
	}
	if o.Prober == nil {
		o.Prober = &health.NetProber{}
	}
	c := &Controller{
		o: o, log: o.Log, started: time.Now(),
		dirty: make(chan struct{}, 1), news: make(chan struct{}, 1), calls: make(chan func()), ended: make(chan struct{}),
		file: o.Config, cfg: o.Config, digest: o.Config.Digest(),
		hear:    hearing{told: map[table.ID]told{}, loads: map[table.ID]time.Time{}},
		learned: learned.Routes{}, pulses: map[table.ID]*pulse{},
		sync: syncState{inSync: true, lastOK: true, lastSuccess: time.Now()},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.OverridesPath != "" && o.Carry == nil {
		list, err := overrides.Load(o.OverridesPath)
		if err != nil {
			return nil, err
		}
		c.overrides, _ = overrides.Expire(list, time.Now())
	}
	c.remember()
	c.runner = health.NewRunner(o.Prober, c.wake, c.untrip)
	c.runner.Learn(probed{c})
	c.ears = c.newEars()
	c.guard = c.newGuard()
	if o.Carry != nil {
		if err := c.resume(o.Carry); err != nil {
			c.close()
			return nil, err
		}
	}
	t, report, err := compile.Build(c.inputs(c.cfg, c.digest), nil)
	if err != nil {
		c.close()
		return nil, err
	}
	if o.Carry != nil {
		t.Version += o.Carry.TableVersion
	}
	c.adopt(t, report)
	c.hint()
	if c.o.Kernel == nil {
		c.o.Kernel = &kernel.Board{}
	}
	if o.Guard != nil {
		c.o.Kernel.Put(kernel.Guard, c.guardStatus)
	}
	if o.Events != nil {
		c.feed = kernel.NewFeed(o.Events, c.log)
		c.o.Kernel.Put(kernel.Events, c.feed.Status)
	}
	return c, nil
}

// Start publishes the first table, puts the guard to work, opens the listeners and
// starts the probes. After an error nothing listens and nothing is probed.
func (c *Controller) Start() error {
	if err := c.attach(); err != nil {
		c.close()
		return err
	}
	c.publish(c.table)
	if w := c.guardWish(c.file); !w.Require {
		c.guard.SetSoon(w)
	} else if err := c.guard.Set(w); err != nil {
		c.close()
		return fmt.Errorf("kernel.guard: require: %w", err)
	}
	if err := c.o.Listeners.Listen(compile.Listeners(c.cfg)); err != nil {
		c.close()
		return fmt.Errorf("open listeners: %w", err)
	}
	c.runner.Set(compile.Targets(c.cfg))
	if c.o.Carry != nil {
		c.build() // with what the process before believed
	}
	c.ears.Set(c.file)
	if c.o.Applied != nil {
		c.o.Applied(c.cfg)
	}
	c.prune()
	c.tell(slog.LevelInfo, admin.Event{Kind: admin.Started, Text: "config " + c.table.Digest},
		"version", c.o.Version, "config", c.table.Digest)
	c.notes(compile.Report{})
	return nil
}

// close stops all that runs beside the loop.
func (c *Controller) close() {
	c.settled()
	c.persist() // what came since, or could not be kept
	c.settled()
	c.again(time.Time{}, time.Time{})
	c.ears.Close()
	c.runner.Close()
	if c.feed != nil {
		c.feed.Close()
	}
	c.guard.Close()
}

// Run is the loop; it returns when ctx ends, with all probes stopped. Call it
// once, after Start.
func (c *Controller) Run(ctx context.Context) {
	defer close(c.ended)
	defer c.close()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { c.guard.Run(ctx) })
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	c.glances = time.NewTicker(tick)
	defer c.glances.Stop()
	var later <-chan time.Time // set while a build waits for its turn
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.dirty:
			if later != nil {
				continue
			}
			if wait := fold - time.Since(c.built); wait > 0 && time.Since(c.alarm) > fold {
				later = time.After(wait)
				continue
			}
			c.build()
		case <-later:
			later = nil
			c.build()
		case a := <-c.alarms():
			c.heed(a, time.Now())
		case <-c.news:
			c.listen(time.Now())
		case f := <-c.calls:
			f()
		case <-ticker.C:
			c.tick(time.Now())
		case <-c.glances.C:
			c.watch(time.Now())
		}
	}
}

// Drain makes the process look unready, for the time in which it finishes what
// it has.
func (c *Controller) Drain() {
	if !c.draining.Swap(true) {
		c.tell(slog.LevelInfo, admin.Event{Kind: admin.Stopping})
	}
}

// wake asks for a build. It never blocks: one wish is as good as many.
func (c *Controller) wake() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// do has f carried out by Run's goroutine and waits for it.
func (c *Controller) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case c.calls <- func() { f(); close(done) }:
		// Run has taken it and will finish it.
		<-done
		return nil
	case <-c.ended:
		return &admin.Refusal{Status: 503, What: "the process is ending", Cure: "ask the one that runs next"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// untrip lets the data path use a member again that has proved itself.
func (c *Controller) untrip(id table.ID) {
	if live := c.view.Load().live[id]; live != nil {
		live.Untrip()
	}
}

// tell puts an event into the ring and a line into the log.
func (c *Controller) tell(level slog.Level, e admin.Event, attrs ...any) {
	e.At = time.Now()
	c.events.Add(e)
	all := make([]any, 0, len(attrs)+14)
	what := "reason"
	switch e.Kind {
	case admin.RouteLearned:
		what = "route"
	case admin.MemberAdded, admin.MemberRemoved:
		what = "url"
	}
	for _, kv := range [][2]string{{"pool", e.Pool}, {"member", e.Member}, {"from", e.From}, {"to", e.To}, {"takes", e.Takes}, {"owner", e.Owner}, {what, e.Text}} {
		if kv[1] != "" {
			all = append(all, kv[0], kv[1])
		}
	}
	c.log.Log(context.Background(), level, string(e.Kind), append(all, attrs...)...)
}
