package main

import (
	"cmp"
	"context"
	"encoding/xml"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/tribes"
	routing "github.com/catherd/catherd/dataplane/table"
)

// The bounds of one look around.
const (
	maxGroups     = 8
	maxNodes      = 64  // of a group
	maxListens    = 32  // of a process
	maxCandidates = 256 // connectors that are asked
	maxServerXML  = 1 << 20
	askConnect    = 500 * time.Millisecond
	askAnswer     = time.Second
)

// likely is where connectors of a host are whose processes cannot be seen:
// Tomcat's own ports and those of a second instance.
var likely = []uint16{8009, 9009, 8080, 9080}

// The distances from a receiver's port at which examples put the connectors:
// receivers 4000 and 5000, AJP 8009 and 9009, HTTP 8080 and 9080.
const (
	ajpOffset  = 4009
	httpOffset = 4080
)

// sight is everything that discover has heard and seen.
type sight struct {
	iface   string
	period  time.Duration
	beacon  netip.AddrPort
	groups  []groupSight
	more    int // nodes that were left out
	beacons []tribes.BeaconNode
	here    []instance
	local   []netip.Addr
	owners  map[netip.AddrPort][]netip.AddrPort
	answers map[netip.AddrPort]discover.Answer
}

// groupSight is one group.
type groupSight struct {
	name  string
	facts tribes.Facts
	nodes []tribes.Node
}

// instance is a Java process of this host.
type instance struct {
	discover.Process
	serverFile
}

// serverFile is what a server.xml says, as far as it can be read.
type serverFile struct {
	route    string // jvmRoute of the Engine
	shutdown uint16 // port of the Server, which stops it
	receiver uint16 // port of the Receiver, where replication is received
	group    string // of the Membership: address and port
}

// found is one member as it goes into the file.
type found struct {
	url, http config.Address
	receiver  netip.AddrPort
	route     string
}

// nodes are all nodes of all groups, each receiver once.
func (s *sight) nodes() (out []tribes.Node) {
	for i := range s.groups {
		for _, n := range s.groups[i].nodes {
			if !slices.ContainsFunc(out, func(o tribes.Node) bool { return o.Receiver == n.Receiver }) {
				out = append(out, n)
			}
		}
	}
	return out
}

// candidates are the connectors to ask. A port that a shutdown command or
// replication is waited for at is none.
func (s *sight) candidates() (out []netip.AddrPort) {
	nodes := s.nodes()
	add := func(at netip.AddrPort) {
		taken := slices.Contains(out, at) || len(out) >= maxCandidates || at.Port() == 0
		for i := range nodes {
			taken = taken || nodes[i].Receiver == at
		}
		for i := range s.here {
			quiet := at.Port() == s.here[i].shutdown || at.Port() == s.here[i].receiver
			taken = taken || quiet && s.isHere(at.Addr())
		}
		if !taken {
			out = append(out, at)
		}
	}
	for i := range nodes {
		r := nodes[i].Receiver
		if listens, known := s.owners[r]; known {
			for _, at := range reached(listens, r.Addr()) {
				add(at)
			}
			continue
		}
		for _, offset := range []int{ajpOffset, httpOffset} {
			if port := int(r.Port()) + offset; port <= 0xffff {
				add(netip.AddrPortFrom(r.Addr(), uint16(port)))
			}
		}
		for _, port := range likely {
			add(netip.AddrPortFrom(r.Addr(), port))
		}
	}
	for i := range s.beacons {
		add(s.beacons[i].Addr)
	}
	for i := range s.here {
		if s.owner(nodes, &s.here[i]) < 0 {
			for _, at := range reached(s.here[i].Listens, loopback4) {
				add(at)
			}
		}
	}
	return out
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// reached is how the ports of a process are reached: those that listen
// everywhere at the given address.
func reached(listens []netip.AddrPort, at netip.Addr) (out []netip.AddrPort) {
	for _, l := range listens[:min(len(listens), maxListens)] {
		if l.Addr().IsUnspecified() {
			l = netip.AddrPortFrom(at, l.Port())
		}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b netip.AddrPort) int {
		return cmp.Or(cmp.Compare(a.Port(), b.Port()), a.Compare(b))
	})
	return out
}

// owner finds the node whose receiver a process has; -1 for none.
func (s *sight) owner(nodes []tribes.Node, i *instance) int {
	return slices.IndexFunc(nodes, func(n tribes.Node) bool {
		listens, known := s.owners[n.Receiver]
		return known && slices.Equal(listens, i.Listens)
	})
}

// first finds the first of these connectors that answered in a protocol and is
// nobody's yet.
func (s *sight) first(list []netip.AddrPort, want discover.Answer, taken map[netip.AddrPort]bool) (netip.AddrPort, bool) {
	for _, at := range list {
		if s.answers[at] == want && !taken[at] {
			return at, true
		}
	}
	return netip.AddrPort{}, false
}

