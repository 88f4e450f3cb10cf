package meter

import (
	"sync/atomic"
)

// FaultKind names why a member failed a request, for counters and messages.
type FaultKind uint8

// The kinds of fault.
const (
	FaultDial FaultKind = iota
	FaultStale
	FaultBroken
	FaultTimeoutConnect
	FaultTimeoutHead
	FaultTimeoutBody
	FaultProtocol
	FaultStatus
	FaultFrozen     // it owed answers and gave no sign of life, see Engine.Abandon
	FaultPaused     // its connector was paused: it is being stopped
	FaultKinds  int = iota
)

// Outcome is what became of a request's session.
type Outcome uint8

// The outcomes; see product words: stayed, new, moved, unknown.
const (
	Kept Outcome = iota
	New
	Moved
	Unknown
	Outcomes int = iota
)

// Member holds the live numbers of one member. Only the data path writes it;
// everybody may read. It outlives tables: a reload that keeps the member keeps
// this pointer. All counters rise for ever. It must not be copied.
type Member struct {
	// line 1: changed at the begin and the end of every request
	InFlight atomic.Int64 // requests given to the member, waiting ones included
	// Guests are those of InFlight that balancing gave to the member, not their
	// session. Balancing compares these: a member that has just come back holds no
	// sessions, and by InFlight it would look idle and get every new one.
	Guests   atomic.Int64
	Score    atomic.Int64 // balance's running value, see dataplane/balance
	Requests atomic.Uint64
	LastUsed atomic.Int64 // unix nanoseconds of the newest request
	Traffic  Decay        // body bytes both ways of the last minutes, for balance
	Starts   Decay        // requests without a session of the last minutes, for balance
	// NotBefore is the end of a trip, unix nanoseconds; balance avoids the member
	// until then. It is written on faults only, but read with what is above.
	NotBefore atomic.Int64

	Status   [6]atomic.Uint64 // index 0: no answer, 1..5: status class
	BytesIn  atomic.Uint64    // request body bytes sent to it
	BytesOut atomic.Uint64    // response body bytes got from it

	Faults   [FaultKinds]atomic.Uint64
	Retries  atomic.Uint64 // requests that came here after another member failed
	Sessions [Outcomes]atomic.Uint64

	// trip state: written on faults only
	FaultsInRow   atomic.Int32
	ReplyTimeouts atomic.Int32 // late answers of the last minutes, as LateReply last saw them
	late          Decay        // the same, in lateUnit
	LastFault     atomic.Pointer[Fault]
	LastRemark    atomic.Pointer[Fault] // something to mend that is no fault of a request, see Remark

	// connections, written by upstream
	Open, Idle, Queued atomic.Int64
	Connects           atomic.Uint64
	ConnectFailures    atomic.Uint64
	Pings, PingsFailed atomic.Uint64

	// The jvmRoute, see Saw. Read with every session that begins, written when
	// something new is seen.
	route atomic.Pointer[Route]
	alive atomic.Pointer[Alive] // while it drains
	rival atomic.Uint64         // another route that is seen: its hash, and in the low 8 bits how often in a row

	// InRotation is written by balance.Join alone: the member may start
	// sessions in the newest table.
	InRotation atomic.Bool

	Total     Histogram // whole request
	FirstByte Histogram // request sent to head of answer

	_ [lines]byte // whatever the allocator puts behind shares no line with us
}

// lines is two cache lines: processors fetch them in pairs.
const lines = 128

// Fault is the newest fault of a member, in words, for status and log.
type Fault struct {
	Kind FaultKind
	At   int64  // unix nanoseconds
	Text string // "connect refused", "no answer within 60s", ...
}

// Pool holds the live numbers of one pool.
type Pool struct {
	Requests  atomic.Uint64
	Retries   atomic.Uint64
	NoMember  atomic.Uint64 // answered 503 because nobody could serve
	QueueFull atomic.Uint64
	// RetryBudget is in hundredths of a repeat, see proxy.
	RetryBudget atomic.Int64
	Duration    Histogram

	_    [lines]byte
	Turn atomic.Uint64 // the virtual time balance has come to, see dataplane/balance
	_    [lines]byte
}
