package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/controlplane"
	"github.com/catherd/catherd/controlplane/accesslog"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/controlplane/steering"
	"github.com/catherd/catherd/dataplane"
)

// process is one running balancer. serve makes it and takes it apart again.
type process struct {
	e     *env
	plan  plan
	begin time.Time

	log    *slog.Logger
	level  slog.LevelVar
	engine *dataplane.Engine
	front  *front
	ctl    *controlplane.Controller
	access *accesslog.Writer
	admin  *adminSide
	drain  time.Duration // shutdown.drain of the configuration in use
	mu     sync.Mutex    // guards drain

	kind string // the kind of engine, for as long as the process lives

	elder   *elder          // the process this one takes over from; nil: none
	elders  elders          // those before it, too
	running context.Context // ends with everything that serve has started
	handed  chan *heir      // one place: somebody has taken over from this one
	settled chan struct{}   // closed when taking over is done, or was not needed
	ending  atomic.Bool
	gone    atomic.Bool // somebody has taken over
	mute    func()      // ends what is told to systemd
}

// serve runs one balancer until a signal or ctx ends it.
func serve(ctx context.Context, e *env, p plan) error {
	x := &process{e: e, plan: p, begin: time.Now(), handed: make(chan *heir, 1), settled: make(chan struct{})}
	var err error
	if x.elder, err = meet(e); err != nil {
		return err
	}
	defer x.elder.close()
	cfg, problems := p.load()
	if cfg == nil || problems.HasErrors() {
		_ = problems.Format(e.stderr, e.color())
		x.elder.refuse(invalid(problems))
		return silent(exitUsage)
	}
	// The signals are taken before anything else: one that comes early must not
	// leave a socket behind.
	signals, stop := e.signals()
	defer stop()
	x.log = newLog(e, cfg.Log, &x.level)
	x.remark(problems)
	x.resources(cfg)
	if err := x.wire(cfg); err != nil {
		x.elder.refuse(err)
		if x.ctl != nil {
			// It has made its probes' goroutines; Run without time ends them.
			over, cancel := context.WithCancel(ctx)
			cancel()
			x.ctl.Run(over)
		}
		x.close()
		return err
	}
	defer x.close()
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer x.elders.close()
	defer cancel()
	x.running = run
	status, socket := x.admin.address(), x.admin.socket // a reload may change them from here on
	wg.Go(func() { x.ctl.Run(run) })
	if x.elder != nil {
		if err := x.takeOver(run); err != nil {
			return err
		}
	}
	close(x.settled)
	wg.Go(func() { x.front.steerOn(run) })
	voice, mute := context.WithCancel(run)
	defer mute()
	x.mute = mute
	wg.Go(func() { x.announce(voice, status, socket) })
	if p.watch {
		w, err := newWatch(p.path, x.log)
		if err != nil {
			return err
		}
		wg.Go(func() { w.run(run, func() { x.reload(run, "file watch") }) })
	}
	return x.live(ctx, &wg, signals)
}

// wire puts the parts together and opens everything. After an error, close
// takes apart what there is.
func (x *process) wire(cfg *config.Config) error {
	x.kind = engineOf(cfg)
	var err error
	x.engine, err = dataplane.New(limits(compile.Listeners(cfg)[0].Front), loopsOf(x.kind, x.e.getenv), x.warn())
	if err != nil {
		return err
	}
	x.front = &front{engine: x.engine, steering: steering.New(steering.Plan{}, x.log), getenv: x.e.getenv}
	x.engine.SetSteering(x.front.steering)
	if x.elder != nil {
		x.engine.Hold()
		x.engine.Adopt(x.elder.clients())
	} else if x.e.again != nil { // a process of its own
		sockets, err := activated()
		if err != nil {
			return err
		}
		x.engine.Adopt(sockets)
	}
	if x.access, err = accesslog.Open(accessOptions(x.e, cfg, x.log)); err != nil {
		return err
	}
	x.applied(cfg)
	state, why := statePath(x.e, x.plan.state, cfg)
	x.log.Debug("overrides", "path", state, "reason", why)
	board := &kernel.Board{}
	board.Put(kernel.Steering, x.front.steering.Kernel)
	x.ctl, err = controlplane.New(controlplane.Options{
		Config: cfg, ConfigPath: absolute(x.plan.path), Load: x.loader(),
		Publisher: x.engine, Debts: x.engine, Idle: x.engine, Events: kernel.OpenEvents, Kernel: board, Getenv: x.e.getenv, Listeners: x.front, Applied: x.applied,
		Log: x.log, OverridesPath: state, Dropped: x.access.Dropped,
		Version: version, Revision: revision, Engine: x.kind, Carry: x.elder.known(), Elders: x.elders.list,
		Guard: guardOptions(x.e.getenv),
	})
	if err != nil {
		return err
	}
	// Before the clients' listeners: those may be shared with another process
	// of the same configuration, these not.
	o := admin.Options{Controller: x.ctl, Metrics: metrics.New(x.ctl), Access: admin.AccessOf(&cfg.Admin), Log: x.log}
	if x.e.again != nil {
		o.Upgrade = x.upgrade
	}
	x.admin = &adminSide{log: x.log, getenv: x.e.getenv, server: admin.New(o), elder: x.elder, waiting: x.elder != nil}
	if err := x.admin.open(cfg); err != nil {
		return err
	}
	return x.ctl.Start()
}

