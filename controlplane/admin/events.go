package admin

import (
	"sync"
	"time"
)

// Kind is an event in a fixed vocabulary; logs use the same words as their
// message.
type Kind string

// Everything that can happen.
const (
	Started        Kind = "started"
	Stopping       Kind = "stopping"
	MemberReady    Kind = "member ready"
	MemberShaky    Kind = "member shaky" // used, but something speaks against it
	MemberLeaving  Kind = "member leaving"
	MemberDown     Kind = "member down"
	MemberDrain    Kind = "member drain"
	MemberStop     Kind = "member stop"
	MemberChecking Kind = "member checking" // nothing has vouched for it yet
	MemberTakes    Kind = "member takes"    // more or less than before in the same state
	MemberAvoided  Kind = "member avoided"  // by the data path, after faults
	RequestsMoved  Kind = "requests moved"  // taken away from a member that does not answer
	MemberRemark   Kind = "member remark"   // something about its settings that should be mended
	MemberAdded    Kind = "member added"
	MemberRemoved  Kind = "member removed"
	MemberMoved    Kind = "member moved" // its Tomcat listens elsewhere, and it has another name
	RouteLearned   Kind = "route learned"
	OverrideSet    Kind = "override set"
	OverrideEnded  Kind = "override ended"
	TablePublished Kind = "table published"
	ReloadApplied  Kind = "reload applied"
	ReloadRefused  Kind = "reload refused"
	Upgraded       Kind = "upgraded" // another process serves from now on
	UpgradeRefused Kind = "not upgraded"
	Cluster        Kind = "cluster" // heard in a group
	Guarded        Kind = "guard"   // by the kernel: rules, interfaces, what was dropped
	Found          Kind = "finding" // something is wrong with the cluster
	Noted          Kind = "note"    // something an operator should act upon
	Trouble        Kind = "trouble"
)

// Event is one thing that happened.
type Event struct {
	Seq    uint64    `json:"seq"` // rises by one; gaps never happen
	At     time.Time `json:"at"`
	Kind   Kind      `json:"kind"`
	Pool   string    `json:"pool,omitempty"`
	Member string    `json:"member,omitempty"`
	From   string    `json:"from,omitempty"`  // the state before, or what it took (MemberTakes)
	To     string    `json:"to,omitempty"`    // the state since, or what it takes
	Takes  string    `json:"takes,omitempty"` // what it takes in that state: all, sessions, none
	Owner  string    `json:"owner,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// ringSize is how many events are kept.
const ringSize = 256

// Ring keeps the newest events. The zero value is ready; its methods may be
// called from any goroutine.
type Ring struct {
	mu   sync.Mutex // guards the rest
	list [ringSize]Event
	seq  uint64
}

// Add gives the event the next number and keeps it.
func (r *Ring) Add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(e)
}

func (r *Ring) add(e Event) {
	r.seq++
	e.Seq = r.seq
	r.list[r.seq%ringSize] = e
}

// Precede puts the events of an earlier process in front, in their order and with
// their numbers; those that are here already get the numbers behind. Nobody must have
// been shown an event before.
func (r *Ring) Precede(older []Event) {
	if len(older) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.after(0)
	r.seq = older[0].Seq - 1
	for _, list := range [][]Event{older, own} {
		for _, e := range list {
			r.add(e)
		}
	}
}

// After returns the kept events with a number above seq, the oldest first.
func (r *Ring) After(seq uint64) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.after(seq)
}

func (r *Ring) after(seq uint64) []Event {
	out := []Event{}
	if seq >= r.seq {
		return out
	}
	first := seq + 1
	if r.seq >= ringSize {
		first = max(first, r.seq-ringSize+1)
	}
	for n := first; n <= r.seq; n++ {
		out = append(out, r.list[n%ringSize])
	}
	return out
}
