package config

import (
	"net/netip"
	"time"
)

// Config is one whole configuration, every key resolved and defaulted.
//
// The struct tags of this file and schema_pool.go are the only declaration of
// the language: the decoder, the defaults, the hints, the JSON schema, the
// long form and the reference are all read from them by reflection. The tags:
//
//	key       the word in the file; "-" is filled in by Load, not by the file
//	default   the value when the key is absent, written as in the file
//	enum      the allowed words, separated by |
//	min, max  limits, written as in the file, both inclusive
//	is        the form of a text (see forms.go)
//	unit      "bytes" or "percent" for integers that are written with a unit
//	short     a struct field: the key that a plain value stands for
//	none      a struct field: the bool that the word "none" sets
//	used      a struct field: the bool that says whether the file has it
//	off       the word that turns it off, for those who write off, no or false
//	word      a number or duration: the word that may stand for it, kept as -1
//	required  "true" when the mapping is useless without it
//	secret    "true" when the value is never printed
//	later     "true" when the key is accepted and not acted on
//	name      a list: it is written as a mapping of names, and this is what one is
//	bare      "true" when a size may be written without its unit
//	hint      a remark that goes with a wrong value
//	example   shown when a required key is missing
//	doc       one sentence
type Config struct {
	Version int        `key:"version" default:"1" min:"1" max:"1" doc:"Version of this language, reserved for the future."`
	Listen  []Listener `key:"listen" default:"80" short:"address" doc:"Where clients connect: a port, an address, a mapping, or a list of them."`
	Limits  Limits     `key:"limits" doc:"What one client, and all of them together, may ask for."`

	TrustForwardedFrom []netip.Prefix `key:"trust_forwarded_from" doc:"Peers whose X-Forwarded-* and Forwarded fields are believed, as addresses or networks."`

	// Backends is always empty after Load: it became the pool "default".
	Backends []Address `key:"backends" doc:"Short form: addresses of the members of a pool named default, whose routes are learned."`
	// Routes is never empty after Load.
	Routes []Route `key:"routes" doc:"Which requests go to which pool; the longest pattern wins and the order does not matter."`
	// Pools are in the order of the file.
	Pools []Pool `key:"pools" name:"pool" doc:"The pools by name; the members of one pool can stand in for each other."`

	// Tribes are the groups that are listened to; none when the file names none.
	Tribes    []Tribes  `key:"tribes" short:"group" doc:"The Tomcat cluster whose heartbeats are listened to: a group, a mapping, or a list of them."`
	Engine    string    `key:"engine" enum:"auto|std|epoll" default:"auto" doc:"What serves connections: epoll is an event loop for each processor, std a goroutine for each connection; auto is epoll. Listeners with TLS are always served by std. A change takes effect at the next start."`
	Guard     Guard     `key:"guard" doc:"Who may connect; the kernel judges it before a connection exists (kernel.guard)."`
	Kernel    Kernel    `key:"kernel" doc:"Optional help from the kernel (eBPF)."`
	Admin     Admin     `key:"admin" doc:"Status, metrics and operator commands."`
	Log       Log       `key:"log" short:"level" doc:"Messages about the program itself, on standard error."`
	AccessLog AccessLog `key:"access_log" short:"to" doc:"One line for each request."`
	Shutdown  Shutdown  `key:"shutdown" short:"drain" doc:"What happens when the program is asked to stop."`

	marks index
}

// Listener is one address that clients connect to.
type Listener struct {
	// Address is host:port; the host is empty when all addresses are meant.
	Address    string `key:"address" is:"listen" required:"true" example:"0.0.0.0:80" doc:"A port, :port or host:port; without host it listens on all addresses, IPv4 and IPv6."`
	RedirectTo string `key:"redirect_to" enum:"https" default:"\"\"" doc:"Answer every request with a redirect to the same URL with this scheme instead of forwarding it."`
	TLS        TLS    `key:"tls" doc:"Certificate and key; without them the listener speaks plain HTTP."`
}