// loader is nil without a file: then there is nothing to reload.
func (x *process) loader() func() (*config.Config, config.Problems) {
	if x.plan.path == "" {
		return nil
	}
	return x.plan.load
}

// applied follows a configuration that was taken into use, in what the table
// does not carry.
func (x *process) applied(cfg *config.Config) {
	setLevel(&x.level, cfg.Log.Level)
	x.mu.Lock()
	x.drain = cfg.Shutdown.Drain
	x.mu.Unlock()
	if err := x.access.Set(accessOptions(x.e, cfg, x.log)); err != nil {
		x.log.Error("access log unchanged", "reason", err.Error())
	}
	x.engine.SetAccessLog(x.access.Ring())
	if x.admin != nil {
		x.admin.follow(cfg)
	}
	if wanted := engineOf(cfg); wanted != x.kind {
		x.log.Warn("engine unchanged", "engine", x.kind, "reason", "engine: "+wanted+" takes effect at the next start")
	}
}

func accessOptions(e *env, cfg *config.Config, log *slog.Logger) accesslog.Options {
	return accesslog.Options{
		To: cfg.AccessLog.To, Format: cfg.AccessLog.Format, Skip: cfg.AccessLog.Skip,
		Stdout: e.stdout, Log: log,
	}
}

// warn tells what the data plane wants an operator to know, a kind at most
// once a minute: it may come with every connection.
func (x *process) warn() func(msg, what string) {
	var mu sync.Mutex // guards last
	last := map[string]time.Time{}
	return func(msg, what string) {
		mu.Lock()
		quiet := time.Since(last[msg]) < time.Minute
		if !quiet {
			last[msg] = time.Now()
		}
		mu.Unlock()
		if !quiet {
			x.log.Warn(msg, "reason", what)
		}
	}
}

// close takes everything apart, in the opposite order.
func (x *process) close() {
	if x.admin != nil {
		x.admin.close()
	}
	if x.engine != nil {
		x.engine.Close()
	}
	if x.access != nil {
		if err := x.access.Close(); err != nil {
			x.log.Error("access log", "reason", err.Error())
		}
	}
}

// shutdown gives the time running requests have.
func (x *process) shutdown() time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.drain
}

// reload reads the file again, for a signal or a watch. What comes of it is
// logged by the controller.
func (x *process) reload(ctx context.Context, owner string) {
	if x.gone.Load() {
		return // the file is somebody else's matter
	}
	notifyReloading()
	defer func() { notifyReady(x.ctl.Status().Sentence) }()
	r, err := x.ctl.Reload(ctx, owner)
	if err != nil && !errors.Is(err, context.Canceled) {
		x.log.Error("reload refused", "owner", owner, "reason", err.Error())
	}
	x.remark(r.Problems)
}

// remark logs what was found in the configuration.
func (x *process) remark(problems config.Problems) {
	for _, p := range problems {
		level := slog.LevelInfo
		switch p.Severity {
		case config.Error:
			level = slog.LevelError
		case config.Warning:
			level = slog.LevelWarn
		}
		x.log.Log(context.Background(), level, "configuration", "place", place(p), "reason", p.What, "cure", p.Cure)
	}
}

// invalid is the first mistake of a configuration.
func invalid(problems config.Problems) error {
	for _, p := range problems {
		if p.Severity == config.Error {
			return fmt.Errorf("%s: %s", place(p), p.What)
		}
	}
	return errors.New("there is no configuration")
}
