package table

import (
	"net/netip"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
)

// Table is everything a request needs to know, frozen when it is published.
// Nothing below it changes afterwards except through the Live pointers.
type Table struct {
	Version uint64  // rises by one with every publish
	Digest  string  // of the configuration it was built from
	Routes  []Route // in any order; of two with the same host and pattern the first is tried first
	Pools   []*Pool
	Members int // number of members over all pools; Member.Ord is below it

	// Trust lists the peers whose X-Forwarded-* and Forwarded fields are
	// believed. Everybody else's are replaced or dropped.
	Trust []netip.Prefix
	// Limits bounds what one client may ask for.
	Limits Limits

	index index // built by Seal
}

// Limits bounds what one client may ask for. Zero means no limit.
type Limits struct {
	HeaderSize int   // bytes of a request head
	BodySize   int64 // bytes of a request body
}

// Kind says how a Pattern is compared with a path.
type Kind uint8

// The kinds of Pattern.
const (
	Prefix Kind = iota // "/shop/" or "/shop": the path itself or anything below it
	Exact              // "=/login"
	Suffix             // "*.jsp"
)

// Pattern is one path pattern of a route, already split into kind and literal.
type Pattern struct {
	Kind    Kind
	Literal string // "/shop", "/login", ".jsp"
}

// Route sends what it matches to a pool. Host "" matches every host,
// ".example.org" every host below example.org, anything else exactly.
type Route struct {
	Host     string
	Pattern  Pattern
	Unmount  []Pattern // paths that this route does not take although Pattern matches
	Pool     *Pool
	Redirect string // "https" when the listener's requests are redirected, else ""
}

// Policy names the way a member is chosen for a request without a session.
type Policy uint8

// The policies, see dataplane/balance for what each one minimises.
const (
	LeastBusy Policy = iota
	RoundRobin
	LeastTraffic
	FewestSessions
	Hash
)

// OnLoss says what happens to a session whose member cannot serve it.
type OnLoss uint8

// The answers to a lost member.
const (
	Move   OnLoss = iota // another member takes the session over
	Refuse               // 503: the session exists nowhere else
)

// Sticky tells where sessions are looked for and what is done when they are lost.
type Sticky struct {
	Off        bool     // no stickiness at all
	Cookies    []string // names, first match in this order
	PathParams []string // names of path parameters, without the semicolon
	LastDot    bool     // route is what follows the last dot instead of the first
	OnLoss     OnLoss
}

// Take is what a member may be given at present.
type Take uint8

// The folded result of operator's wish, health and membership.
const (
	Everything   Take = iota
	OnlySessions      // drain: requests of its own sessions only
	Nothing           // stopped or down
)

// Role sets when a member is used for new sessions.
type Role uint8

// The roles.
const (
	Normal  Role = iota
	Spare        // one spare joins for every unusable normal member of its distance
	Standby      // only when no normal member and no spare of any distance can serve
)

// Scheme is the protocol spoken to a member.
type Scheme uint8

// The schemes.
const (
	AJP Scheme = iota
	HTTP
	HTTPS
)

// Target is where a member listens and how to speak to it.
type Target struct {
	Scheme Scheme
	Addr   string // host:port to dial
	Host   string // host[:port] as written in the file, for messages
	Secret string // AJP secret, "" for none; never printed
}

// ID identifies a member over tables: it stays while pool, name and address stay.
type ID string

// Member is one Tomcat as a pool sees it.
type Member struct {
	ID       ID
	Ord      int    // position over all pools of the table
	Name     string // unique in the pool
	Route    string // jvmRoute; "" while it is not known
	Learned  bool   // Route was seen in its session cookies: what is seen later counts as well
	Domain   string // replication group; failover stays in it when it can
	Redirect string // route that takes over first when this member is lost
	Distance uint16 // the smallest usable distance is used for new sessions
	Role     Role
	Weight   uint32 // 1 or more; the share of new work it gets
	Take     Take
	Target   Target
	Upgrade  *Target // HTTP connector for WebSocket, nil when there is none
	Live     *meter.Member

	// Stride and Seed are filled in by Seal for dataplane/balance: the virtual
	// time that one request costs the member, and the hash of its name.
	Stride int64
	Seed   uint64
}

// Forwarded says what is done to X-Forwarded-* and Forwarded.
type Forwarded uint8

// The ways to forward the client's address.
const (
	Replace Forwarded = iota // drop what came (unless trusted), write our own
	Append                   // add to what came
	Keep                     // off: leave as it came, add nothing
)

// Retry tells when a request may be given to another member.
type Retry struct {
	Attempts    int  // members tried in all, at least 1
	Dial        bool // connection could not be made
	Stale       bool // pooled connection was found closed before a byte was sent
	Broken      bool // connection broke before the first byte of the answer; safe methods only
	Unavailable bool // the answer was 503; safe methods only
	Budget      int  // percent of the pool's requests that may be repeats
}

// Timeouts are all positive.
type Timeouts struct {
	Connect      time.Duration
	FirstByte    time.Duration // from the end of the request to the head of the answer
	BetweenBytes time.Duration // between two reads or writes that make progress
	Cping        time.Duration // CPING to CPONG
	Queue        time.Duration // waiting for a free connection
}

// Conns bounds the connections to each member of a pool.
type Conns struct {
	Max     int           // at the same time, exact; 0 means no bound
	Keep    int           // idle ones kept
	KeepFor time.Duration // idle time after which one is closed
	Queue   int           // requests that may wait for one
}

// Ping tells when an AJP connection is tested by CPING.
type Ping struct {
	Connect  bool          // after connecting
	Idle     time.Duration // before reuse, when it idled at least so long; 0 never
	Interval time.Duration // idle connections, this often; 0 never
}

// Pool is a set of members that can stand in for each other.
type Pool struct {
	Name       string
	Policy     Policy
	HashKey    string // what Hash hashes: "client", "path", "host", "header:NAME", "cookie:NAME"
	Sticky     Sticky
	Members    []Member
	Retry      Retry
	Timeouts   Timeouts
	Conns      Conns
	Ping       Ping
	PacketSize int // AJP, 8192 to 65536
	Forwarded  Forwarded

	TripAfter        int // faults in a row before the member is avoided; 0 never
	TripFor          time.Duration
	MaxReplyTimeouts int      // reply time-outs tolerated before they count as faults
	FailOnStatus     []uint16 // statuses that count as a fault and are tried elsewhere when safe
	Live             *meter.Pool

	route     map[string]int // jvmRoute to index in Members
	unlearned bool           // a member exists whose Route is not configured
	minWeight uint32
	maxWeight uint32
	tiers     []Tier
	standby   []int32
}
