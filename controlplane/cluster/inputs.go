package cluster

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/source"
	"github.com/catherd/catherd/controlplane/tribes"
)

// Inputs is what is known at that time, for discover.Resolve. Prev and Serving
// are the caller's.
func (e *Ears) Inputs(now time.Time) discover.Inputs {
	e.mu.Lock()
	defer e.mu.Unlock()
	in := discover.Inputs{Now: now, Answers: e.asking.snapshot(), Owners: e.owners, Local: e.local}
	for _, g := range e.groups {
		for _, n := range g.view.Nodes() {
			in.Heard = append(in.Heard, heard(g.cfg.Group, &n))
		}
		if g.beacons == nil {
			continue
		}
		for _, b := range g.beacons.Nodes(now) {
			in.Beacons = append(in.Beacons, discover.Beacon{
				Host: b.Addr.Addr(), Port: b.Addr.Port(), Ready: b.Ready, Busy: b.Busy, At: b.LastSeen,
			})
		}
	}
	for _, n := range e.names {
		resolved, _ := n.dns.Get()
		for _, r := range resolved {
			in.Names = append(in.Names, discover.Named{Pool: r.Pool, Name: r.Name, Scheme: r.Scheme, Addrs: r.Addrs})
		}
	}
	for _, l := range e.files {
		members, _ := l.file.Get()
		in.Files = append(in.Files, discover.Listed{Pool: l.pool, File: l.name, Members: members})
	}
	return in
}

var states = map[tribes.State]discover.State{
	tribes.Alive: discover.Alive, tribes.Silent: discover.Silent, tribes.Leaving: discover.Leaving,
}

func heard(group string, n *tribes.Node) discover.Heard {
	return discover.Heard{
		Receiver: n.Receiver, Advertised: n.Advertised, Source: n.Source.Addr(), Group: group, Domain: n.Domain,
		ID: n.ID, Alive: n.Age, LastHeard: n.LastHeard, State: states[n.State], Stray: !n.Confirmed,
	}
}

// Groups is what is heard, for findings and status.
func (e *Ears) Groups() []tribes.GroupSight {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]tribes.GroupSight, 0, len(e.groups))
	for _, g := range e.groups {
		out = append(out, tribes.GroupSight{
			Group: g.cfg.Group, Domain: g.cfg.Domain, DropAfter: g.cfg.DropAfter,
			Facts: g.view.Facts(), Status: g.view.Status(), Nodes: g.view.Nodes(), Others: g.view.Others(),
		})
	}
	return out
}

// Sources says how the DNS names and member files are.
func (e *Ears) Sources() (out []source.Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.names {
		_, s := n.dns.Get()
		out = append(out, s...)
	}
	for _, l := range e.files {
		_, s := l.file.Get()
		out = append(out, s)
	}
	return out
}

// Keep vouches for a node, or no longer: who answers probes is not thrown out
// by a flood of strangers.
func (e *Ears) Keep(group string, receiver netip.AddrPort, yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.groups {
		if g.cfg.Group == group {
			g.view.Keep(receiver, yes)
		}
	}
}

// Ask makes the connectors that are asked exactly these, with the secrets and
// time-outs of their pools.
func (e *Ears) Ask(c *config.Config, candidates []discover.Candidate) {
	questions := make([]Question, 0, len(candidates))
	for _, k := range candidates {
		q := Question{Addr: k.Addr, Want: k.Want, Connect: time.Second, Timeout: time.Second}
		if p := c.Pool(k.Pool); p != nil {
			q.Secret, q.Connect, q.Timeout = p.Secret, p.Timeouts.Connect, p.Health.Cping
		}
		questions = append(questions, q)
	}
	e.asking.set(questions)
}

// Look finds out, in the background, where the processes of this host listen that
// own these receivers. Reading all of /proc takes its time on a busy host, so
// one look is under way at most; what is wanted meanwhile is looked for after
// it, the newest wish only.
func (e *Ears) Look(receivers []netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.ctx.Err() != nil:
	case e.looking:
		e.again = append([]netip.AddrPort{}, receivers...)
	default:
		e.looking = true
		e.wg.Go(func() { e.look(receivers) })
	}
}

// look is the goroutine of Look. It ends when nothing more is wanted.
func (e *Ears) look(receivers []netip.AddrPort) {
	for more := true; more; {
		owners := e.owned(receivers)
		local, _ := tribes.LocalAddrs() // unknown: loopback is local all the same
		e.mu.Lock()
		same := maps.EqualFunc(owners, e.owners, slices.Equal) && slices.Equal(local, e.local)
		e.owners, e.local = owners, local
		receivers, e.again = e.again, nil
		more = receivers != nil && e.ctx.Err() == nil
		e.looking = more
		e.mu.Unlock()
		if !same {
			e.o.Notify()
		}
	}
}

// Local is the addresses of this host, as far as they have been looked for.
func (e *Ears) Local() []netip.Addr {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.local
}

// Beacons takes HeartbeatListener's HTTP form at the paths of the file; false when
// this is none of them.
func (e *Ears) Beacons(path string) (http.Handler, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range e.groups {
		if g.cfg.BeaconPath != path || path == "" {
			continue
		}
		b := g.beacons
		return tribes.BeaconHandler(func(now time.Time, host netip.Addr, beacon tribes.Beacon) bool {
			b.Take(now, host, beacon)
			e.o.Notify()
			return true
		}), true
	}
	return nil, false
}
