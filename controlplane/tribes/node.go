package tribes

import (
	"net/netip"
	"time"
)

// State is what the group says about a node. It says nothing about whether the
// node serves requests.
type State uint8

// The states of a node.
const (
	Alive   State = iota // heard within DropAfter
	Silent               // not heard for longer than DropAfter
	Leaving              // has said from its own address that it stops
)

func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Silent:
		return "silent"
	default:
		return "leaving"
	}
}

// Node is what is known about one replication receiver of the group. It is a
// value: a later heartbeat does not change it.
type Node struct {
	Receiver   netip.AddrPort // where the replication receiver is reached; the key of a node
	Advertised netip.AddrPort // the same as the heartbeat says it
	Source     netip.AddrPort // where its heartbeats come from
	ID         ID             // of the incarnation at hand
	Domain     string
	Payload    string // at most 1 KiB of it
	SecurePort int32  // -1 for none
	UDPPort    int32  // -1 for none

	State      State
	Since      time.Time // of State
	FirstHeard time.Time // of this receiver, whatever its incarnation
	LastHeard  time.Time
	Confirmed  bool // heard more than once, or kept: more than one stray datagram
	Filtered   bool // of another domain than the configured one

	Age      time.Duration // of the JVM's cluster element at LastHeard, as it says
	Started  time.Time     // LastHeard less Age when this incarnation was first heard
	Beats    uint64        // heartbeats of this incarnation
	Interval time.Duration // its own habit: mean time between heartbeats, 0 before the second
	Jitter   time.Duration // mean distance from that

	Incarnations int // ids seen at this receiver, 1 for a node that has never restarted
	Previous     ID  // the id before this one, zero for none

	Rewritten   bool      // it advertises an address that means another host here: Receiver has its source address
	Loopback    bool      // it advertises a loopback or unspecified address
	SharedID    bool      // another node uses the same id
	ConflictAt  time.Time // a second id was last heard at this receiver while this one was; zero: never
	ConflictID  ID        // the second id
	ForeignAt   time.Time // its id was last heard from a foreign address; zero: never
	ForeignFrom netip.AddrPort
	SuspectAt   time.Time // a stop that is not believed was last heard; zero: never
	SuspectFrom netip.AddrPort
	BackwardAt  time.Time // its age last went backwards without a new id; zero: never
}

// node is a Node with what the view needs to keep it.
type node struct {
	Node
	quiet     time.Time     // silence is counted from here; LastHeard unless the clock was moved
	rawDomain string        // as on the wire, to compare without converting
	stopAge   time.Duration // of the stop that was believed
	kept      bool          // somebody vouches for it: never thrown out
	dead      bool          // no longer in the table
	twin      bool          // another node in the table has the same id
	replaced  bool          // it spoke from its own address once, and now somebody speaks from another one

	rival      ID // another id that speaks for the same receiver
	rivalBeats int
	rivalFrom  netip.AddrPort

	lookAt time.Time        // when a complaint was last a reason to look
	said   [kinds]time.Time // when each kind of event was last said, for those that repeat
}

// beat notes a heartbeat of the incarnation at hand. The habit is a moving
// mean over about eight heartbeats; a gap after which the node counted as
// silent is no habit.
func (n *node) beat(now time.Time, dropAfter time.Duration) {
	if n.Beats > 0 {
		if gap := now.Sub(n.LastHeard); gap < dropAfter {
			if n.Interval == 0 {
				n.Interval = gap
			} else {
				off := gap - n.Interval
				n.Interval += off / 8
				if off < 0 {
					off = -off
				}
				n.Jitter += (off - n.Jitter) / 8
			}
		}
	}
	n.Beats++
	n.LastHeard, n.quiet = now, now
}

// latin converts ISO-8859-1, in which Tomcat writes domains, to UTF-8.
func latin(raw string) string {
	runes := make([]rune, 0, len(raw))
	for i := range len(raw) {
		runes = append(runes, rune(raw[i]))
	}
	return string(runes)
}
