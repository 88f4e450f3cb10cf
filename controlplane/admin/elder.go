package admin

// Elder is a process that was replaced by the one that answers, and finishes what it has
// (package handoff). It knows nothing of what operators ask for since then.
type Elder struct {
	PID int `json:"pid"` // 0: it has not said
	// Known: it has said what follows, and takes no new connections. Otherwise it
	// may have anything.
	Known bool `json:"known"`
	// Idle is how many connections of clients may bring one request more, to any
	// member.
	Idle     int64            `json:"idle_connections"`
	InFlight map[string]int64 `json:"in_flight"` // requests, by URL of the member
}
