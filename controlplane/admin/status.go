package admin

import (
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/guard"
	"github.com/catherd/catherd/controlplane/kernel"
	"github.com/catherd/catherd/controlplane/overrides"
)

// Status is the answer of /api/v1/status. Times are RFC 3339, durations
// seconds.
type Status struct {
	Sentence     string    `json:"sentence"`  // "all well", or what needs attention
	Attention    bool      `json:"attention"` // whether it asks for somebody
	Version      string    `json:"version"`
	Revision     string    `json:"revision"`
	PID          int       `json:"pid"` // of the process that answers
	Started      time.Time `json:"started"`
	Uptime       float64   `json:"uptime_seconds"`
	Draining     bool      `json:"draining"` // the process is about to end
	Ready        bool      `json:"ready"`    // as /readyz says
	Engine       string    `json:"engine"`   // what serves connections: std or epoll
	Listeners    []string  `json:"listeners"`
	ConfigPath   string    `json:"config_path"`
	ConfigDigest string    `json:"config_digest"`
	InSync       bool      `json:"in_sync"` // the file says what runs
	// OutOfSync says in words why it does not; empty when it does.
	OutOfSync    string               `json:"out_of_sync,omitempty"`
	TableVersion uint64               `json:"table_version"`
	TableBuilt   time.Time            `json:"table_built"`
	Notes        []string             `json:"notes"`
	Overrides    []overrides.Override `json:"overrides"`
	Pools        []PoolStatus         `json:"pools"`
	Elders       []Elder              `json:"elders"` // processes that were replaced and still have work

	// What is heard: the groups of tribes and their nodes, connectors that
	// announce themselves, sources of members, and what is wrong with it.
	Groups   []GroupStatus  `json:"groups"`
	Beacons  []BeaconStatus `json:"beacons"`
	Sources  []SourceStatus `json:"sources"`
	Findings []Finding      `json:"findings"`

	// Kernel is what became of the programs in the kernel, by name.
	Kernel []kernel.Status `json:"kernel"`
	Guard  guard.Status    `json:"guard"` // what the kernel drops, and by which rules
}

// PoolStatus is one pool.
type PoolStatus struct {
	Name      string         `json:"name"`
	Balance   string         `json:"balance"`
	Sticky    string         `json:"sticky"`
	Fresh     int            `json:"members_for_new_sessions"`
	Usable    int            `json:"members_usable"`
	Requests  uint64         `json:"requests"`
	Rate      float64        `json:"requests_per_second"` // over the last seconds
	Retries   uint64         `json:"retries"`
	NoMember  uint64         `json:"refused_no_member"`
	QueueFull uint64         `json:"refused_queue_full"`
	P50       float64        `json:"p50_seconds"`
	P99       float64        `json:"p99_seconds"`
	Members   []MemberStatus `json:"members"`
}

// MemberStatus is one member.
type MemberStatus struct {
	Name         string              `json:"name"`
	URL          string              `json:"url"`
	Route        string              `json:"route"`
	RouteLearned bool                `json:"route_learned"`
	Origin       string              `json:"origin"`         // "catherd.yaml:9", "heard in 228.0.0.4:45564 as 10.0.0.7:4000"
	Node         string              `json:"node,omitempty"` // the receiver of the node it is
	Role         string              `json:"role"`
	Weight       int                 `json:"weight"`         // the one in use
	FileWeight   int                 `json:"weight_in_file"` // the same without WeightBy
	Share        int                 `json:"share_percent"`
	State        compile.State       `json:"state"`
	Why          string              `json:"why"`
	Asked        compile.State       `json:"state_in_file"`
	Override     *overrides.Override `json:"override,omitempty"`        // of the state
	WeightBy     *overrides.Override `json:"weight_override,omitempty"` // of the weight
	Checked      time.Time           `json:"checked,omitzero"`          // newest probe
	CheckTook    float64             `json:"check_seconds"`

	InFlight    int64             `json:"in_flight"`
	Requests    uint64            `json:"requests"`
	Rate        float64           `json:"requests_per_second"`
	Statuses    map[string]uint64 `json:"statuses"` // 1xx to 5xx, none
	Faults      uint64            `json:"faults"`
	FaultKinds  map[string]uint64 `json:"faults_by_kind"`
	LastFault   *LastFault        `json:"last_fault,omitempty"`
	Retries     uint64            `json:"retries"`
	LastRequest time.Time         `json:"last_request,omitzero"`

	// Sessions counts requests by what became of their session; SessionsSeen
	// is those that belong to one.
	Sessions     map[string]uint64 `json:"sessions"`
	SessionsSeen uint64            `json:"sessions_seen"`
	// LastSession is when a request of a session was last seen, to a second;
	// zero when none was since the member is known.
	LastSession time.Time `json:"last_session,omitzero"`
	// SessionsOpen is, while the member drains, how many sessions were seen since
	// then and have not ended. LastSession is only about those, then.
	SessionsOpen int `json:"sessions_open"`

	Connections Connections `json:"connections"`
	Queue       int64       `json:"queue"`
	P50         float64     `json:"p50_seconds"`
	P99         float64     `json:"p99_seconds"`
}

// LastFault is a member's newest fault.
type LastFault struct {
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Connections counts a member's connections.
type Connections struct {
	Open  int64 `json:"open"`
	InUse int64 `json:"in_use"`
	Idle  int64 `json:"idle"`
}

// Member finds a member by pool and name; nil when there is none.
func (s *Status) Member(pool, name string) *MemberStatus {
	for i := range s.Pools {
		if s.Pools[i].Name != pool {
			continue
		}
		for k := range s.Pools[i].Members {
			if s.Pools[i].Members[k].Name == name {
				return &s.Pools[i].Members[k]
			}
		}
	}
	return nil
}
