package tribes

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Severity orders findings.
type Severity uint8

// The severities.
const (
	Info     Severity = iota // worth knowing
	Warning                  // something will not work as it is meant to
	Critical                 // something does not work, or somebody attacks
)

func (s Severity) String() string {
	switch s {
	case Critical:
		return "critical"
	case Warning:
		return "warning"
	default:
		return "info"
	}
}

// Finding is something wrong with the cluster that can be told from its
// heartbeats.
type Finding struct {
	Severity Severity
	Code     string    // stable, for machines: "loopback-receiver"
	Group    string    // the group it was seen in
	Subject  string    // a receiver, a member or the group
	What     string    // what is seen
	Cause    string    // what that means, or what is likely behind it
	Cure     string    // what to change, and where
	Since    time.Time // zero: not known
}

// Situation is what findings are made from.
type Situation struct {
	Now     time.Time
	Groups  []GroupSight
	Members []MemberSight
	Local   []netip.Addr // addresses of this host; loopback is always one
}

// GroupSight is one group as it is heard.
type GroupSight struct {
	Group     string // "228.0.0.4:45564"
	Domain    string // the configured one
	DropAfter time.Duration
	Facts     Facts
	Status    Status
	Nodes     []Node // View.Nodes
	Others    []Node // View.Others
}

// MemberSight is one configured or discovered member of a pool.
type MemberSight struct {
	Name     string         // "app/tomcat1"
	Pool     string         // "app"
	Group    string         // where it is expected to be heard; empty for a member of no cluster
	Host     netip.Addr     // where it serves
	Receiver netip.AddrPort // of the node it belongs to; invalid when that is not known
	Routable bool           // answers probes
	Since    time.Time      // of Routable
	Ever     bool           // has answered a probe at some time
	Problem  string         // why it does not answer
}

// How long things may look odd before they are said, and how long they are
// remembered.
const (
	settleTime = 10 * time.Second
	neverTime  = 30 * time.Second
	attackTime = time.Hour
	recentTime = 10 * time.Minute
)

// Findings looks for everything it knows. The order is stable: worst first,
// then by group, code and subject. A healthy cluster has none.
func Findings(s Situation) []Finding {
	d := &doctor{Situation: s, local: map[netip.Addr]bool{}}
	for _, a := range s.Local {
		d.local[a.Unmap().WithZone("")] = true
	}
	for i := range s.Groups {
		d.group = &s.Groups[i]
		d.listening()
		d.attacks()
		d.identities()
		d.loopbacks()
		d.oneWay()
		d.neverRoutable()
		d.unknown()
		d.domains()
		d.pools()
		d.habits()
	}
	slices.SortStableFunc(d.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
	return d.found
}

// doctor looks at one group after the other.
type doctor struct {
	Situation
	group *GroupSight
	local map[netip.Addr]bool
	found []Finding
}

func (d *doctor) say(f Finding) {
	f.Group = d.group.Group
	d.found = append(d.found, f)
}

// within reports whether something happened in the given time.
func (d *doctor) within(at time.Time, span time.Duration) bool {
	return !at.IsZero() && d.Now.Sub(at) < span
}

// host names the machine behind an address: all of this host's are one.
func (d *doctor) host(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || d.local[a] {
		return netip.IPv6Loopback()
	}
	return a
}

// hosts counts the machines of the group: where heartbeats come from and where
// members serve.
func (d *doctor) hosts() int {
	seen := map[netip.Addr]bool{}
	for _, n := range d.group.Nodes {
		if n.Confirmed {
			seen[d.host(n.Source.Addr())] = true
		}
	}
	for _, m := range d.Members {
		if m.Group == d.group.Group && m.Host.IsValid() {
			seen[d.host(m.Host)] = true
		}
	}
	return len(seen)
}

// members returns the members that belong to a node: by receiver where that is
// known, by host where it is not.
func (d *doctor) members(n Node) []MemberSight {
	var out []MemberSight
	for _, m := range d.Members {
		if m.Group != "" && m.Group != d.group.Group {
			continue
		}
		byHost := !m.Receiver.IsValid() && m.Host.IsValid() && d.host(m.Host) == d.host(n.Receiver.Addr())
		if m.Receiver == n.Receiver || byHost {
			out = append(out, m)
		}
	}
	return out
}

// node returns the node of a member that names its receiver.
func (d *doctor) node(m MemberSight) (Node, bool) {
	for _, n := range d.group.Nodes {
		if n.Receiver == m.Receiver {
			return n, true
		}
	}
	return Node{}, false
}