// TLS is the server side of TLS on a listener. It is in use when Cert is not empty.
type TLS struct {
	Cert       string `key:"cert" is:"file" required:"true" example:"/etc/catherd/tls/site.pem" doc:"PEM file with the certificate and its chain."`
	Key        string `key:"key" is:"file" required:"true" example:"/etc/catherd/tls/site.key" doc:"PEM file with the private key."`
	MinVersion string `key:"min_version" default:"\"1.2\"" enum:"1.2|1.3" is:"number" doc:"Oldest TLS version that is spoken."`
	ClientCA   string `key:"client_ca" is:"file" default:"\"\"" doc:"PEM file with the authorities whose client certificates are required; without it none is asked for."`
}

// Limits bounds what clients may ask for. A zero means no limit.
type Limits struct {
	Connections          int           `key:"connections" default:"20000" min:"0" max:"10000000" doc:"Open client connections in all; 0 means no limit."`
	ConnectionsPerClient int           `key:"connections_per_client" default:"0" min:"0" max:"10000000" doc:"Open connections from one address; 0 means no limit."`
	HeaderSize           int64         `key:"header_size" unit:"bytes" default:"16KiB" min:"1KiB" max:"1MiB" doc:"Request line and header fields; more is answered with 431."`
	BodySize             int64         `key:"body_size" unit:"bytes" default:"0" min:"0" max:"1PiB" doc:"Body of a request; more is answered with 413. 0 means no limit, because a proxy must not break large uploads that Tomcat accepts."`
	HeaderTimeout        time.Duration `key:"header_timeout" default:"10s" min:"100ms" max:"1h" doc:"From the first byte of a request to the end of its header fields."`
	IdleTimeout          time.Duration `key:"idle_timeout" default:"60s" min:"100ms" max:"24h" doc:"How long a client connection may wait for its next request."`
	BodyTimeout          time.Duration `key:"body_timeout" default:"30s" min:"100ms" max:"24h" doc:"How long a client may send nothing while its request body is unfinished."`
}

// Route sends the requests it matches to a pool.
type Route struct {
	Path    string   `key:"path" is:"pattern" default:"/" doc:"/shop/ is a prefix that ends on a segment border, =/login exactly this path, *.jsp a suffix."`
	Host    string   `key:"host" is:"hostpattern" default:"\"\"" doc:"Host name without port, exactly or as *.example for all below; empty means every host."`
	Unmount []string `key:"unmount" is:"pattern" doc:"Patterns of paths that this route leaves to others although path matches."`
	Pool    string   `key:"pool" is:"name" required:"true" example:"app" doc:"Name of the pool."`
}

// Tribes is one group of the cluster's own membership (McastService in server.xml).
type Tribes struct {
	// Group is host:port; the host is always a multicast address.
	Group     string        `key:"group" is:"hostport" required:"true" example:"228.0.0.4:45564" doc:"Multicast address and port of the McastService in server.xml."`
	Interface string        `key:"interface" is:"text" default:"\"\"" doc:"Network interface that joins the group, by name or by one of its addresses; empty lets the system choose."`
	Heartbeat time.Duration `key:"heartbeat" default:"500ms" min:"10ms" max:"1m" doc:"How often members announce themselves (frequency in server.xml)."`
	DropAfter time.Duration `key:"drop_after" default:"3s" min:"20ms" max:"10m" hint:"Tomcat's dropTime counts milliseconds" doc:"Silence after which a member counts as lost (dropTime in server.xml, where it is written in milliseconds)."`
	Domain    string        `key:"domain" is:"text" default:"\"\"" doc:"Only members of this domain are listened to; empty means all."`
	Role      string        `key:"role" enum:"observe|replica" default:"observe" doc:"observe only listens and never sends; replica, which would also hold copies of sessions, is accepted and does the same in this version."`
	LostMeans string        `key:"lost_means" enum:"probe|drain|ignore" default:"probe" doc:"What a missing heartbeat does to the member: probe looks at it at once, drain gives it no new sessions meanwhile."`
	// Beacon is host:port of a multicast address, or "".
	Beacon     string `key:"beacon" is:"hostport" default:"\"\"" example:"224.0.1.105:23364" doc:"Multicast address and port of Tomcat's HeartbeatListener, which tells the connector's port and its load; empty does not listen."`
	BeaconPath string `key:"beacon_path" is:"path" default:"\"\"" example:"/HeartbeatListener" doc:"Path on admin.listen that takes the same by POST (proxyURL of the HeartbeatListener); admin.allow guards it, a token is not asked for because Tomcat cannot send one."`
}

