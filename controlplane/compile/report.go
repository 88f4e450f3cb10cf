package compile

import (
	"time"

	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

// State is a member's condition in one word, the one that status shows.
type State string

// The states of a member. A word that an operator or the file asked for wins
// over "ready", "shaky" and "checking"; "down" and "leaving" win over "drain",
// because nobody gets through; "stop" wins over all, because nobody shall.
const (
	Ready    State = "ready"
	Drain    State = "drain"
	Stop     State = "stop"
	Down     State = "down"
	Shaky    State = "shaky"    // used, but something speaks against it
	Leaving  State = "leaving"  // it has said that it stops; not used
	Checking State = "checking" // no probe has ended yet; see Take
)

// States lists every State, in the order in which metrics show them.
var States = []State{Ready, Shaky, Checking, Drain, Stop, Leaving, Down}

// Report explains a table.
type Report struct {
	Pools []PoolReport
	// Notes are facts that an operator should act upon, one sentence each.
	Notes []string
}

// PoolReport explains one pool.
type PoolReport struct {
	Name    string
	Balance string // as in the configuration: "least-busy"
	Sticky  string // "JSESSIONID", or "none"
	Fresh   int    // members that may start a session
	Usable  int    // members that may take anything at all
	Panic   string // members that are down are used all the same, and why; else ""
	Members []MemberReport
}

// MemberReport explains one member.
type MemberReport struct {
	ID         table.ID
	Pool       string
	Name       string
	URL        string
	Route      string // jvmRoute in use; "" while none is known
	Learned    bool   // Route was seen in a session cookie, not configured
	Role       string // normal, spare, standby
	Weight     int    // an operator's, else as configured
	FileWeight int    // as configured
	Take       table.Take
	Resort     bool // State is Down and it is used all the same: there is nobody better
	State      State
	Why        string // one sentence without a full stop
	Share      int    // percent of Weight at present
	Free       int    // percent of its threads that are free, in steps of ten; 100 when nobody says
	Asked      State  // what the file asks for: ready, drain or stop
	Health     health.Verdict
	Override   *overrides.Override // the state that an operator asks for, nil when none does
	WeightBy   *overrides.Override // the same for Weight
	CheckedAt  time.Time           // of the newest probe; zero before the first
}

// Member finds a member's report; nil when there is none.
func (r *Report) Member(pool, name string) *MemberReport {
	for i := range r.Pools {
		if r.Pools[i].Name != pool {
			continue
		}
		for k := range r.Pools[i].Members {
			if r.Pools[i].Members[k].Name == name {
				return &r.Pools[i].Members[k]
			}
		}
	}
	return nil
}

// Each calls f for every member.
func (r *Report) Each(f func(*MemberReport)) {
	for i := range r.Pools {
		for k := range r.Pools[i].Members {
			f(&r.Pools[i].Members[k])
		}
	}
}

// Servable reports whether every pool has a member that can start a session.
func (r *Report) Servable() bool {
	for i := range r.Pools {
		if r.Pools[i].Fresh == 0 {
			return false
		}
	}
	return len(r.Pools) > 0
}
