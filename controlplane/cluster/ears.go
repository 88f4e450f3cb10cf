package cluster

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/source"
	"github.com/catherd/catherd/controlplane/tribes"
)

// Options makes Ears.
type Options struct {
	Notify func()              // something is new; must not block
	Tell   func(tribes.Event)  // something happened in a group; must not block
	Prober health.Prober       // asks connectors
	Getenv func(string) string // for member files; nil: nothing is set
	Log    *slog.Logger        // nil: nothing is logged
}

// Ears listens and asks. Its methods may be called from any goroutine.
type Ears struct {
	o      Options
	ctx    context.Context // ends everything; cancelled by Close
	stop   context.CancelFunc
	wg     sync.WaitGroup
	asking *asker
	owned  func([]netip.AddrPort) map[netip.AddrPort][]netip.AddrPort // discover.Owners

	resolvers []string // host:port; none: those of the system

	mu     sync.Mutex // guards what is below
	groups []*group
	names  []*name
	files  []*list
	owners map[netip.AddrPort][]netip.AddrPort // replaced as a whole: callers of Inputs read an old one
	local  []netip.Addr                        // the same

	looking bool             // a look at this host's processes is under way
	again   []netip.AddrPort // what to look for when it is over; nil: nothing
}

// group is one group that is listened to.
type group struct {
	cfg     config.Tribes
	stop    context.CancelFunc
	view    *tribes.Observer
	beacons *tribes.BeaconObserver // nil: the file names none
	quiet   context.CancelFunc     // stops beacons
}

// same reports whether two groups are heard through the same socket. All else is
// changed in place: what was heard in an hour is worth more than that.
func same(a, b *config.Tribes) bool { return a.Group == b.Group && a.Interface == b.Interface }

func (g *group) close() {
	g.stop()
	g.quiet()
}

// name is one DNS name of one pool.
type name struct {
	question source.Question
	stop     context.CancelFunc
	dns      *source.DNS
}

// list is one member file.
type list struct {
	pool, name string
	stop       context.CancelFunc
	file       *source.File
}

// New returns ears that hear nothing yet. The caller closes them.
func New(o Options) *Ears {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	e := &Ears{o: o, owned: discover.Owners}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.asking = newAsker(o.Prober, o.Notify)
	return e
}

// Close stops everything and waits for it.
func (e *Ears) Close() {
	e.mu.Lock() // nobody is just about to start something
	e.stop()
	e.mu.Unlock()
	e.asking.close()
	e.wg.Wait()
}

// Set makes e listen to exactly what c names. What stays the same goes on
// undisturbed.
func (e *Ears) Set(c *config.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	e.setGroups(c.Tribes)
	e.setNames(c)
	e.setFiles(c)
}

// run starts f with a context of its own.
func (e *Ears) run(f func(context.Context)) context.CancelFunc {
	ctx, stop := context.WithCancel(e.ctx)
	e.wg.Go(func() { f(ctx) })
	return stop
}

func (e *Ears) setGroups(want []config.Tribes) {
	old := e.groups
	e.groups = nil
	for _, t := range want {
		i := slices.IndexFunc(old, func(g *group) bool { return same(&g.cfg, &t) })
		if i < 0 {
			if g := e.open(t); g != nil {
				e.groups = append(e.groups, g)
			}
			continue
		}
		g := old[i]
		old = slices.Delete(old, i, i+1)
		e.change(g, t)
		e.groups = append(e.groups, g)
	}
	for _, g := range old {
		g.close()
	}
}

// open listens to one group.
func (e *Ears) open(t config.Tribes) *group {
	at, err := netip.ParseAddrPort(t.Group)
	if err != nil {
		return nil // the language lets none but these through
	}
	g := &group{cfg: t, quiet: func() {}}
	g.view = tribes.NewObserver(
		tribes.GroupConfig{Group: at, Interface: t.Interface, Attach: attach}, settings(&t), e.events,
		func(n tribes.Notice) { e.notice(t.Group, n) })
	g.stop = e.run(g.view.Run)
	e.announced(g)
	return g
}

