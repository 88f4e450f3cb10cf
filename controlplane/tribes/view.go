package tribes

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Settings of a view. The zero value of a field means its default.
type Settings struct {
	Heartbeat time.Duration // what members are expected to send at: 500ms (McastService frequency)
	DropAfter time.Duration // silence after which a node is Silent: 3s (McastService dropTime)
	Domain    string        // nodes of other domains are Filtered; empty for all
	Max       int           // nodes that are kept: 1024
	PerSource int           // nodes that one source address may bring: Max/4
	Local     []netip.Addr  // addresses of this host; loopback is always one
}

const (
	forgetAfter  = time.Hour        // a node that is not heard keeps being listed
	forgetStray  = time.Minute      // the same for one that was heard once
	jitter       = time.Second / 10 // going back by less is no event
	lookEvery    = time.Second      // how often Tick is wanted at least, so that a jump of the clock is seen
	standstill   = 2 * time.Second  // a longer pause between two looks means that nobody looked
	lateBeat     = 2 * time.Second  // a datagram may be overtaken by this much
	floodMemory  = 10               // times DropAfter that silence needs while datagrams are lost
	maxPayload   = 1 << 10          // bytes of a payload that are kept
	maxDomain    = 255              // bytes of a domain; a longer one is junk
	complainFull = 30 * time.Second // a full table is said again
)

// Stats counts what a view was given.
type Stats struct {
	Heartbeats uint64 // of nodes, repeated or not
	Shutdowns  uint64 // stop commands, believed or not
	Frames     uint64 // messages broadcast to the group
	Junk       uint64 // datagrams that Tomcat would not understand either
	Foreign    uint64 // heartbeats and stops that were not believed
	Evicted    uint64 // nodes thrown out for others
	Refused    uint64 // heartbeats of nodes that had no place
	Skipped    uint64 // datagrams that were never looked at, see Lost
	Unheeded   uint64 // stops of members that are not known
}

// Status is what there is to say about the group as a whole.
type Status struct {
	Stats
	Nodes     int       // of the configured domain
	Others    int       // of other domains
	LastHeard time.Time // the last heartbeat of anybody; zero: never
	DeafSince time.Time // when everybody fell silent at once; zero: not deaf
	FullAt    time.Time // when the table was last full; zero: never
	LostAt    time.Time // when datagrams were last skipped; zero: never
}

// View is the membership of one group as it is heard: datagrams and the time
// in, nodes and events out. It has no clock and no socket, and it belongs to
// one goroutine.
type View struct {
	set    Settings
	now    time.Time // never goes back, see advance
	nodes  map[netip.AddrPort]*node
	byID   map[ID]*node        // the node that used an id first
	bySrc  map[netip.Addr]int  // nodes that a source address brought
	local  map[netip.Addr]bool // addresses that mean this host
	fresh  []*node             // unconfirmed nodes, oldest first, with gaps
	seen   *sketch             // keys that were thrown out, to know them again
	status Status
	next   time.Time

	heardAt    time.Time // the last heartbeat of anybody; silence of the group is counted from here
	noneSilent time.Time // until then there is no silent node to throw out
	member     Member    // scratch of Hear
	limit      limiter
	events     []Event
}

// whole puts defaults in the place of zeros.
func (s Settings) whole() Settings {
	s.Heartbeat = cmp.Or(max(s.Heartbeat, 0), 500*time.Millisecond)
	s.DropAfter = cmp.Or(max(s.DropAfter, 0), 3*time.Second)
	s.Max = cmp.Or(max(s.Max, 0), 1024)
	s.PerSource = cmp.Or(max(s.PerSource, 0), max(s.Max/4, 1))
	return s
}

// NewView returns an empty view.
func NewView(s Settings) *View {
	s = s.whole()
	v := &View{set: s, nodes: map[netip.AddrPort]*node{}, byID: map[ID]*node{}, bySrc: map[netip.Addr]int{}}
	v.SetLocal(s.Local)
	return v
}

// Change replaces the settings, all but Local. What has been heard is kept:
// nodes move between Nodes and Others with the domain, and fall silent with
// the next Tick when they are given less time. A smaller Max throws nobody out.
func (v *View) Change(s Settings) {
	v.set = s.whole()
	for _, n := range v.nodes {
		n.Filtered = v.foreignDomain(n)
	}
	if len(v.nodes) > 0 {
		v.wake(v.now)
	}
}

// foreignDomain reports whether a node is of another domain than the configured
// one.
func (v *View) foreignDomain(n *node) bool { return v.set.Domain != "" && n.Domain != v.set.Domain }

// SetLocal replaces the addresses that mean this host. Nodes that are known
// already keep their receiver until they are heard again.
func (v *View) SetLocal(addrs []netip.Addr) {
	v.local = make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		v.local[a.Unmap().WithZone("")] = true
	}
}

// Nodes returns the nodes of the configured domain, by receiver.
func (v *View) Nodes() []Node { return v.list(false) }

// Others returns the nodes of other domains, by receiver.
func (v *View) Others() []Node { return v.list(true) }

func (v *View) list(filtered bool) []Node {
	out := make([]Node, 0, len(v.nodes))
	for _, n := range v.nodes {
		if n.Filtered == filtered {
			out = append(out, n.Node)
		}
	}
	slices.SortFunc(out, func(a, b Node) int { return a.Receiver.Compare(b.Receiver) })
	return out
}

// Status returns counters and the state of the group.
func (v *View) Status() Status {
	s := v.status
	for _, n := range v.nodes {
		if n.Filtered {
			s.Others++
		} else {
			s.Nodes++
		}
	}
	return s
}

// Keep says that somebody vouches for the node with this receiver, because it
// answers probes or stands in the configuration: no flood throws it out. A
// node that is not known is not kept.
func (v *View) Keep(receiver netip.AddrPort, keep bool) {
	if n := v.nodes[receiver]; n != nil {
		n.kept = keep
		n.Confirmed = n.Confirmed || keep
	}
}

// Next returns when Tick is useful next, the zero time for not before the next
// datagram.
func (v *View) Next() time.Time { return v.next }

// Lost says that n datagrams were thrown away unread since the last call.
// Silence means little while that goes on.
func (v *View) Lost(now time.Time, n uint64) []Event {
	v.advance(now)
	if n > 0 {
		v.status.Skipped += n
		if v.status.LostAt.IsZero() || v.now.Sub(v.status.LostAt) > complainFull {
			v.sayGroup(Overrun, "more datagrams come in than are looked at: a member in a loop, or a flood; silence of members is not counted meanwhile")
		}
		v.status.LostAt = v.now
	}
	return v.take()
}
