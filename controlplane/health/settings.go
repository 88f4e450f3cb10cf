package health

import (
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// Settings says how a member is judged. All durations are positive except
// SlowStart.
type Settings struct {
	Every     time.Duration // between two probes of a member that is well; the longest wait when it is down
	Connect   time.Duration // for the connection to be made
	Timeout   time.Duration // CPING to CPONG
	DownAfter int           // failures in a row before Up becomes Down; at least 1
	UpAfter   int           // successes in a row before Down becomes Up; at least 1
	SlowStart time.Duration // time over which a member that came back gets its full share; 0 never, ByAge: see there
	Lost      Lost          // what silence of its heartbeats does
	Prove     bool          // nobody vouches for it: it takes nothing before its first good probe
	Request   *Request      // nil: no request is sent
}

// ByAge is the slow start that looks at what heartbeats tell: youngRamp for a
// JVM that is young or that came back, none for a member whose heartbeats
// nobody hears, because nothing is known about its JVM then.
const ByAge time.Duration = -1

// Lost is what the silence of a member's heartbeats means. Whatever it is,
// silence alone never takes a member out.
type Lost uint8

// The meanings of silence.
const (
	LostProbe  Lost = iota // ask it, and go on asking often
	LostDrain              // as well, and give it no new session meanwhile
	LostIgnore             // nothing
)

// Request is the request a probe sends after the ping.
type Request struct {
	Path   string  // with the query, beginning with a slash
	Host   string  // Host field; empty: the member's own address
	Expect []Range // statuses that are good; empty: 200 to 399
	// Body is what the first 16 KiB of the answer must have in them; a regular
	// expression (RE2) when it begins with a tilde; empty: the body is not read.
	Body string
	// Session says where a session is found that the answer begins: the next
	// request goes on with it, and it shows the member's jvmRoute.
	Session table.Sticky
}

// Range is a closed range of statuses.
type Range struct{ From, To int }

// The pace of probes where Settings do not say it.
const (
	firstRetry   = time.Second            // after the probe that took a member out; doubles up to Every
	proofGap     = 150 * time.Millisecond // between the good probes that bring a member back
	quickLimit   = 500 * time.Millisecond // for a pong while answers are owed
	numbGap      = quickLimit             // until a member that gave no pong is asked again; it gets nothing meanwhile
	frozenGap    = 250 * time.Millisecond // between probes of a frozen member, for frozenFast
	frozenFast   = 10 * time.Second
	frozenGap2   = 500 * time.Millisecond // then, until frozenLong
	frozenLong   = 45 * time.Second
	startingGap  = 200 * time.Millisecond // between refused probes of a JVM that has just begun, for startingSoon
	startingSoon = 10 * time.Second
	startingGap2 = 500 * time.Millisecond // then, and after late ones, until it is startingFast old
	startingFast = 2 * time.Minute
	guard        = 100 * time.Millisecond // least time between probes that others ask for
)

// What else is fixed.
const (
	youngRamp   = 10 * time.Second       // slow start by age
	youngJVM    = 30 * time.Second       // up to this age a JVM has compiled little
	echo        = 250 * time.Millisecond // heartbeats may overtake the word that announces the stop
	stopDenied  = 30 * time.Second       // a member that answers so long after its word has not stopped
	faultMemory = 5 * time.Second        // how long a fault of a request speaks against a member
)

// Fast is the interval between probes while a change of state is near.
func (s Settings) Fast() time.Duration {
	return max(min(s.Every/5, time.Second), min(s.Every, 200*time.Millisecond))
}

// Quick is how long a pong may take while answers are owed.
func (s Settings) Quick() time.Duration { return min(s.Timeout, quickLimit) }

// RequestTimeout is the time a health request may take from its first byte
// to its status: a whole interval, because an application's own check may ask
// its database, but never less than a ping gets.
func (s Settings) RequestTimeout() time.Duration { return max(s.Timeout, s.Every) }
