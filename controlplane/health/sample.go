package health

import "time"

// Sample is the result of one probe.
type Sample struct {
	At   time.Time // when it ended
	Took time.Duration
	OK   bool
	Text string // "cping ok", "health request 200", "connect refused"
	Fail Fail   // what kind of failure; of no meaning when OK

	// Ping is the time from CPING to CPONG, or until the connection was made
	// where no CPING exists; zero when it was not measured.
	Ping time.Duration
	// Session is what the answer to a health request says of a session; the zero
	// value when it begins none.
	Session Session
	// Request says that a real request was answered, not only a ping.
	Request bool
}

// began returns when the probe was started.
func (s *Sample) began() time.Time { return s.At.Add(-s.Took) }

// Fail is a kind of failure. Kinds differ in what they prove.
type Fail uint8

// The kinds of failure.
const (
	Odd       Fail = iota // an answer that is none of the protocol, or an unknown fault
	Refused               // nobody listens, or no way to the host
	Closed                // the connection was closed or reset
	Late                  // no answer in time: dead, frozen, or only busy
	BadStatus             // an answer, with a status or a body that is not expected
)

// hard reports whether the failure cannot come from mere load.
func (f Fail) hard() bool { return f == Refused || f == Closed }

// silent reports whether nobody answered: what waits for such a member will
// most likely wait in vain. A status says the opposite, and an odd fault may be
// this host's own.
func (f Fail) silent() bool { return f == Refused || f == Closed || f == Late }

// Trip tells the machine that the data path avoids the member by itself.
type Trip struct {
	At    time.Time
	Until time.Time
	Ends  Proof // what ends the trip before Until
	// Kernel says that it is avoided because of what the kernel has seen, only
	// until it answers: the trip itself speaks against nobody.
	Kernel bool
}

// Proof is what shows that a member which failed requests can serve again.
type Proof uint8

// The proofs. They differ because a ping that is answered says nothing about
// an application that answers 500 or not in time.
const (
	ByTime    Proof = iota // nothing: the trip runs its time
	ByRequest              // an answered health request: connections broke
	ByPing                 // any answer: nobody listened
)