// settings are what a group's view is told of the configuration.
func settings(t *config.Tribes) tribes.Settings {
	return tribes.Settings{Heartbeat: t.Heartbeat, DropAfter: t.DropAfter, Domain: t.Domain}
}

// change gives a group that is listened to what else the configuration says of
// it.
func (e *Ears) change(g *group, t config.Tribes) {
	old := g.cfg
	g.cfg = t
	if old != t {
		g.view.Change(settings(&t))
	}
	if old.Beacon != t.Beacon || (g.beacons != nil) != (t.Beacon != "" || t.BeaconPath != "") {
		g.quiet()
		g.beacons, g.quiet = nil, func() {}
		e.announced(g)
	}
}

// announced listens to the beacons of a group, when the configuration has any.
func (e *Ears) announced(g *group) {
	t := g.cfg
	if t.Beacon == "" && t.BeaconPath == "" {
		return
	}
	where, _ := netip.ParseAddrPort(t.Beacon) // not valid: only the HTTP form is taken
	g.beacons = tribes.NewBeaconObserver(tribes.GroupConfig{Group: where, Interface: t.Interface},
		func(tribes.BeaconNode) { e.o.Notify() }, func(n tribes.Notice) { e.notice(t.Beacon, n) })
	if t.Beacon != "" {
		g.quiet = e.run(g.beacons.Run)
	}
}

// events hands on what happened in a group.
func (e *Ears) events(events []tribes.Event) {
	for _, ev := range events {
		switch ev.Kind {
		case tribes.Appeared, tribes.Returned, tribes.Reborn:
			e.asking.heard(ev.Node.Receiver.Addr())
		}
		if !ev.Again {
			e.o.Tell(ev)
		}
	}
	e.o.Notify()
}

// attach puts the kernel's filter on a group's socket. Without it the same
// datagrams are refused here.
func attach(fd int) (tribes.Filter, error) {
	f, err := bpf.AttachMemberFilter(fd)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (e *Ears) notice(group string, n tribes.Notice) {
	e.o.Log.Info("group", "group", group, "reason", n.Text)
	e.o.Notify()
}

// setNames resolves each name by itself, so that those which stay keep their
// answers when others come and go.
func (e *Ears) setNames(c *config.Config) {
	had := map[source.Question]*name{}
	for _, n := range e.names {
		had[n.question] = n
	}
	kept := map[source.Question]bool{}
	var names []*name
	for i := range c.Pools {
		for _, q := range questions(&c.Pools[i]) {
			if kept[q] {
				continue // the file says it twice
			}
			kept[q] = true
			n := had[q]
			if n == nil {
				n = &name{question: q, dns: source.NewDNS([]source.Question{q}, e.resolvers...)}
				n.stop = e.run(func(ctx context.Context) { n.dns.Run(ctx, e.o.Notify) })
			}
			names = append(names, n)
		}
	}
	for _, n := range e.names {
		if !kept[n.question] {
			n.stop()
		}
	}
	e.names = names
}

func questions(p *config.Pool) (out []source.Question) {
	for _, a := range p.Discover.DNS {
		out = append(out, source.Question{Pool: p.Name, Name: a.Host, Scheme: a.Scheme, Port: uint16(a.Port)})
	}
	for _, s := range p.Discover.SRV {
		out = append(out, source.Question{Pool: p.Name, Name: s, Scheme: config.SRVScheme(s), SRV: true})
	}
	return out
}

func (e *Ears) setFiles(c *config.Config) {
	var files []*list
	for i := range c.Pools {
		p := &c.Pools[i]
		if p.Discover.File == "" {
			continue
		}
		at := slices.IndexFunc(e.files, func(l *list) bool { return l.pool == p.Name && l.name == p.Discover.File })
		if at >= 0 {
			files = append(files, e.files[at])
			continue
		}
		l := &list{pool: p.Name, name: p.Discover.File, file: source.NewFile(p.Name, p.Discover.File, e.o.Getenv)}
		l.stop = e.run(func(ctx context.Context) { l.file.Run(ctx, e.o.Notify) })
		files = append(files, l)
	}
	for _, l := range e.files {
		if !slices.Contains(files, l) {
			l.stop()
		}
	}
	e.files = files
}
