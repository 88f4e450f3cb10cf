package config

import (
	"net/netip"
	"time"
)

// The words of Pool.Balance.
const (
	LeastBusy      = "least-busy"
	RoundRobin     = "round-robin"
	LeastTraffic   = "least-traffic"
	FewestSessions = "fewest-sessions"
	Hash           = "hash"
)

// The words of Sticky.OnLoss.
const (
	Move   = "move"
	Refuse = "refuse"
)

// The words of Pool.Forwarded.
const (
	ForwardedReplace = "replace"
	ForwardedAppend  = "append"
	ForwardedOff     = "off"
)

// The words of Member.Role.
const (
	RoleNormal  = "normal"
	RoleSpare   = "spare"
	RoleStandby = "standby"
)

// The words of Member.State.
const (
	StateReady = "ready"
	StateDrain = "drain"
	StateStop  = "stop"
)

// The words of Retry.On.
const (
	RetryDial        = "dial"
	RetryStale       = "stale"
	RetryUnavailable = "unavailable"
	RetryBroken      = "broken"
)

// Pool is a set of members that can stand in for each other.
type Pool struct {
	Name string `key:"-"`

	Balance string `key:"balance" enum:"least-busy|round-robin|least-traffic|fewest-sessions|hash" default:"least-busy" doc:"How a member is chosen for a request without a session."`
	HashOn  string `key:"hash_on" is:"hashon" default:"client" doc:"What balance: hash looks at: client, path, host, header:NAME or cookie:NAME."`
	Sticky  Sticky `key:"sticky" short:"cookie" none:"Off" doc:"How requests find the member that holds their session; none turns it off."`

	Retry       Retry       `key:"retry" doc:"When a request may be given to another member."`
	Timeouts    Timeouts    `key:"timeouts" doc:"How long members may take."`
	Connections Connections `key:"connections" short:"max" doc:"Connections to each member."`
	Ping        Ping        `key:"ping" doc:"When an AJP connection is tested by CPING."`
	Health      Health      `key:"health" doc:"How members are probed and judged."`

	FailOnStatus     StatusSet `key:"fail_on_status" doc:"Statuses of a member that count as a fault, as numbers or ranges like 500-503."`
	MaxReplyTimeouts int       `key:"max_reply_timeouts" default:"0" min:"0" max:"1000000" doc:"Late answers that are tolerated before they count as faults."`
	MaxPacketSize    int64     `key:"max_packet_size" unit:"bytes" bare:"true" default:"8KiB" min:"8KiB" max:"64KiB" doc:"AJP packet size; must equal packetSize of the connector in server.xml."`

	// Secret is the effective AJP secret, from whichever source; "" for none.
	Secret     string `key:"secret" is:"text" secret:"true" default:"\"\"" doc:"The AJP secret itself; prefer secret_file. Without both, CATHERD_AJP_SECRET of the environment."`
	SecretFile string `key:"secret_file" is:"file" default:"\"\"" doc:"File that holds the AJP secret (secret of the connector in server.xml)."`
	Forwarded  string `key:"forwarded" enum:"replace|append|off" default:"replace" doc:"What is done to X-Forwarded-* and Forwarded: replace drops what an untrusted peer sent, append adds to it, off leaves all as it came."`

	// Backends is always empty after Load: they became Members.
	Backends []Address `key:"backends" doc:"Short form of members: addresses, whose names come from host and port and whose routes are learned."`
	// Members are in the order of the file; after Load empty only with Discover.
	Members  []Member `key:"members" name:"member" short:"url" doc:"The members by name; the name is the jvmRoute of the Tomcat."`
	Discover Discover `key:"discover" short:"ajp_port" used:"On" doc:"Members that are found instead of listed: by their heartbeats, by DNS names, or in a file that is watched."`
}

