package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
)

// discoverFact is the JSON of discover.
type discoverFact struct {
	Heard      []heardNode      `json:"heard"`
	Beacons    []string         `json:"beacons"`
	Processes  []processFact    `json:"processes"`
	Connectors []connectorFact  `json:"connectors"`
	Members    []discoveredFact `json:"members"`
	Config     string           `json:"config"`
}

type heardNode struct {
	Group    string `json:"group"`
	Receiver string `json:"receiver"`
	Source   string `json:"source"`
	Domain   string `json:"domain,omitempty"`
}

type processFact struct {
	PID    int    `json:"pid"`
	Base   string `json:"catalina_base,omitempty"`
	Route  string `json:"jvm_route,omitempty"`
	Listen []int  `json:"ports"`
}

type connectorFact struct {
	Address string `json:"address"`
	Answer  string `json:"answer"`
}

type discoveredFact struct {
	URL      string `json:"url"`
	HTTP     string `json:"http,omitempty"`
	Route    string `json:"route,omitempty"`
	Receiver string `json:"receiver,omitempty"`
}

// fact is all of it for a program.
func (s *sight) fact(members []found, text string) discoverFact {
	f := discoverFact{
		Heard: []heardNode{}, Beacons: []string{}, Processes: []processFact{},
		Connectors: []connectorFact{}, Members: []discoveredFact{}, Config: text,
	}
	for i := range s.groups {
		for _, n := range s.groups[i].nodes {
			f.Heard = append(f.Heard, heardNode{s.groups[i].name, n.Receiver.String(), n.Source.String(), n.Domain})
		}
	}
	for i := range s.beacons {
		f.Beacons = append(f.Beacons, s.beacons[i].Addr.String())
	}
	for i := range s.here {
		f.Processes = append(f.Processes, processFact{s.here[i].PID, s.here[i].Base, s.here[i].route, ports(s.here[i].Listens)})
	}
	for _, answer := range []discover.Answer{discover.AJP, discover.HTTP} {
		for _, at := range s.answered(answer) {
			f.Connectors = append(f.Connectors, connectorFact{at.String(), answer.String()})
		}
	}
	for _, m := range members {
		d := discoveredFact{URL: m.url.String(), Route: m.route}
		if !m.http.IsZero() {
			d.HTTP = m.http.String()
		}
		if m.receiver.IsValid() {
			d.Receiver = m.receiver.String()
		}
		f.Members = append(f.Members, d)
	}
	return f
}

func ports(list []netip.AddrPort) []int {
	out := []int{}
	for _, at := range list {
		if !slices.Contains(out, int(at.Port())) {
			out = append(out, int(at.Port()))
		}
	}
	slices.Sort(out)
	return out
}

// report is what was heard and seen, for people.
func (s *sight) report() string {
	var b strings.Builder
	for i := range s.groups {
		g := &s.groups[i]
		on := g.facts.Interface
		if g.facts.Problem != "" {
			on = g.facts.Problem
		}
		fmt.Fprintf(&b, "heard   %s on %s: %s in %s\n", g.name, on, plural(len(g.nodes), "node"), s.period)
		for _, n := range g.nodes {
			line := "  " + n.Receiver.String()
			if n.Source.Addr() != n.Receiver.Addr() {
				line += " from " + n.Source.Addr().String()
			}
			if n.Domain != "" {
				line += fmt.Sprintf(" of domain %q", n.Domain) // whoever sends it must not write our file
			}
			b.WriteString("      " + line + "\n")
		}
	}
	if s.more > 0 {
		fmt.Fprintf(&b, "        and %d more, which were left out\n", s.more)
	}
	for i := range s.beacons {
		fmt.Fprintf(&b, "beacon  %s\n", s.beacons[i].Addr)
	}
	for i := range s.here {
		p := &s.here[i]
		base := ""
		if p.Base != "" {
			base = fmt.Sprintf(" in %q", p.Base)
		}
		fmt.Fprintf(&b, "local   process %d%s listens on %s\n", p.PID, base, strings.Trim(fmt.Sprint(ports(p.Listens)), "[]"))
	}
	for _, answer := range []discover.Answer{discover.AJP, discover.HTTP} {
		for _, at := range s.answered(answer) {
			fmt.Fprintf(&b, "asked   %s %s\n", at, answer)
		}
	}
	return b.String()
}

