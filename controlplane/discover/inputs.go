package discover

import (
	"net/netip"
	"time"

	"github.com/catherd/catherd/controlplane/config"
)

// State is what the group says of a node.
type State uint8

// The states of a node.
const (
	Alive   State = iota
	Silent        // its heartbeats are missed; says nothing about requests
	Leaving       // it has announced that it stops
)

// Heard is a node of a group as its heartbeats describe it.
type Heard struct {
	Receiver   netip.AddrPort // where its replication receiver is reached from here
	Advertised netip.AddrPort // what the heartbeat says; zero: the same
	Source     netip.Addr     // where its datagrams come from
	Group      string         // as in tribes.group of the file
	Domain     string
	ID         [16]byte
	Alive      time.Duration // age of its JVM
	LastHeard  time.Time
	State      State
	Stray      bool // heard once only: it is matched with the file, and brings no member
}

// Beacon is what Tomcat's HeartbeatListener says of one connector.
type Beacon struct {
	Host        netip.Addr
	Port        uint16
	Ready, Busy int // threads
	At          time.Time
}

// Named is the answer to one name of a pool's discover.dns or discover.srv.
type Named struct {
	Pool   string
	Name   string // as in the file
	Scheme string // ajp, http or https
	Addrs  []netip.AddrPort
}

// Listed is the content of a pool's discover.file.
type Listed struct {
	Pool    string
	File    string
	Members []config.Member
}

// Answer is what a connector said when it was probed.
type Answer uint8

// The answers.
const (
	Unknown Answer = iota // not probed yet
	AJP                   // answered CPING
	HTTP                  // answered an HTTP request
	Refused               // nobody listens
	Mute                  // no answer in time
	Other                 // something that is neither
)

func (a Answer) String() string {
	return [...]string{"not probed yet", "speaks AJP", "speaks HTTP", "refuses connections", "does not answer", "speaks neither AJP nor HTTP"}[a]
}

// scheme is the protocol of a URL that an answer proves; "" for none.
func (a Answer) scheme() string {
	switch a {
	case AJP:
		return "ajp"
	case HTTP:
		return "http"
	}
	return ""
}

// Key names a member.
type Key struct{ Pool, Member string }

// Inputs is everything Resolve looks at. Maps and slices may be nil.
type Inputs struct {
	Now     time.Time
	Heard   []Heard
	Beacons []Beacon
	Names   []Named
	Files   []Listed
	Answers map[netip.AddrPort]Answer // to Result.Candidates, the newest
	// Owners holds, for receivers of this host, where the process that owns
	// the receiver listens. A receiver that is not in it has an unknown owner.
	Owners map[netip.AddrPort][]netip.AddrPort
	Local  []netip.Addr // addresses of this host; loopback is always one
	// Prev is Found of the last Result: these have been proven, and they stay
	// as long as something speaks for them.
	Prev []Found
	// Serving says whether probes of a member are answered. A member without a
	// verdict is not in it.
	Serving map[Key]bool
}

// Rule says how a node was matched with a member.
type Rule string

// The rules, in their order.
const (
	ByReceiver Rule = "receiver"    // the file names its receiver
	ByProcess  Rule = "process"     // its process listens on the member's address
	ByPort     Rule = "ajp_port"    // discover names the port
	ByOffset   Rule = "port_offset" // discover names the distance
	ByTrying   Rule = "ports"       // one of the ports of discover answers
	ByBeacon   Rule = "beacon"      // a beacon names the port
	ByHost     Rule = "host"        // the only node and the only member of that host
	ByName     Rule = "dns"         // a name resolves to it; no node is known
)

// Found is a member that the file does not have, derived by Resolve.
type Found struct {
	Pool     string
	Name     string
	URL      config.Address
	HTTP     config.Address // beside AJP, for WebSocket; zero for none
	By       Rule
	Receiver netip.AddrPort // of its node; zero when no node is known for sure
	Origin   string         // "heard in 228.0.0.4:45564 as 10.0.0.7:4000"
}

// Move is a member whose connector is found elsewhere. It has another name since,
// because names are made of addresses: whoever starts anew gives the same one.
type Move struct{ From, To Found }

// Match ties a node to a member. One node may have several, in different pools.
type Match struct {
	Receiver netip.AddrPort
	Group    string
	Pool     string
	Member   string
	By       Rule
	Sure     bool // false: what the node says is a hint about the member, no more
}

// Unrouted is a node that has no member.
type Unrouted struct {
	Receiver netip.AddrPort
	Source   netip.Addr
	Group    string
	Domain   string
	Pool     string // the pool that waits for its connector; "" when it is nobody's
	Why      string // one sentence without a full stop
	Under    string // where Line belongs: "pools.app.members"
	Line     string // what to paste there
}

// Candidate is a connector to probe.
type Candidate struct {
	Addr netip.AddrPort
	Want Answer // AJP or HTTP: that protocol first; Unknown: whichever
	Pool string // whose secret and time-outs to use
}

// Load is a member's load by its own beacon.
type Load struct {
	Pool, Member string
	Ready, Busy  int
	At           time.Time
	Connector    netip.AddrPort // as the beacon names it
}

// Finding is something that an operator should act upon.
type Finding struct {
	Subject string // the member, node or pool
	What    string
	Cure    string
}

// Result is what Resolve found out.
type Result struct {
	Config     *config.Config // the file's, and every member of Listed and Found
	Found      []Found        // in the order in which they were found
	Moves      []Move         // from Inputs.Prev to Found, in this order
	Matches    []Match        // by receiver, group and pool
	Waiting    []Unrouted     // belong to a pool; their connector is not proven yet
	Nobody     []Unrouted     // belong to no pool
	Candidates []Candidate    // by address
	Loads      []Load
	Findings   []Finding
	Next       time.Time // when time alone changes the result; zero: never
}
