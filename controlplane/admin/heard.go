package admin

import "time"

// GroupStatus is one multicast group of the cluster as it is heard.
type GroupStatus struct {
	Group     string    `json:"group"`
	Interface string    `json:"interface"` // the one joined on; empty before
	Joined    bool      `json:"joined"`
	Since     time.Time `json:"since,omitzero"`    // of joined
	Problem   string    `json:"problem,omitempty"` // why it is not heard, or what is wrong all the same
	Filter    string    `json:"filter"`            // of the kernel: on, off, or why there is none
	Datagrams uint64    `json:"datagrams"`         // looked at
	Refused   uint64    `json:"refused"`           // by the filter
	Lost      uint64    `json:"lost"`              // there were too many
	Junk      uint64    `json:"junk"`              // Tomcat would not understand them either
	Foreign   uint64    `json:"foreign"`           // heartbeats and stops that were not believed
	LastHeard time.Time `json:"last_heard,omitzero"`
	// DeafSince is when everybody fell silent at once; zero: not deaf.
	DeafSince time.Time `json:"deaf_since,omitzero"`
	// Matched, Waiting and Nobody count the nodes: of a member; of a pool, with
	// a connector that is not known yet; of neither.
	Matched int          `json:"matched"`
	Waiting int          `json:"waiting"`
	Nobody  int          `json:"nobody"`
	Others  int          `json:"of_other_domains"`
	Nodes   []NodeStatus `json:"nodes"`
}

// NodeStatus is one node of a group, which is one replication receiver.
type NodeStatus struct {
	Receiver     string    `json:"receiver"`
	Advertised   string    `json:"advertised"` // what its heartbeat says
	Source       string    `json:"source"`     // where its heartbeats come from
	ID           string    `json:"id"`         // shortened: "4f1c..09"
	Domain       string    `json:"domain,omitempty"`
	State        string    `json:"state"` // alive, silent or leaving
	Since        time.Time `json:"since"` // of state
	LastHeard    time.Time `json:"last_heard"`
	Ago          float64   `json:"heard_seconds_ago"`
	Age          float64   `json:"age_seconds"` // of its JVM, as it says
	Heartbeats   uint64    `json:"heartbeats"`
	Interval     float64   `json:"interval_seconds"` // its habit; 0 before the second heartbeat
	Once         bool      `json:"heard_once,omitempty"`
	Rewritten    bool      `json:"rewritten"` // receiver is not what it advertises
	Loopback     bool      `json:"loopback"`  // it advertises a loopback address
	Incarnations int       `json:"incarnations"`

	// The member it belongs to. Sure is false where that is a guess.
	Pool   string   `json:"pool,omitempty"`
	Member string   `json:"member,omitempty"`
	By     string   `json:"by,omitempty"`
	Sure   bool     `json:"sure,omitempty"`
	Also   []string `json:"also,omitempty"` // further members: "shop/tomcat1"

	// Unmatched is why there is no member.
	Unmatched *Unmatched `json:"unmatched,omitempty"`
}

// Name is the member's, with its pool; "" when there is none.
func (n *NodeStatus) Name() string {
	if n.Member == "" {
		return ""
	}
	return n.Pool + "/" + n.Member
}

// Unmatched is why something that is heard has no member.
type Unmatched struct {
	// Pool waits for its connector; empty when it is nobody's.
	Pool  string `json:"pool,omitempty"`
	Why   string `json:"why"`
	Under string `json:"under,omitempty"` // where Line belongs: "pools.app.members"
	Line  string `json:"line,omitempty"`  // what to paste there
}

// BeaconStatus is a connector that announces itself (HeartbeatListener).
type BeaconStatus struct {
	Connector string    `json:"connector"`
	Ready     int       `json:"ready"` // threads; -1: Tomcat does not know
	Busy      int       `json:"busy"`
	LastHeard time.Time `json:"last_heard"`
	Ago       float64   `json:"heard_seconds_ago"`

	Pool      string     `json:"pool,omitempty"`
	Member    string     `json:"member,omitempty"`
	Unmatched *Unmatched `json:"unmatched,omitempty"`
}

// SourceStatus is a DNS name or a file that brings members.
type SourceStatus struct {
	Name    string    `json:"name"`
	Pool    string    `json:"pool"`
	Good    time.Time `json:"good,omitzero"` // when it last said something that holds
	Next    time.Time `json:"next,omitzero"` // when it is looked at again at the latest
	Problem string    `json:"problem,omitempty"`
}

// Finding is something wrong with the cluster.
type Finding struct {
	Severity string    `json:"severity"` // critical, warning or info
	Code     string    `json:"code"`
	Group    string    `json:"group,omitempty"`
	Subject  string    `json:"subject"`
	What     string    `json:"what"`
	Cause    string    `json:"cause,omitempty"`
	Cure     string    `json:"cure"`
	Since    time.Time `json:"since,omitzero"`
}
