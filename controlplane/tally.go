package controlplane

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/dataplane/meter"
)

// Tally is every number that only rises, by what it is about and by name. A process
// that ends passes its tally on to the one that takes over, so that no metric goes back.
type Tally map[string]map[string]uint64

// What a number is about is one of these and the name of it.
const (
	ofMember  = "member "
	ofProbes  = "probes "
	ofPool    = "pool "
	ofGroup   = "group "
	ofProcess = "process"
)

// Tally reads all numbers. Those that an earlier process has passed on are in it.
func (c *Controller) Tally() Tally {
	s := c.Metrics()
	t := Tally{}
	for _, p := range s.Table.Pools {
		p.Live.Counters(t.reader(ofPool + p.Name))
		for i := range p.Members {
			m := &p.Members[i]
			m.Live.Counters(t.reader(ofMember + string(m.ID)))
			if n := s.Probes[m.ID]; n != nil {
				n.Counters(t.reader(ofProbes + string(m.ID)))
			}
		}
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		groupCounters(g, func(name string, n *uint64) { t.put(ofGroup+g.Name, name, *n) })
	}
	t.put(ofProcess, "reloads ok", s.ReloadsOK)
	t.put(ofProcess, "reloads refused", s.ReloadsRefused)
	t.put(ofProcess, "access records dropped", s.Dropped)
	return t
}

func (t Tally) put(about, name string, n uint64) {
	if n == 0 {
		return
	}
	if t[about] == nil {
		t[about] = map[string]uint64{}
	}
	t[about][name] = n
}

func (t Tally) reader(about string) func(meter.Counter, *atomic.Uint64) {
	return func(k meter.Counter, n *atomic.Uint64) {
		if v := n.Load(); v != 0 {
			t.put(about, counterName(k), v)
		}
	}
}

// counterName is "requests", or "total@2500000" for a bucket.
func counterName(k meter.Counter) string {
	if k.Edge == 0 {
		return k.Name
	}
	return k.Name + "@" + strconv.FormatInt(k.Edge, 10)
}

// Since is what has been counted since an earlier tally of the same process.
func (t Tally) Since(earlier Tally) Tally {
	out := Tally{}
	for about, names := range t {
		was := earlier[about]
		for name, n := range names {
			if n > was[name] {
				out.put(about, name, n-was[name])
			}
		}
	}
	return out
}

// Count adds what another process has counted. What is about nothing that this one
// has is dropped: the file has changed.
func (c *Controller) Count(t Tally) {
	v, probes := c.view.Load(), c.runner.Probes()
	add := func(about string, each func(func(meter.Counter, *atomic.Uint64))) {
		names := t[about]
		if len(names) == 0 {
			return
		}
		each(func(k meter.Counter, n *atomic.Uint64) {
			if d := names[counterName(k)]; d != 0 {
				n.Add(d)
			}
		})
	}
	for _, p := range v.table.Pools {
		add(ofPool+p.Name, p.Live.Counters)
	}
	for id, m := range v.live {
		add(ofMember+string(id), m.Counters)
	}
	for id, n := range probes {
		add(ofProbes+string(id), n.Counters)
	}
	c.base.add(t)
}

// base is what earlier processes have counted of numbers that are not atomic.
type base struct {
	mu      sync.Mutex // guards the rest
	process map[string]uint64
	groups  map[string]*metrics.Group
}

func (b *base) add(t Tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.groups == nil {
		b.process, b.groups = map[string]uint64{}, map[string]*metrics.Group{}
	}
	for name, n := range t[ofProcess] {
		b.process[name] += n
	}
	for about, names := range t {
		name, ok := strings.CutPrefix(about, ofGroup)
		if !ok {
			continue
		}
		if b.groups[name] == nil {
			b.groups[name] = &metrics.Group{}
		}
		groupCounters(b.groups[name], func(k string, n *uint64) { *n += names[k] })
	}
}

// on adds it to what this process has counted itself.
func (b *base) on(s *metrics.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.ReloadsOK += b.process["reloads ok"]
	s.ReloadsRefused += b.process["reloads refused"]
	s.Dropped += b.process["access records dropped"]
	for i := range s.Groups {
		if g := b.groups[s.Groups[i].Name]; g != nil {
			was := map[string]uint64{}
			groupCounters(g, func(k string, n *uint64) { was[k] = *n })
			groupCounters(&s.Groups[i], func(k string, n *uint64) { *n += was[k] })
		}
	}
}

func groupCounters(g *metrics.Group, f func(string, *uint64)) {
	f("heard", &g.Heard)
	f("stops", &g.Stops)
	f("foreign", &g.Foreign)
	f("refused", &g.Refused)
	f("junk", &g.Junk)
	f("lost", &g.Lost)
}

// Precede puts the events of the process before in front of those of this one.
func (c *Controller) Precede(list []admin.Event) { c.events.Precede(list) }
