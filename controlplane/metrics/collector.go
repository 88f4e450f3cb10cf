package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Snapshot is what one scrape is made of.
type Snapshot struct {
	Table     *table.Table
	Report    compile.Report
	Probes    map[table.ID]*health.Probes
	Overrides map[string]int // by kind: drain, stop, ready, weight

	ReloadsOK, ReloadsRefused uint64
	LastReloadOK              bool
	LastSuccess               time.Time
	InSync                    bool

	Groups    []Group                // of tribes, each name once
	LastHeard map[table.ID]time.Time // of members whose node is known for sure
	Findings  map[string]int         // by severity: critical, warning, info

	Kernel []kernel.Status // programs in the kernel

	Dropped           uint64 // access records
	Version, Revision string
}

// Group is what is heard in one group of tribes.
type Group struct {
	Name                     string
	Matched, Waiting, Nobody int // nodes

	// Datagrams. Heard are heartbeats of nodes; Foreign were not believed,
	// Refused had no place, Junk is what no Tomcat sends, and Lost were never
	// looked at.
	Heard, Stops, Foreign, Refused, Junk, Lost uint64
}

// Source gives a Snapshot; it is called from the goroutine of a scrape.
type Source interface{ Metrics() Snapshot }

// Collector reads a Source whenever it is scraped.
type Collector struct{ source Source }

// New returns a registry with a Collector of source and with the usual
// metrics of the process and the Go runtime.
func New(source Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		&Collector{source},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return r
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range all {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := c.source.Metrics()
	out := sender(ch)
	for _, p := range s.Table.Pools {
		out.pool(p)
		for i := range p.Members {
			m := &p.Members[i]
			out.member(p.Name, m)
			if r := s.Report.Member(p.Name, m.Name); r != nil {
				out.state(p.Name, m.Name, r.State)
			}
			if n := s.Probes[m.ID]; n != nil {
				out.probes(p.Name, m.Name, n)
			}
			if t := s.LastHeard[m.ID]; !t.IsZero() {
				out.gauge(lastHeard, float64(t.UnixMilli())/1000, p.Name, m.Name)
			}
		}
	}
	for i := range s.Groups {
		out.group(&s.Groups[i])
	}
	for _, severity := range severities {
		out.gauge(found, float64(s.Findings[severity]), severity)
	}
	out.count(reloads, s.ReloadsOK, "success")
	out.count(reloads, s.ReloadsRefused, "refused")
	out.gauge(lastOK, flag(s.LastReloadOK))
	if !s.LastSuccess.IsZero() {
		out.gauge(lastSuccess, float64(s.LastSuccess.UnixMilli())/1000)
	}
	out.gauge(inSync, flag(s.InSync))
	out.gauge(version, float64(s.Table.Version))
	for _, kind := range []string{"ready", "drain", "stop", "weight"} {
		out.gauge(overrides, float64(s.Overrides[kind]), kind)
	}
	out.count(dropped, s.Dropped)
	for i := range s.Kernel {
		out.program(&s.Kernel[i])
	}
	out.gauge(build, 1, s.Version, s.Revision)
}

// sender shortens the sending of constant metrics.
type sender chan<- prometheus.Metric

func (s sender) pool(p *table.Pool) {
	s.histogram(duration, &p.Live.Duration, p.Name)
	var sum [meter.Outcomes]uint64
	for i := range p.Members {
		for o := range sum {
			sum[o] += p.Members[i].Live.Sessions[o].Load()
		}
	}
	for o, n := range sum {
		s.count(sticky, n, p.Name, meter.Outcome(o).String())
	}
}

func (s sender) member(pool string, m *table.Member) {
	l := m.Live
	for i := range l.Status {
		s.count(requests, l.Status[i].Load(), pool, m.Name, statuses[i])
	}
	s.histogram(response, &l.FirstByte, pool, m.Name)
	s.gauge(inFlight, float64(l.InFlight.Load()), pool, m.Name)
	s.count(requestBytes, l.BytesIn.Load(), pool, m.Name)
	s.count(responseBytes, l.BytesOut.Load(), pool, m.Name)
	open, idle := l.Open.Load(), l.Idle.Load()
	// Two reads: an idle connection may have been taken between them.
	s.gauge(connections, float64(max(open-idle, 0)), pool, m.Name, "in_use")
	s.gauge(connections, float64(idle), pool, m.Name, "idle")
	s.gauge(connections, float64(l.Queued.Load()), pool, m.Name, "queued")
	s.count(connects, l.Connects.Load(), pool, m.Name, "ok")
	s.count(connects, l.ConnectFailures.Load(), pool, m.Name, "failed")
	s.count(retries, l.Retries.Load(), pool, m.Name)
	for k := range l.Faults {
		s.count(faults, l.Faults[k].Load(), pool, m.Name, meter.FaultKind(k).String())
	}
}

func (s sender) group(g *Group) {
	s.gauge(nodes, float64(g.Matched), g.Name, "matched")
	s.gauge(nodes, float64(g.Waiting), g.Name, "waiting")
	s.gauge(nodes, float64(g.Nobody), g.Name, "nobody")
	s.count(heartbeats, g.Heard, g.Name, "heard")
	s.count(heartbeats, g.Stops, g.Name, "stop")
	s.count(heartbeats, g.Foreign, g.Name, "foreign")
	s.count(heartbeats, g.Refused, g.Name, "refused")
	s.count(heartbeats, g.Junk, g.Name, "junk")
	s.count(heartbeats, g.Lost, g.Name, "lost")
}

// program is one in the kernel.
func (s sender) program(p *kernel.Status) {
	s.gauge(attached, flag(p.State == kernel.Attached), p.Program)
	for reason, n := range p.Drops {
		s.count(drops, n, p.Program, reason)
	}
	for what, n := range p.Counts {
		s.count(counted, n, p.Program, what)
	}
}

func (s sender) state(pool, member string, now compile.State) {
	s.gauge(up, flag(now != compile.Down && now != compile.Leaving), pool, member)
	for _, each := range compile.States {
		s.gauge(state, flag(each == now), pool, member, string(each))
	}
}

func (s sender) probes(pool, member string, n *health.Probes) {
	s.count(probes, n.OK.Load(), pool, member, "ok")
	s.count(probes, n.Failed.Load(), pool, member, "failed")
	s.histogram(probeSeconds, &n.OKSeconds, pool, member, "ok")
	s.histogram(probeSeconds, &n.FailedSeconds, pool, member, "failed")
}

func (s sender) count(d *prometheus.Desc, n uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (s sender) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s sender) histogram(d *prometheus.Desc, h *meter.Histogram, labels ...string) {
	snap := h.Snapshot()
	buckets := make(map[float64]uint64, len(meter.Bounds))
	for i, n := range snap.Cumulative() {
		buckets[meter.Bounds[i]] = n
	}
	s <- prometheus.MustNewConstHistogram(d, snap.Count, float64(snap.SumNs)/1e9, buckets, labels...)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
