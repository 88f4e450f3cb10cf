package controlplane

import (
	"context"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/catherd/catherd/controlplane/cluster"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
)

// paperEars are ears without sockets: what a test says in a group goes into a
// real view, and connectors are asked for real, by the world's prober.
type paperEars struct {
	*cluster.Ears
	o cluster.Options

	mu      sync.Mutex // guards the rest
	cfgs    []config.Tribes
	views   map[string]*tribes.View // by group
	since   time.Time               // when the groups were joined
	beacons []discover.Beacon
}

// onPaper gives a world paper ears.
func onPaper(to **paperEars) func(*Options) {
	return func(o *Options) {
		o.Prober = unhurried{o.Prober}
		o.ears = func(c cluster.Options) ears {
			*to = &paperEars{Ears: cluster.New(c), o: c, views: map[string]*tribes.View{}}
			return *to
		}
	}
}

// unhurried takes a moment for each probe, so that a table is built before a
// new member has proved itself.
type unhurried struct{ health.Prober }

func (u unhurried) Probe(ctx context.Context, t health.Target) health.Sample {
	time.Sleep(5 * time.Millisecond) // of the bubble's time
	return u.Prober.Probe(ctx, t)
}

func (p *paperEars) Set(c *config.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	deaf := *c
	deaf.Tribes = nil
	p.Ears.Set(&deaf)
	p.cfgs = c.Tribes
	views := map[string]*tribes.View{}
	for _, t := range c.Tribes {
		if views[t.Group] = p.views[t.Group]; views[t.Group] == nil {
			views[t.Group] = tribes.NewView(tribes.Settings{Heartbeat: t.Heartbeat, DropAfter: t.DropAfter, Domain: t.Domain})
			p.since = time.Now()
		}
	}
	p.views = views
}

func (p *paperEars) Inputs(now time.Time) discover.Inputs {
	in := p.Ears.Inputs(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, group := range slices.Sorted(maps.Keys(p.views)) {
		for _, n := range p.views[group].Nodes() {
			in.Heard = append(in.Heard, discover.Heard{
				Receiver: n.Receiver, Advertised: n.Advertised, Source: n.Source.Addr(), Group: group, Domain: n.Domain,
				ID: n.ID, Alive: n.Age, LastHeard: n.LastHeard, State: discover.State(n.State), Stray: !n.Confirmed,
			})
		}
	}
	in.Beacons = slices.Clone(p.beacons)
	return in
}

func (p *paperEars) Groups() (out []tribes.GroupSight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.cfgs {
		v := p.views[t.Group]
		out = append(out, tribes.GroupSight{
			Group: t.Group, DropAfter: t.DropAfter, Nodes: v.Nodes(), Others: v.Others(), Status: v.Status(),
			Facts: tribes.Facts{Joined: true, Since: p.since},
		})
	}
	return out
}

func (p *paperEars) Keep(group string, receiver netip.AddrPort, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.views[group]; v != nil {
		v.Keep(receiver, yes)
	}
}

// Look finds nothing: the members of a test are on no host.
func (p *paperEars) Look([]netip.AddrPort) {}

// tell passes events on as an observer does, without p.mu.
func (p *paperEars) tell(events []tribes.Event) {
	for _, e := range events {
		p.o.Tell(e)
	}
	if len(events) > 0 {
		p.o.Notify()
	}
}

const group = "228.0.0.4:45564"

// hear has a datagram come from an address.
func (p *paperEars) hear(from string, m tribes.Member) {
	p.mu.Lock()
	var events []tribes.Event
	if v := p.views[group]; v != nil {
		events = v.Hear(time.Now(), netip.MustParseAddrPort(from), m.Append(nil))
	}
	p.mu.Unlock()
	p.tell(events)
}

// beacon has a connector announce itself.
func (p *paperEars) beacon(host string, port uint16, ready, busy int) {
	p.mu.Lock()
	p.beacons = []discover.Beacon{{Host: netip.MustParseAddr(host), Port: port, Ready: ready, Busy: busy, At: time.Now()}}
	p.mu.Unlock()
	p.o.Notify()
}

// node is a Tomcat that is heard.
type node struct {
	host  string
	id    byte
	began time.Time
}

func (n *node) member(command string) tribes.Member {
	m := tribes.Member{
		Host: netip.MustParseAddr(n.host), Port: 4000, SecurePort: -1, UDPPort: -1,
		Alive: time.Since(n.began).Milliseconds(), Command: []byte(command),
	}
	binary.BigEndian.PutUint32(m.ID[:], uint32(n.id))
	copy(m.ID[4:], n.host)
	return m
}

// beat lets time pass in which these nodes are heard twice a second, and time
// passes for the view.
func (p *paperEars) beat(w *world, d time.Duration, nodes ...*node) {
	for end := time.Now().Add(d); time.Now().Before(end); w.pass(500 * time.Millisecond) {
		for _, n := range nodes {
			p.hear(n.host+":45564", n.member(""))
		}
		p.mu.Lock()
		var events []tribes.Event
		for _, v := range p.views {
			if next := v.Next(); !next.IsZero() && !time.Now().Before(next) {
				events = append(events, v.Tick(time.Now())...)
			}
		}
		p.mu.Unlock()
		p.tell(events)
	}
}