// Discover says which of the Tomcats that are found belong to the pool, and
// where they are reached. It is in use when On is set.
//
// A heartbeat names neither an AJP nor an HTTP port (MemberImpl has the
// replication receiver's alone), so one of the three ways to derive it is
// needed for each protocol that is to be spoken.
type Discover struct {
	On bool `key:"-"`

	AJPPort        int   `key:"ajp_port" default:"0" min:"0" max:"65535" doc:"AJP port of every Tomcat that is heard; 0 when it is not known like this."`
	AJPPortOffset  int   `key:"ajp_port_offset" default:"0" min:"-65535" max:"65535" doc:"What is added to the port of the replication receiver to get the AJP port: 4009 for receiver 4000 and AJP 8009."`
	AJPPorts       []int `key:"ajp_ports" min:"1" max:"65535" doc:"AJP ports that are tried with CPING."`
	HTTPPort       int   `key:"http_port" default:"0" min:"0" max:"65535" doc:"HTTP port of every Tomcat that is heard; beside an AJP port it is used for WebSocket."`
	HTTPPortOffset int   `key:"http_port_offset" default:"0" min:"-65535" max:"65535" doc:"What is added to the port of the replication receiver to get the HTTP port."`
	HTTPPorts      []int `key:"http_ports" min:"1" max:"65535" doc:"HTTP ports that are tried."`

	Allow  []netip.Prefix `key:"allow" doc:"Where found members may be, as addresses or networks; without it wherever they are heard."`
	Domain string         `key:"domain" is:"text" default:"\"\"" doc:"Only members of this domain belong to the pool; empty means all."`
	Group  string         `key:"group" is:"hostport" default:"\"\"" doc:"Only members heard in this group of tribes belong to the pool; empty means all."`
	Weight int            `key:"weight" default:"1" min:"1" max:"10000" doc:"Weight of each member that is found."`

	// DNS hosts are names, never IP addresses.
	DNS  []Address `key:"dns" is:"ajp|http|https" doc:"Names that are resolved again and again; every address behind one is a member, as in ajp://tomcats.example:8009."`
	SRV  []string  `key:"srv" is:"srv" doc:"SRV names that are resolved again and again, as in _ajp._tcp.example; the first label is the protocol."`
	File string    `key:"file" is:"file" default:"\"\"" doc:"A YAML or JSON file with members: or backends: as in a pool; it is watched, and a mistake in it changes nothing."`
}

// Ports reports whether heartbeats can be turned into connectors: one of the
// ways to name a port is used.
func (d *Discover) Ports() bool { return d.AJP() || d.HTTP() }

// AJP reports whether there is a way to find AJP ports.
func (d *Discover) AJP() bool { return d.AJPPort != 0 || d.AJPPortOffset != 0 || len(d.AJPPorts) > 0 }

// HTTP reports whether there is a way to find HTTP ports.
func (d *Discover) HTTP() bool {
	return d.HTTPPort != 0 || d.HTTPPortOffset != 0 || len(d.HTTPPorts) > 0
}

// Sticky tells where sessions are looked for. Off wins over everything else.
type Sticky struct {
	Off           bool     `key:"-"`
	Cookie        []string `key:"cookie" is:"token" off:"sticky: none" default:"JSESSIONID" doc:"Names of session cookies, first match in this order; an empty list looks at no cookie."`
	PathParameter []string `key:"path_parameter" is:"token" default:"jsessionid" doc:"Names of path parameters that carry the session, as in ;jsessionid=...; an empty list looks at none."`
	Separator     string   `key:"separator" enum:"first|last" default:"first" doc:"The dot after which the route begins; Tomcat and mod_jk take the first, so that a jvmRoute may contain dots."`
	OnLoss        string   `key:"on_loss" enum:"move|refuse" default:"move" doc:"move gives the session to another member; refuse answers 503 because it exists nowhere else."`
}

// Retry tells when a request may be repeated on another member.
type Retry struct {
	Attempts int      `key:"attempts" default:"2" min:"1" max:"16" doc:"Members tried in all; 1 never repeats."`
	On       []string `key:"on" enum:"dial|stale|broken|unavailable" default:"[dial, stale, broken]" doc:"dial: no connection; stale: a kept connection was closed before a byte was sent; broken: it broke before the first byte of the answer, safe methods only; unavailable: it answered 503 to a safe method, as a Tomcat does in the moment in which it is stopped, and another member has not been asked yet."`
	// Budget is in percent of the pool's requests.
	Budget int `key:"budget" unit:"percent" default:"20%" min:"0%" max:"100%" doc:"Share of a pool's requests that may be repeats, so that a sick farm is not hammered."`
}

// Timeouts of a pool, all positive.
type Timeouts struct {
	Connect      time.Duration `key:"connect" default:"1s" min:"1ms" max:"10m" doc:"Opening a connection to a member."`
	FirstByte    time.Duration `key:"first_byte" default:"60s" min:"1ms" max:"24h" doc:"From the end of the request to the first byte of the answer."`
	BetweenBytes time.Duration `key:"between_bytes" default:"30s" min:"1ms" max:"24h" doc:"Between two reads or writes that make progress."`
	Queue        time.Duration `key:"queue" default:"10s" min:"1ms" max:"1h" doc:"Waiting for a free connection."`
}

// Connections bounds the connections to each member.
type Connections struct {
	Max     int           `key:"max" default:"256" min:"0" max:"1000000" doc:"At the same time, exactly; 0 means no limit. Keep it at or below maxThreads of the connector."`
	Keep    int           `key:"keep" default:"32" min:"0" max:"1000000" doc:"Idle ones that are kept."`
	KeepFor time.Duration `key:"keep_for" default:"60s" min:"1s" max:"24h" doc:"Idle time after which one is closed."`
	Queue   int           `key:"queue" default:"1024" min:"0" max:"1000000" doc:"Requests that may wait for one when all are busy."`
}

