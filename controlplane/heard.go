package controlplane

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/metrics"
	"github.com/catherd/catherd/controlplane/source"
	"github.com/catherd/catherd/controlplane/tribes"
	"github.com/catherd/catherd/dataplane/table"
)

// Beacons implements admin.Controller.
func (c *Controller) Beacons(path string) (http.Handler, bool) { return c.ears.Beacons(path) }

// sources is how names and files are.
func sources(list []source.Status) []admin.SourceStatus {
	out := make([]admin.SourceStatus, 0, len(list))
	for _, s := range list {
		out = append(out, admin.SourceStatus{Name: s.Name, Pool: s.Pool, Good: s.Good, Next: s.Next, Problem: s.Problem})
	}
	return out
}

// groups is what is heard at that time, with what discovery made of it.
func groups(now time.Time, sights []tribes.GroupSight, r *discover.Result) []admin.GroupStatus {
	out := make([]admin.GroupStatus, 0, len(sights))
	for i := range sights {
		g := &sights[i]
		s := admin.GroupStatus{
			Group: g.Group, Interface: g.Facts.Interface, Joined: g.Facts.Joined, Since: g.Facts.Since,
			Problem: g.Facts.Problem, Filter: g.Facts.Filter,
			Datagrams: g.Facts.Datagrams, Refused: g.Facts.Refused, Lost: g.Facts.Lost,
			Junk: g.Status.Junk, Foreign: g.Status.Foreign,
			LastHeard: g.Status.LastHeard, DeafSince: g.Status.DeafSince, Others: len(g.Others),
			Nodes: make([]admin.NodeStatus, 0, len(g.Nodes)),
		}
		look := newLookup(g.Group, r)
		for k := range g.Nodes {
			n := nodeStatus(now, &g.Nodes[k])
			look.place(g.Nodes[k].Receiver, &n)
			switch {
			case n.Member != "":
				s.Matched++
			case n.Unmatched.Pool != "":
				s.Waiting++
			default:
				s.Nobody++
			}
			s.Nodes = append(s.Nodes, n)
		}
		out = append(out, s)
	}
	return out
}

func nodeStatus(now time.Time, n *tribes.Node) admin.NodeStatus {
	return admin.NodeStatus{
		Receiver: n.Receiver.String(), Advertised: n.Advertised.String(), Source: n.Source.String(),
		ID: fmt.Sprintf("%x..%x", n.ID[:2], n.ID[len(n.ID)-1:]), Domain: n.Domain,
		State: n.State.String(), Since: n.Since, LastHeard: n.LastHeard,
		Ago: max(now.Sub(n.LastHeard).Seconds(), 0), Age: n.Age.Seconds(),
		Heartbeats: n.Beats, Interval: n.Interval.Seconds(), Once: !n.Confirmed,
		Rewritten: n.Rewritten, Loopback: n.Loopback, Incarnations: n.Incarnations,
	}
}

// lookup finds what discovery says of the nodes of one group.
type lookup struct {
	group     string
	matches   map[netip.AddrPort][]*discover.Match
	unmatched map[netip.AddrPort]*admin.Unmatched
}

func newLookup(group string, r *discover.Result) lookup {
	l := lookup{group, map[netip.AddrPort][]*discover.Match{}, map[netip.AddrPort]*admin.Unmatched{}}
	for i := range r.Matches {
		if m := &r.Matches[i]; m.Group == group {
			l.matches[m.Receiver] = append(l.matches[m.Receiver], m)
		}
	}
	// A node that is heard in two groups is listed with one of them.
	for _, list := range [][]discover.Unrouted{r.Nobody, r.Waiting} {
		for i := range list {
			if u := &list[i]; (u.Group == beaconGroup) == (group == beaconGroup) {
				l.unmatched[u.Receiver] = &admin.Unmatched{Pool: u.Pool, Why: u.Why, Under: u.Under, Line: u.Line}
			}
		}
	}
	return l
}

// beaconGroup is what discover calls the group of a connector that is known by
// its beacon alone.
const beaconGroup = "beacon"

// place says whose a node is. The surest match comes first.
func (l *lookup) place(receiver netip.AddrPort, n *admin.NodeStatus) {
	list := l.matches[receiver]
	if len(list) == 0 {
		if n.Unmatched = l.unmatched[receiver]; n.Unmatched == nil {
			n.Unmatched = &admin.Unmatched{Why: "it has just been heard"}
		}
		return
	}
	first := list[0]
	for _, m := range list {
		if m.Sure && !first.Sure {
			first = m
		}
	}
	n.Pool, n.Member, n.By, n.Sure = first.Pool, first.Member, string(first.By), first.Sure
	for _, m := range list {
		if m != first {
			n.Also = append(n.Also, m.Pool+"/"+m.Member)
		}
	}
}