// nothing says what to look at when no member was found.
func (s *sight) nothing() string {
	var b strings.Builder
	if heard := len(s.nodes()); heard > 0 {
		fmt.Fprintf(&b, "%s heard, and no connector was found: none of the ports that are likely answers CPING or HTTP\n", plural(heard, "node"))
		b.WriteString("  an AJP connector listens on 127.0.0.1 unless it has address=; look at <Connector> in server.xml\n")
		b.WriteString("  with other ports, write the configuration yourself: pools.NAME.discover (catherd help tribes)")
		return b.String()
	}
	fmt.Fprintf(&b, "nothing was found in %s\n", s.period)
	for i := range s.groups {
		if p := s.groups[i].facts.Problem; p != "" {
			fmt.Fprintf(&b, "  %s could not be listened to: %s\n", s.groups[i].name, p)
		}
	}
	b.WriteString("  is --group that of <Membership address= port=> in server.xml, and is there a <Cluster>?\n" +
		"  is --interface the one that they send on? Without bind= a Tomcat takes the one that the\n" +
		"  multicast route leads to (ip route get 228.0.0.4); on one host, bind=\"127.0.0.1\" and --interface lo\n" +
		"  does a firewall or a switch keep UDP of the group away? IGMP snooping needs a querier\n" +
		"  Tomcats of this host are seen without a group: only root sees the processes of others")
	return b.String()
}

// configuration is the file. What was heard is said in comments, so that the
// text is a configuration as a whole.
func (s *sight) configuration(members []found) string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=./catherd.schema.json\n")
	for line := range strings.Lines("Found by catherd discover:\n" + s.report()) {
		b.WriteString("# " + line)
	}
	fmt.Fprintf(&b, "\nlisten: %d\n\npools:\n  app:\n    members:\n", s.freePort(members))
	taken := map[string]bool{}
	secret := false
	for _, m := range members {
		secret = secret || m.url.Scheme == "ajp"
		name, route := m.name(taken)
		fmt.Fprintf(&b, "      %s:\n        url: %s\n", name, m.url)
		if !m.http.IsZero() {
			fmt.Fprintf(&b, "        http: %s # for WebSocket, which AJP cannot carry\n", m.http)
		}
		if route != "" {
			fmt.Fprintf(&b, "        route: %s\n", route)
		}
		if m.receiver.IsValid() {
			fmt.Fprintf(&b, "        receiver: %q\n", m.receiver)
		}
	}
	if secret {
		b.WriteString("    # secret_file: /etc/catherd/ajp.secret # when <Connector> has secret=; check --probe tells\n")
	}
	b.WriteString(offsetHint(members))
	b.WriteString(s.tribesKey())
	return b.String()
}

// The words that may stand in the file for a route, and the ones among them that
// may not be a name there.
var (
	plainRoute = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	badName    = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n|[0-9.-].*)$`)
)

// name is the member's key, its jvmRoute where that is possible, and what is to
// be said of its route beside it; "" for nothing.
func (f *found) name(taken map[string]bool) (key, route string) {
	base := f.route
	switch {
	case !plainRoute.MatchString(base) || taken["route "+base]:
		base, route = config.MemberName(f.url), `"" # learned from sessions; or write the jvmRoute`
	case badName.MatchString(base):
		base, route = config.MemberName(f.url), fmt.Sprintf("%q", base)
	}
	taken["route "+f.route] = true
	name := base
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name] = true
	if badName.MatchString(name) { // an address
		return fmt.Sprintf("%q", name), route
	}
	return name, route
}

// offsetHint says how newcomers would be found as well, when all ports are at
// the same distance.
func offsetHint(members []found) string {
	offset, hosts := 0, []string{}
	for i, m := range members {
		if !m.receiver.IsValid() || m.url.Scheme != "ajp" || m.receiver.Addr().String() != m.url.Host {
			return ""
		}
		d := m.url.Port - int(m.receiver.Port())
		if i > 0 && d != offset {
			return ""
		}
		offset = d
		if host := fmt.Sprintf("%q", m.url.Host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return fmt.Sprintf("    # In place of members, to take in Tomcats that come later:\n    # discover: {ajp_port_offset: %d, allow: [%s]}\n", offset, strings.Join(hosts, ", "))
}

// tribesKey is the part about the groups that somebody speaks in.
func (s *sight) tribesKey() string {
	var b strings.Builder
	for i := range s.groups {
		g := &s.groups[i]
		// A beacon needs a group to stand under.
		if len(g.nodes) == 0 && !(i == 0 && len(s.beacons) > 0) {
			continue
		}
		fmt.Fprintf(&b, "  - group: %q\n", g.name)
		if s.iface != "" {
			fmt.Fprintf(&b, "    interface: %q\n", s.iface)
		}
		if len(s.beacons) > 0 && !strings.Contains(b.String(), "beacon:") {
			fmt.Fprintf(&b, "    beacon: %q\n", s.beacon)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\ntribes:\n" + b.String()
}

// freePort is a port to listen on that no Tomcat of this host has.
func (s *sight) freePort(members []found) int {
	used := map[int]bool{}
	for i := range s.here {
		for _, port := range ports(s.here[i].Listens) {
			used[port] = true
		}
	}
	for _, m := range members {
		used[m.url.Port], used[m.http.Port] = true, true
	}
	for _, port := range []int{8080, 8888, 8000} {
		if !used[port] {
			return port
		}
	}
	return 80
}
