package tribes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// loopbacks: a receiver at 127.0.0.1 is of no use to members on other hosts.
func (d *doctor) loopbacks() {
	if d.hosts() < 2 {
		return
	}
	for _, n := range d.group.Nodes {
		if !n.Loopback || !n.Confirmed || n.State == Leaving {
			continue
		}
		d.say(Finding{
			Severity: Critical, Code: "loopback-receiver", Subject: n.Receiver.String(), Since: n.FirstHeard,
			What:  fmt.Sprintf("the Tomcat at %s tells its cluster to reach it at %s", n.Source.Addr(), n.Advertised),
			Cause: "members on other hosts send its sessions to themselves: nothing is replicated to it, and what it replicates fails on the way back",
			Cure:  fmt.Sprintf("in its server.xml set <Receiver address=%q .../> to an address that the other hosts reach (\"auto\" takes what the host name resolves to, often 127.0.0.1)", n.Source.Addr()),
		})
	}
}

// oneWay: a member that works and whose heartbeats do not arrive, while those
// of others do.
func (d *doctor) oneWay() {
	heard := slices.ContainsFunc(d.group.Nodes, func(n Node) bool { return n.State == Alive && n.Confirmed })
	if !heard || !d.group.Status.DeafSince.IsZero() {
		return
	}
	for _, m := range d.Members {
		if m.Group != d.group.Group || !m.Receiver.IsValid() || !m.Routable || d.Now.Sub(m.Since) < settleTime {
			continue
		}
		n, known := d.node(m)
		if known && (n.State != Silent || d.Now.Sub(n.Since) < settleTime) {
			continue
		}
		what, since := "answers probes but has never been heard in the group, while others are", m.Since
		if known {
			what, since = "answers probes but has not been heard in the group for "+span(d.Now.Sub(n.LastHeard))+", while others are", n.LastHeard
		}
		d.say(Finding{
			Severity: Warning, Code: "one-way-multicast", Subject: m.Name, Since: since,
			What:  m.Name + " " + what,
			Cause: "its heartbeats leave through another interface, or a switch or firewall on the way drops multicast; its own cluster may have lost it as well",
			Cure:  "in its server.xml set <Membership bind=...> (mcastBindAddress in older ones) to its address on the cluster's network; let the firewall pass UDP to the group; look at IGMP snooping without a querier",
		})
	}
}

// neverRoutable: heard for long enough, and no member behind it has ever
// answered.
func (d *doctor) neverRoutable() {
	for _, n := range d.group.Nodes {
		if n.State != Alive || !n.Confirmed || d.Now.Sub(n.FirstHeard) < neverTime {
			continue
		}
		members := d.members(n)
		if len(members) == 0 || slices.ContainsFunc(members, func(m MemberSight) bool { return m.Ever || m.Routable || !m.Receiver.IsValid() }) {
			continue
		}
		m := members[0]
		why := ""
		if m.Problem != "" {
			why = ": " + m.Problem
		}
		d.say(Finding{
			Severity: Warning, Code: "never-routable", Subject: m.Name, Since: n.FirstHeard,
			What:  fmt.Sprintf("%s is heard as %s for %s and has never answered a probe%s", m.Name, n.Receiver, span(d.Now.Sub(n.FirstHeard)), why),
			Cause: "the connector that belongs to it listens on another port or address, or refuses us; a heartbeat names neither",
			Cure:  "compare <Connector port= address= secret=> in its server.xml with the member's address, or set the pool's discover ports",
		})
	}
}

// unknown: heard, and nobody's.
func (d *doctor) unknown() {
	for _, n := range d.group.Nodes {
		if !n.Confirmed || n.State == Leaving || d.Now.Sub(n.FirstHeard) < settleTime || len(d.members(n)) > 0 {
			continue
		}
		d.say(Finding{
			Severity: Warning, Code: "unknown-member", Subject: n.Receiver.String(), Since: n.FirstHeard,
			What:  fmt.Sprintf("%s is in the group since %s, from %s, and belongs to no pool", n.Receiver, clock(n.FirstHeard), n.Source),
			Cause: "a Tomcat that was forgotten in the configuration, one of another cluster with the same group, or a stranger: whoever is in the group gets the sessions",
			Cure:  fmt.Sprintf("add a member with receiver: %s to a pool, or give the other cluster its own <Membership address= port=>, or find out who it is", n.Receiver),
		})
	}
}

// domains: several in one group, or some members without one.
func (d *doctor) domains() {
	named := map[string]int{}
	var without []string
	all := slices.Concat(d.group.Nodes, d.group.Others)
	for _, n := range all {
		switch {
		case !n.Confirmed || n.State != Alive:
		case n.Domain == "":
			without = append(without, n.Receiver.String())
		default:
			named[n.Domain]++
		}
	}
	names := slices.Sorted(maps.Keys(named))
	for i := range names {
		names[i] = fmt.Sprintf("%q", names[i])
	}
	if len(names) > 1 {
		severity := Warning
		if d.group.Domain != "" {
			severity = Info // told apart here already
		}
		d.say(Finding{
			Severity: severity, Code: "several-domains", Subject: d.group.Group,
			What:  fmt.Sprintf("members of the domains %s share one group", strings.Join(names, " and ")),
			Cause: "two clusters in one group replicate to each other unless every Tomcat has a DomainFilterInterceptor",
			Cure:  "give each cluster its own <Membership address= port=>, or set domain: here and <Interceptor className=\"...DomainFilterInterceptor\" domain=...> there",
		})
	}
	if len(names) > 0 && len(without) > 0 {
		slices.Sort(without)
		d.say(Finding{
			Severity: Warning, Code: "missing-domain", Subject: strings.Join(without[:min(len(without), 3)], ", "),
			What:  fmt.Sprintf("%d of %d members say no domain, the others say %s", len(without), len(without)+total(named), strings.Join(names, " and ")),
			Cause: "a server.xml without the attribute, or a member of another cluster; a DomainFilterInterceptor does not let the two kinds see each other",
			Cure:  "set <Membership domain=...> in every server.xml of the cluster",
		})
	}
}

// pools: one group, and pools that have no Tomcat in common.
func (d *doctor) pools() {
	of := map[string]map[string]bool{} // receivers by pool
	for _, n := range d.group.Nodes {
		if !n.Confirmed || n.State != Alive {
			continue
		}
		for _, m := range d.members(n) {
			if m.Pool == "" || !m.Receiver.IsValid() {
				continue
			}
			if of[m.Pool] == nil {
				of[m.Pool] = map[string]bool{}
			}
			of[m.Pool][n.Receiver.String()] = true
		}
	}
	names := slices.Sorted(maps.Keys(of))
	for i, a := range names {
		for _, b := range names[i+1:] {
			if overlap(of[a], of[b]) {
				continue
			}
			d.say(Finding{
				Severity: Warning, Code: "two-clusters", Subject: a + ", " + b,
				What:  fmt.Sprintf("the pools %s and %s have no Tomcat in common, and all of them are in one group", a, b),
				Cause: "they are one cluster: sessions of one pool are replicated to Tomcats that never serve them, or a BackupManager puts the only copy there",
				Cure:  "give each cluster its own <Membership address= port=>",
			})
		}
	}
}

func overlap(a, b map[string]bool) bool {
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}

func total(m map[string]int) int {
	sum := 0
	for _, n := range m {
		sum += n
	}
	return sum
}

func clock(t time.Time) string { return t.Format("15:04:05") }
