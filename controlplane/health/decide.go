package health

import (
	"fmt"
	"time"
)

// decide is the only place where a member changes its state. s is the sample
// that has just come, nil when it was an event. It reads facts, and forgets
// those that the change has settled.
func (m *Machine) decide(at time.Time, s *Sample) {
	question := m.settle(s)
	switch m.state {
	case Checking, Up:
		if !m.stop.IsZero() {
			m.owes, m.renewed = owed{}, false
			m.trust()
			m.enter(Leaving, at)
			return
		}
		if s == nil {
			return
		}
		if s.OK {
			if !s.began().Before(m.doubtAt) {
				m.trust()
			}
			if !s.began().Before(m.fault) {
				m.fault = time.Time{}
			}
			m.numb = ""
			if m.state == Checking && m.good >= m.proof {
				m.begin(at)
			} else if m.state == Up && m.renewed {
				m.renewed = false
				m.climb(at, true)
			}
			return
		}
		if s.Fail == BadStatus && m.seen {
			m.trust() // what answers has not died
		}
		// The first ping that nobody answers while answers are owed has requests
		// go elsewhere; the second, half a second later, takes the member out. A
		// collection of garbage that lasts two seconds is between the two.
		if question && s.Fail == Late && m.state == Up && m.numb == "" && m.bad < m.set.DownAfter {
			m.numb = m.noPong()
			return
		}
		if down, early := m.against(s, question, at); down {
			frozen := s.Fail == Late && (question || m.numb != "")
			m.fall(at, early)
			m.frozen = frozen
			m.listen(s)
		}
	case Leaving:
		switch {
		case s == nil:
		case !s.OK:
			m.early = "after it said that it stops"
			m.enter(Down, at)
			m.listen(s)
			m.proof, m.stop = m.set.UpAfter, time.Time{}
		case m.denied || at.Sub(m.stop) >= stopDenied:
			m.stop, m.denied = time.Time{}, false
			m.enter(Up, at)
		}
	case Down:
		m.stop = time.Time{} // it has stopped already
		if s == nil {
			return
		}
		if s.OK && m.good >= m.proof {
			m.begin(at)
			return
		}
		m.listen(s)
	}
}

// listen learns whether a member that is down answers at all. Who has been down
// for his answers falls silent like anybody else: one late answer says little
// then, a closed door says it all.
func (m *Machine) listen(s *Sample) {
	switch {
	case m.quiet == 0:
		m.mute = false
	case s.Fail == Refused, m.quiet == m.bad, m.quiet >= m.set.DownAfter:
		m.mute = true
	}
	if m.frozen && s.Fail == Refused {
		// It was not asleep, or is no longer.
		m.frozen, m.early = false, "after it had not answered"
	}
}

// settle closes the question whether a member that owes answers lives, and
// reports whether this sample was the answer to it.
func (m *Machine) settle(s *Sample) bool {
	if s == nil || m.owes.asked.IsZero() || s.began().Before(m.owes.asked) {
		return false
	}
	if s.OK {
		m.owes.patience = max(m.owes.asked.Sub(m.owes.since), 0)
	}
	m.owes.asked = time.Time{}
	return true
}

// against weighs a failed probe of a member in use. Alone it has to come
// down_after times. A second witness makes one enough: requests that failed,
// heartbeats that ceased, a stop that somebody announced, another JVM.
// Witnesses of mere silence or hearsay need a failure that load cannot cause.
func (m *Machine) against(s *Sample, question bool, at time.Time) (down bool, early string) {
	enough := m.bad >= m.set.DownAfter
	hard := s.Fail.hard()
	switch {
	case m.numb != "" && s.Fail == Late:
		return true, m.numb
	case question && s.Fail == Late:
		return true, m.noPong()
	case question && hard:
		return true, "while " + answers(m.owes.n) + " owed"
	case m.state == Checking && m.renewed:
		return true, "after a restart"
	case m.state == Checking:
		// The first probe decides alone, because nothing has vouched for the
		// member yet, except that one late answer may be this host's or the
		// JVM's first breath.
		return s.Fail != Late || m.bad >= 2, "at the first probe"
	case enough:
		return true, ""
	case hard && m.seen:
		return true, "after " + m.doubt
	case m.Tripped(at) && !m.trip.Kernel:
		return true, "after faults of requests"
	case m.renewed:
		return true, "after a restart"
	case hard && !m.fault.IsZero() && at.Sub(m.fault) <= faultMemory:
		return true, "after faults of requests"
	case hard && m.doubt != "":
		return true, "after " + m.doubt
	case hard && !m.silent.IsZero() && m.set.Lost != LostIgnore:
		return true, "after its heartbeats ceased"
	}
	return false, ""
}