// arrange says which connector is whose. What belongs to nobody for sure is a
// member without a receiver.
func (s *sight) arrange() (out []found) {
	nodes, taken := s.nodes(), map[netip.AddrPort]bool{}
	// take makes a member of the connectors of one process, or of one guess.
	take := func(list []netip.AddrPort, receiver netip.AddrPort, route string) bool {
		f := found{receiver: receiver, route: route}
		ajp, isAJP := s.first(list, discover.AJP, taken)
		http, isHTTP := s.first(list, discover.HTTP, taken)
		switch {
		case isAJP:
			f.url, taken[ajp] = addressAt("ajp", ajp), true
			if isHTTP {
				f.http, taken[http] = addressAt("http", http), true
			}
		case isHTTP:
			f.url, taken[http] = addressAt("http", http), true
		default:
			return false
		}
		out = append(out, f)
		return true
	}
	var rest []tribes.Node
	for _, n := range nodes {
		listens, known := s.owners[n.Receiver]
		if !known {
			rest = append(rest, n)
			continue
		}
		route := ""
		for i := range s.here {
			if slices.Equal(s.here[i].Listens, listens) {
				route = s.here[i].route
			}
		}
		take(reached(listens, n.Receiver.Addr()), n.Receiver, route)
	}
	rest = slices.DeleteFunc(rest, func(n tribes.Node) bool {
		return take(behind(n.Receiver, ajpOffset, httpOffset), n.Receiver, "")
	})
	for _, n := range rest {
		// The only node of a host has the only connector of it.
		same := func(o tribes.Node) bool { return o.Receiver.Addr() == n.Receiver.Addr() }
		if list := s.onHost(n.Receiver.Addr(), taken); slices.IndexFunc(rest, same) == lastIndex(rest, same) && s.alone(list) {
			take(list, n.Receiver, "")
		}
	}
	for i := range s.here {
		if s.owner(nodes, &s.here[i]) < 0 {
			take(reached(s.here[i].Listens, loopback4), netip.AddrPort{}, s.here[i].route)
		}
	}
	for i := range s.beacons {
		take([]netip.AddrPort{s.beacons[i].Addr}, netip.AddrPort{}, "")
	}
	for _, a := range s.answered(discover.AJP) { // AJP is spoken by nobody but a Tomcat or its kin
		take([]netip.AddrPort{a}, netip.AddrPort{}, "")
	}
	slices.SortStableFunc(out, func(a, b found) int {
		return cmp.Or(strings.Compare(a.url.Host, b.url.Host), cmp.Compare(a.url.Port, b.url.Port))
	})
	return out
}

func lastIndex(list []tribes.Node, f func(tribes.Node) bool) int {
	for i := len(list) - 1; i >= 0; i-- {
		if f(list[i]) {
			return i
		}
	}
	return -1
}

// behind is where connectors are at these distances from a receiver.
func behind(r netip.AddrPort, offsets ...int) (out []netip.AddrPort) {
	for _, o := range offsets {
		if port := int(r.Port()) + o; port <= 0xffff {
			out = append(out, netip.AddrPortFrom(r.Addr(), uint16(port)))
		}
	}
	return out
}

// answered are the connectors that speak a protocol, by address.
func (s *sight) answered(want discover.Answer) (out []netip.AddrPort) {
	for at, got := range s.answers {
		if got == want {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, netip.AddrPort.Compare)
	return out
}

// onHost are the connectors of a host that are nobody's yet.
func (s *sight) onHost(host netip.Addr, taken map[netip.AddrPort]bool) (out []netip.AddrPort) {
	for _, want := range []discover.Answer{discover.AJP, discover.HTTP} {
		for _, at := range s.answered(want) {
			if at.Addr() == host && !taken[at] {
				out = append(out, at)
			}
		}
	}
	return out
}

// alone reports whether there is at most one connector of each protocol.
func (s *sight) alone(list []netip.AddrPort) bool {
	n := map[discover.Answer]int{}
	for _, at := range list {
		n[s.answers[at]]++
	}
	return n[discover.AJP] <= 1 && n[discover.HTTP] <= 1
}

func addressAt(scheme string, at netip.AddrPort) config.Address {
	return config.Address{Scheme: scheme, Host: at.Addr().String(), Port: int(at.Port())}
}

// askOne asks one connector: AJP first, because a Tomcat answers CPING without
// a word in its log, then HTTP.
func askOne(ctx context.Context, p health.Prober, at netip.AddrPort) discover.Answer {
	for _, try := range []struct {
		scheme routing.Scheme
		means  discover.Answer
	}{{routing.AJP, discover.AJP}, {routing.HTTP, discover.HTTP}} {
		ctx, cancel := context.WithTimeout(ctx, askConnect+2*askAnswer)
		s := p.Probe(ctx, health.Target{
			ID: routing.ID("candidate " + at.String()), Quick: true,
			To:       routing.Target{Scheme: try.scheme, Addr: at.String(), Host: at.String()},
			Settings: health.Settings{Connect: askConnect, Timeout: askAnswer},
		})
		cancel()
		switch {
		case s.OK:
			return try.means
		case s.Fail == health.Refused:
			return discover.Refused
		}
	}
	return discover.Other
}

// readServer reads what server.xml of an instance says of itself.
func readServer(base string) serverFile {
	f, err := os.Open(filepath.Join(base, "conf", "server.xml"))
	if err != nil {
		return serverFile{}
	}
	defer f.Close()
	return parseServer(io.LimitReader(f, maxServerXML))
}

// parseServer reads a server.xml. A value with a property in it (${...}) is not
// known, and what was read before a mistake holds.
func parseServer(r io.Reader) (out serverFile) {
	d := xml.NewDecoder(r)
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names and numbers are ASCII
	for {
		token, err := d.Token()
		if err != nil {
			return out
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		value := map[string]string{}
		for _, a := range start.Attr {
			if !strings.Contains(a.Value, "${") {
				value[a.Name.Local] = a.Value
			}
		}
		port, _ := strconv.ParseUint(value["port"], 10, 16) // 0: none, or none that is known
		switch start.Name.Local {
		case "Server":
			out.shutdown = uint16(port)
		case "Engine":
			if route := value["jvmRoute"]; out.route == "" && len(route) <= 64 {
				out.route = route
			}
		case "Receiver":
			out.receiver = uint16(port)
		case "Membership":
			if a, err := netip.ParseAddr(value["address"]); err == nil && a.IsMulticast() && a.Zone() == "" && port > 0 {
				out.group = netip.AddrPortFrom(a, uint16(port)).String()
			}
		}
	}
}
