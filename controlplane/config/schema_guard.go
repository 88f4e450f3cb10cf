package config

import "net/netip"

// Guard is what the kernel judges before a connection exists. Whether it may is
// Kernel.Guard.
type Guard struct {
	Deny           []netip.Prefix `key:"deny" doc:"Sources whose packets are dropped, as addresses or networks; only those to the addresses and ports that Catherd serves."`
	Allow          []netip.Prefix `key:"allow" doc:"Sources that always pass, whatever denies or limits them; the peers of admin.allow do so as well."`
	NewConnections int            `key:"new_connections" default:"0" min:"0" max:"1000000" doc:"New connections a second from one source; 0 means no limit."`
	Burst          int            `key:"burst" default:"0" min:"0" max:"1000000" doc:"New connections of one source that may come at once; 0 means as many as in one second."`
	SourceIPv4     int            `key:"source_ipv4" default:"32" min:"8" max:"32" doc:"How many leading bits of an IPv4 address are one source for new_connections."`
	SourceIPv6     int            `key:"source_ipv6" default:"64" min:"16" max:"128" doc:"How many leading bits of an IPv6 address are one source for new_connections."`
	// Interfaces is one "auto", or names.
	Interfaces []string `key:"interfaces" is:"text" default:"auto" doc:"Network interfaces that are guarded, by name; auto are those that carry the addresses of listen."`
	DryRun     bool     `key:"dry_run" default:"false" doc:"Count what would be dropped and drop nothing."`
}

// AutoInterfaces is the word for the interfaces that carry the listeners' addresses.
const AutoInterfaces = "auto"

// Auto reports whether the interfaces are those that carry the listeners' addresses.
func (g *Guard) Auto() bool { return len(g.Interfaces) == 1 && g.Interfaces[0] == AutoInterfaces }
