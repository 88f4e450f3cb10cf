package health

import (
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// Event is something that was learned about a member from elsewhere than a
// probe: from its heartbeats, from the data path, from an operator.
type Event struct {
	Kind Kind
	At   time.Time

	Since time.Time     // Silent: the last heartbeat; Owes: the last byte of an answer
	Alive time.Duration // Heard, Reborn: age of its JVM as it says itself; 0: not said
	Owed  int           // Owes: requests that wait for an answer
	Why   string        // Suspect, Fault: in words
	Ready int           // Beacon: threads that are free
	Busy  int           // Beacon: threads that work
	Again bool          // Suspect: the same was told a moment ago; it is asked, and nobody reads of it
	Sign  Sign          // Kernel: what the connections came to
	Count int           // Kernel: how many of them
}

// Told is an event and whose it is.
type Told struct {
	ID table.ID
	Event
}

// Kind is what an Event is about.
type Kind uint8

// The kinds of events.
const (
	// Heard: a heartbeat. Repeated ones cost next to nothing.
	Heard Kind = iota
	// Silent: no heartbeat for longer than the group allows. It is told once.
	Silent
	// NotHeard: its heartbeats have never been heard although they should be.
	NotHeard
	// PlannedStop: the member itself has said that it stops (the member
	// datagram with the command BABY-ALEX, sent by McastServiceImpl.stop).
	PlannedStop
	// Suspect: somebody has said so who cannot be trusted, or else there is a
	// doubt about the member that only a probe can settle.
	Suspect
	// Reborn: another JVM answers at the same address. What is known about
	// failures of the last one means nothing.
	Reborn
	// Beacon: Tomcat's HeartbeatListener, with its numbers of threads.
	Beacon
	// Fault: a request could not be carried to the member.
	Fault
	// Owes: the member owes answers and has been silent for longer than is
	// its own habit.
	Owes
	// Answered: an answer that was owed has come after all.
	Answered
	// Asked: an operator wants to know now.
	Asked
	// Deaf: nobody listens for its heartbeats any more. Whether they come means
	// nothing from now on.
	Deaf
	// Kernel: the kernel has seen connections to the member come to an end, or to
	// nothing. It is a witness and no verdict: Tomcat closes idle connections in
	// heaps, and anybody on the way can forge a reset.
	Kernel
)

// Sign is what connections to a member came to.
type Sign uint8

// The signs.
const (
	Ended      Sign = iota // the member ended or reset them, many at a time
	NotHeeded              // a connect was refused
	Unanswered             // nothing comes back from the member's host
)

// owed is the question whether a member that owes answers is alive.
type owed struct {
	n        int
	since    time.Time     // the last byte that came
	asked    time.Time     // zero: no question is open
	patience time.Duration // a silence that a pong has excused already
}

// Input takes an event in. What follows from it is seen in Due and Verdict.
func (m *Machine) Input(e Event) {
	switch e.Kind {
	case Heard:
		m.hear(e)
	case Silent:
		if m.silent.IsZero() {
			m.silent = e.Since
			if m.silent.IsZero() {
				m.silent = e.At
			}
			if m.set.Lost != LostIgnore && m.state != Down {
				m.soon(e.At)
			}
		}
	case NotHeard:
		m.unheard = m.heard.IsZero()
	case PlannedStop:
		m.stop, m.denied = e.At, false
		m.stale = later(m.stale, e.At)
		m.soon(e.At)
	case Suspect:
		m.hushed = e.Again && (m.doubt == "" || m.hushed)
		m.doubt, m.doubtAt, m.seen, m.lone = e.Why, e.At, false, time.Time{}
		m.soon(e.At)
	case Reborn:
		m.reborn(e)
	case Beacon:
		m.ready, m.busy, m.beacon = e.Ready, e.Busy, e.At
		if m.state == Down {
			m.soon(e.At)
		}
	case Fault:
		m.fault = e.At
		if m.state != Down && m.numb == "" {
			m.soon(e.At)
		}
	case Owes:
		m.owe(e)
	case Answered:
		// It lives. One pong more and it is back.
		m.numb = ""
		if m.frozen && m.good == 0 {
			m.good, m.bad, m.quiet = m.proof-1, 0, 0
			m.ProbeNow(e.At)
		}
		m.owes = owed{}
	case Kernel:
		m.sign(e)
	case Deaf:
		m.heard, m.silent, m.unheard = time.Time{}, time.Time{}, false
	case Asked:
		m.backoff = 0
		m.ProbeNow(e.At)
	}
	m.decide(e.At, nil)
}

func (m *Machine) hear(e Event) {
	back := m.heard.IsZero() || !m.silent.IsZero()
	m.heard, m.silent, m.unheard = later(m.heard, e.At), time.Time{}, false
	m.age(e)
	switch {
	case m.state == Leaving && !m.denied && e.At.Sub(m.stop) >= echo:
		// It goes on: the word was forged, or taken back.
		m.denied = true
		m.ProbeNow(e.At)
	case m.state == Down && back:
		m.backoff = 0
		m.soon(e.At)
	}
}

func (m *Machine) age(e Event) {
	if e.Alive > 0 {
		m.born = e.At.Add(-e.Alive)
	}
}

// reborn forgets the failures of the last JVM. A member in use stays in use
// until the probe that is due now has an answer: the news may be forged, and
// if it is true the answer comes within a millisecond or not at all.
func (m *Machine) reborn(e Event) {
	m.bad, m.good, m.quiet, m.early, m.numb, m.frozen, m.mute, m.backoff = 0, 0, 0, "", "", false, false, 0
	m.owes, m.fault, m.falls = owed{}, time.Time{}, falls{}
	m.trust()
	m.heard, m.silent, m.unheard = e.At, time.Time{}, false
	m.born, m.beacon = time.Time{}, time.Time{}
	m.age(e)
	m.stop, m.denied = time.Time{}, false
	m.stale, m.renewed = e.At, true
	if m.state == Down || m.state == Leaving {
		m.hold, m.proof = true, m.set.UpAfter
		m.enter(Checking, e.At)
	}
	m.soon(e.At)
}

func (m *Machine) owe(e Event) {
	if m.state == Down || m.state == Leaving {
		return
	}
	if !e.Since.Equal(m.owes.since) {
		// Something has come since the last question: its patience is spent.
		m.owes = owed{since: e.Since, asked: m.owes.asked}
	}
	m.owes.n = e.Owed
	if m.owes.asked.IsZero() && e.At.Sub(e.Since) >= 2*m.owes.patience {
		m.owes.asked = e.At
		m.stale = later(m.stale, e.At)
		if m.numb == "" { // else the second question has its time
			m.soon(e.At)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