// Kernel says which optional kernel programs are used.
type Kernel struct {
	Events   string `key:"events" enum:"auto|require|never" default:"auto" doc:"Learn from the kernel when connections to members are reset, refused or not answered: auto where it can be had, require does not start without it."`
	Steering string `key:"steering" enum:"auto|require|never" default:"auto" doc:"Have the kernel send new connections to the listening socket that is least busy; require does not start without it."`
	Policy   string `key:"policy" enum:"auto|least-loaded|hash|cpu" default:"auto" doc:"Which one that is: least-loaded looks at open and waiting connections, hash at the client's address, cpu at the processor (only for network cards with pinned queues); auto is least-loaded."`
	Guard    string `key:"guard" enum:"auto|require|never" default:"auto" doc:"Drop what guard denies, and floods of the groups of tribes, before they reach the program: auto does it where the kernel can, require does not start without."`
	Pins     string `key:"pins" is:"file" default:"/sys/fs/bpf/catherd" later:"true" doc:"Directory where loaded programs are kept."`
}

// Admin is the operator's side. None of it is served to clients.
type Admin struct {
	// Listen is host:port, or "none".
	Listen string         `key:"listen" is:"listen|none" off:"none" default:"127.0.0.1:8404" doc:"Address of status, metrics and API; none leaves only the socket."`
	Socket string         `key:"socket" is:"file" off:"none" default:"/run/catherd/admin.sock" doc:"Unix socket the command line talks to, or none."`
	Allow  []netip.Prefix `key:"allow" default:"[127.0.0.1, \"::1\"]" doc:"Peers that may connect, as addresses or networks; forwarded fields are never looked at."`
	Hosts  []string       `key:"hosts" is:"host" doc:"Host names that requests may name besides loopback names and the listening address."`
	AlsoAt AlsoAt         `key:"also_at" later:"true" doc:"A path on the client side where the status is served as well."`
	// Actions is false when the API may only be read.
	Actions   bool   `key:"actions" default:"true" doc:"Whether members may be drained, stopped and readied and the configuration reloaded through it."`
	TokenFile string `key:"token_file" is:"file" default:"\"\"" doc:"File with the bearer token that every request over the network must carry."`
	// Token is what TokenFile holds; empty when there is none.
	Token string `key:"-" secret:"true"`
}

// AlsoAt serves the status on the client side. It is in use when Path is not empty.
type AlsoAt struct {
	Path  string         `key:"path" is:"path" required:"true" example:"/jkmanager/" later:"true" doc:"Where it is served, for example /jkmanager/."`
	Allow []netip.Prefix `key:"allow" default:"[127.0.0.1, \"::1\"]" later:"true" doc:"Peers that may see it, as addresses or networks."`
}

// Log sets the program's own messages.
type Log struct {
	Level  string `key:"level" enum:"debug|info|warn|error" default:"info" doc:"The least important messages that are written."`
	Format string `key:"format" enum:"auto|text|json" default:"auto" doc:"auto is text on a terminal and JSON elsewhere."`
}

// AccessLog sets the log of requests.
type AccessLog struct {
	// To is a file name, "stdout" or "none".
	To     string   `key:"to" is:"file" off:"none" default:"none" doc:"A file, stdout or none; the file is reopened on SIGUSR1."`
	Format string   `key:"format" enum:"json|combined|mod_jk" default:"json" doc:"How a line looks."`
	Skip   []string `key:"skip" is:"path" doc:"Paths whose requests are not written."`
}

// Shutdown sets how the program stops.
type Shutdown struct {
	Drain time.Duration `key:"drain" default:"30s" min:"0s" max:"24h" doc:"How long requests in flight may take to finish."`
}