// beacons are the connectors that announce themselves.
func beacons(now time.Time, list []discover.Beacon, r *discover.Result) []admin.BeaconStatus {
	out := make([]admin.BeaconStatus, 0, len(list))
	look := newLookup(beaconGroup, r)
	for _, b := range list {
		at := netip.AddrPortFrom(b.Host, b.Port)
		s := admin.BeaconStatus{
			Connector: at.String(), Ready: b.Ready, Busy: b.Busy, LastHeard: b.At, Ago: max(now.Sub(b.At).Seconds(), 0),
			Unmatched: look.unmatched[at],
		}
		i := slices.IndexFunc(r.Loads, func(l discover.Load) bool { return l.Connector == at })
		if i >= 0 {
			s.Pool, s.Member, s.Unmatched = r.Loads[i].Pool, r.Loads[i].Member, nil
		}
		out = append(out, s)
	}
	return out
}

// findings puts what the cluster's heartbeats show and what discovery stumbled
// over into one list, the worst first.
func findings(heard []tribes.Finding, found []discover.Finding) []admin.Finding {
	type rated struct {
		tribes.Severity
		admin.Finding
	}
	all := make([]rated, 0, len(heard)+len(found))
	for _, f := range heard {
		all = append(all, rated{f.Severity, admin.Finding{
			Severity: f.Severity.String(), Code: f.Code, Group: f.Group, Subject: f.Subject,
			What: f.What, Cause: f.Cause, Cure: f.Cure, Since: f.Since,
		}})
	}
	for _, f := range found {
		all = append(all, rated{tribes.Warning, admin.Finding{
			Severity: tribes.Warning.String(), Code: "discovery", Subject: f.Subject, What: f.What, Cure: f.Cure,
		}})
	}
	slices.SortStableFunc(all, func(a, b rated) int { return cmp.Compare(b.Severity, a.Severity) })
	out := make([]admin.Finding, 0, len(all))
	for i := range all {
		out = append(out, all[i].Finding)
	}
	return out
}

// receivers are the nodes behind members, as far as that is sure.
func receivers(r *discover.Result) map[discover.Key]discover.Match {
	out := map[discover.Key]discover.Match{}
	for _, m := range r.Matches {
		if k := (discover.Key{Pool: m.Pool, Member: m.Member}); m.Sure {
			out[k] = m
		}
	}
	return out
}

// tribesMetrics adds what is heard to a scrape. Groups of the same address on
// several interfaces are one.
func (c *Controller) tribesMetrics(s *metrics.Snapshot, v *view, now time.Time) {
	sights := c.ears.Groups()
	at := map[string]int{}
	last := map[string]map[netip.AddrPort]time.Time{}
	for i, g := range groups(now, sights, &v.heard) {
		k, known := at[g.Group]
		if !known {
			k = len(s.Groups)
			at[g.Group] = k
			s.Groups = append(s.Groups, metrics.Group{Name: g.Group})
			last[g.Group] = map[netip.AddrPort]time.Time{}
		}
		m, stats := &s.Groups[k], &sights[i].Status.Stats
		m.Matched, m.Waiting, m.Nobody = m.Matched+g.Matched, m.Waiting+g.Waiting, m.Nobody+g.Nobody
		m.Heard += stats.Heartbeats
		m.Stops += stats.Shutdowns
		m.Foreign += stats.Foreign
		m.Refused += stats.Refused
		m.Junk += stats.Junk + g.Refused
		m.Lost += g.Lost
		for k := range sights[i].Nodes {
			n := &sights[i].Nodes[k]
			if n.LastHeard.After(last[g.Group][n.Receiver]) {
				last[g.Group][n.Receiver] = n.LastHeard
			}
		}
	}
	s.LastHeard = map[table.ID]time.Time{}
	for k, m := range receivers(&v.heard) {
		p := v.cfg.Pool(k.Pool)
		if p == nil || p.Member(k.Member) == nil {
			continue
		}
		if t := last[m.Group][m.Receiver]; !t.IsZero() {
			s.LastHeard[compile.ID(k.Pool, p.Member(k.Member))] = t
		}
	}
	s.Findings = map[string]int{}
	for _, f := range findings(v.findings, v.heard.Findings) {
		s.Findings[f.Severity]++
	}
}