// Ping tells when an AJP connection is tested by CPING.
type Ping struct {
	Connect  bool          `key:"connect" default:"true" doc:"After connecting."`
	Idle     time.Duration `key:"idle" default:"10s" min:"0s" max:"24h" doc:"Before a connection is used again that was idle at least so long; 0 never."`
	Interval time.Duration `key:"interval" default:"60s" min:"0s" max:"24h" doc:"Idle connections, this often; 0 never."`
	Timeout  time.Duration `key:"timeout" default:"1s" min:"1ms" max:"1m" doc:"From CPING to CPONG on connections of the data path."`
}

// Health sets how members are probed and judged.
type Health struct {
	Every time.Duration `key:"every" default:"5s" min:"100ms" max:"1h" doc:"Time between two probes of a member."`
	// Cping is the time-out of a probe's CPING or connect; ping.timeout when absent.
	Cping   time.Duration `key:"cping" default:"1s" min:"1ms" max:"1m" doc:"Time-out of a probe; follows ping.timeout when absent."`
	Request Request       `key:"request" short:"path" doc:"A real request that is sent as well; without it members are only pinged, which proves neither the application nor the AJP secret."`
	// Expect equals Request.Expect after Load.
	Expect    StatusSet `key:"expect" default:"200-399" doc:"Statuses that mean well, as numbers or ranges."`
	DownAfter int       `key:"down_after" default:"3" min:"1" max:"1000" doc:"Bad probes in a row before a member is down."`
	UpAfter   int       `key:"up_after" default:"2" min:"1" max:"1000" doc:"Good probes in a row before it is up again."`
	TripAfter int       `key:"trip_after" default:"5" min:"0" max:"1000000" doc:"Faults of requests in a row before a member is avoided at once; 0 never."`
	// SlowStart is -1 for auto.
	SlowStart time.Duration `key:"slow_start" word:"auto" default:"auto" min:"0s" max:"1h" doc:"Time over which a member that came back is given its full share; auto takes 10s for one whose heartbeats are heard and 0s for others."`
	// PanicThreshold is in percent, and -1 for never.
	PanicThreshold int `key:"panic_threshold" word:"never" unit:"percent" default:"0%" min:"0%" max:"100%" doc:"Below this share of usable members those that are down without having refused are used as well, the least bad first; 0% only when nobody is left, never does without."`
}

// Request is the request of a probe. It is in use when Path is not empty.
type Request struct {
	Path   string    `key:"path" is:"path" required:"true" example:"/healthz" doc:"Path and query."`
	Host   string    `key:"host" is:"authority" default:"\"\"" doc:"Host field; empty means the member's own address."`
	Expect StatusSet `key:"expect" default:"200-399" doc:"Statuses that mean well; follows health.expect when absent."`
	Body   string    `key:"body" is:"body" default:"\"\"" example:"UP" doc:"Text that the first 16KiB of the answer must contain, or a regular expression after a tilde, as in ~\"status\":\\s*\"UP\"; empty does not look at the body."`
}

// Member is one Tomcat.
type Member struct {
	// Name is unique in the pool.
	Name string `key:"-"`

	URL  Address `key:"url" is:"ajp|http|https" required:"true" example:"ajp://127.0.0.1:8009" doc:"ajp://host:port, http://host:port or https://host:port."`
	HTTP Address `key:"http" is:"http|https" default:"\"\"" doc:"HTTP connector of an AJP member, for WebSocket, which AJP cannot carry."`
	// Route is the jvmRoute; "" when it is learned from the first session.
	Route    string `key:"route" is:"route" default:"\"\"" doc:"The jvmRoute when it is not the member's name; an empty text learns it from the first session cookie."`
	Weight   int    `key:"weight" default:"1" min:"1" max:"10000" doc:"Share of new work in relation to the others."`
	State    string `key:"state" enum:"ready|drain|stop" default:"ready" doc:"drain takes only requests of its own sessions, stop takes none."`
	Role     string `key:"role" enum:"normal|spare|standby" default:"normal" doc:"spare joins for each normal member that cannot serve; standby only when no other can."`
	Domain   string `key:"domain" is:"route" default:"\"\"" doc:"Replication group; a lost session stays in it when it can."`
	Distance int    `key:"distance" default:"0" min:"0" max:"65535" doc:"Members with the smallest distance that can serve are used."`
	Redirect string `key:"redirect" is:"route" default:"\"\"" doc:"Route of the member that takes this one's sessions first when it is lost."`
	Receiver string `key:"receiver" is:"hostport" default:"\"\"" doc:"Address of its Tribes receiver, by which heartbeats are matched to it."`
}