// noPong says that a question was not answered.
func (m *Machine) noPong() string {
	return fmt.Sprintf("no pong in %s while %s owed", m.set.Quick(), answers(m.owes.n))
}

// answers is "1 answer is" or "3 answers are".
func answers(n int) string {
	if n == 1 {
		return "1 answer is"
	}
	return fmt.Sprintf("%d answers are", n)
}

// fall takes the member out.
func (m *Machine) fall(at time.Time, early string) {
	if m.state == Up {
		m.falls.add(at)
	}
	m.early = early
	m.proof = m.falls.proof(m.set.UpAfter, at)
	m.renewed, m.owes = false, owed{}
	m.trust()
	m.enter(Down, at)
}

// begin brings the member into use.
func (m *Machine) begin(at time.Time) {
	back := m.state == Down || m.renewed || m.hold && !m.born.IsZero() && at.Sub(m.born) < youngJVM
	if m.frozen && m.set.SlowStart == ByAge {
		back = false // it has forgotten nothing
	}
	m.renewed = false
	m.enter(Up, at)
	m.climb(at, back)
}

// climb begins a slow start for a member that came back, or ends one.
func (m *Machine) climb(at time.Time, back bool) {
	m.slow, m.ramp = at, 0
	switch {
	case !back:
	case m.set.SlowStart > 0:
		m.ramp = m.set.SlowStart
	case m.set.SlowStart == ByAge && !m.heard.IsZero():
		m.ramp = youngRamp
	}
}

func (m *Machine) enter(s State, at time.Time) {
	if s != Checking {
		m.hold = false
	}
	m.numb = ""
	if s == Down {
		m.backoff = 0
	} else {
		m.frozen, m.mute, m.early = false, false, ""
	}
	m.state, m.since = s, at
}

// pace is how long after the newest sample the next probe is due.
func (m *Machine) pace(at time.Time) time.Duration {
	every, fast := m.set.Every, m.set.Fast()
	switch m.state {
	case Leaving:
		return fast
	case Checking, Down:
		if m.last.OK {
			if m.falls.flapping(at) {
				return fast
			}
			return min(proofGap, every)
		}
		if m.state == Checking && m.starting(at) {
			return min(startingGap2, fast)
		}
		if m.state == Checking {
			return fast
		}
		return min(m.retry(at), every)
	}
	if m.numb != "" {
		return numbGap
	}
	if m.bad > 0 || m.Tripped(at) || m.falls.flapping(at) ||
		!m.silent.IsZero() && m.set.Lost != LostIgnore {
		return fast
	}
	return every
}

// retry is the wait before a member that is down is asked again. It doubles,
// because a Tomcat whose connector did not start keeps every connection in its
// accept queue; a refused connection costs nothing, and a frozen JVM may wake
// at any moment. A Tomcat that begins binds its port long before it starts the
// connector, and answers what waits in the queue then: its probes are late, and
// even two minutes of them leave the queue room.
func (m *Machine) retry(at time.Time) time.Duration {
	down := at.Sub(m.since)
	switch {
	case m.frozen && down < frozenFast:
		return frozenGap
	case m.frozen && down < frozenLong:
		return frozenGap2
	case !m.starting(at):
	case m.last.Fail == Refused && down < startingSoon:
		return startingGap
	case m.last.Fail == Refused, m.last.Fail == Late:
		return startingGap2
	}
	if m.backoff == 0 {
		m.backoff = firstRetry
	} else if m.backoff < m.set.Every {
		m.backoff *= 2
	}
	return m.backoff
}

// starting reports whether the member's JVM is heard and has just begun, so that
// its connector may be started at any moment.
func (m *Machine) starting(at time.Time) bool {
	return !m.born.IsZero() && at.Sub(m.born) < startingFast && m.silent.IsZero()
}
