package health

import "time"

// Settings says how a member is judged. All durations are positive except
// SlowStart, which is zero when a member gets its full share at once.
type Settings struct {
	Every     time.Duration // between two probes of a member that is well, or down
	Connect   time.Duration // for the connection to be made
	Timeout   time.Duration // CPING to CPONG
	DownAfter int           // failures in a row before Up becomes Down; at least 1
	UpAfter   int           // successes in a row before Down becomes Up; at least 1
	SlowStart time.Duration // time over which a member that came back gets its full share
	Request   *Request      // nil: no request is sent
}

// Request is the request a probe sends after the ping.
type Request struct {
	Path   string  // with the query, beginning with a slash
	Host   string  // Host field; empty: the member's own address
	Expect []Range // statuses that are good; empty: 200 to 399
}

// Range is a closed range of statuses.
type Range struct{ From, To int }

// Sample is the result of one probe.
type Sample struct {
	At   time.Time // when it ended
	Took time.Duration
	OK   bool
	Text string // "cping ok", "health request 200", "connect refused"

	// Request says that a real request was answered, not only a ping.
	Request bool
}

// Trip tells the machine that the data path avoids the member by itself.
type Trip struct {
	At    time.Time
	Until time.Time
	Ends  Proof // what ends the trip before Until
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

// Machine turns samples into a verdict. It has no clock of its own: every
// method is given the time, which must not go backwards.
//
// Invariants: state Checking exactly while no sample was taken; bad and good
// are never both above zero; next is never zero.
type Machine struct {
	set   Settings
	state State
	since time.Time
	last  Sample
	bad   int    // failures in a row
	good  int    // successes in a row
	early string // why Down was entered before down_after failures; else empty
	slow  time.Time
	trip  Trip
	next  time.Time
}

// NewMachine returns a machine whose first probe is due at once.
func NewMachine(s Settings, now time.Time) Machine {
	if s.DownAfter < 1 {
		s.DownAfter = 1
	}
	if s.UpAfter < 1 {
		s.UpAfter = 1
	}
	return Machine{set: s, since: now, next: now}
}

// Change replaces the settings and keeps what is known.
func (m *Machine) Change(s Settings, now time.Time) {
	fresh := NewMachine(s, now)
	m.set = fresh.set
	if m.next.After(now.Add(m.set.Every)) {
		m.next = now.Add(m.set.Every)
	}
}

// Fast is the interval between probes while a change of state is near.
func (s Settings) Fast() time.Duration {
	return max(min(s.Every/5, time.Second), min(s.Every, 200*time.Millisecond))
}

// Sample takes the result of a probe and sets the time of the next one. It
// reports whether the sample shows a trip to be over, so that the data path
// may stop avoiding the member.
func (m *Machine) Sample(s Sample) (clear bool) {
	m.last = s
	tripped := m.Tripped(s.At)
	if s.OK {
		m.good++
		m.bad = 0
		if m.state == Checking || m.state == Down && m.good >= m.set.UpAfter {
			if m.state == Down {
				m.slow = s.At
			}
			m.enter(Up, s.At)
		}
		clear = tripped && m.state == Up && (m.trip.Ends == ByPing || m.trip.Ends == ByRequest && s.Request)
		if clear {
			m.trip = Trip{}
			tripped = false
		}
	} else {
		m.bad++
		m.good = 0
		// The first probe decides alone, and so does one that confirms what
		// requests have met already.
		if m.state != Down && (m.state == Checking || tripped || m.bad >= m.set.DownAfter) {
			m.early = ""
			switch {
			case m.state == Checking:
				m.early = "at the first probe"
			case m.bad < m.set.DownAfter:
				m.early = "after faults of requests"
			}
			m.enter(Down, s.At)
		}
	}
	wait := m.set.Every
	if tripped && m.state == Up || m.state == Up && m.bad > 0 || m.state == Down && m.good > 0 {
		wait = m.set.Fast()
	}
	m.next = s.At.Add(wait)
	return clear
}

// Trip records that the data path avoids the member. The next probe is due at
// once, unless the member is down or this trip is known already.
func (m *Machine) Trip(t Trip) {
	known := m.trip.Until.Equal(t.Until)
	m.trip = t
	if !known && m.state != Down {
		m.next = t.At
	}
}

// Tripped reports whether the data path avoids the member at that time.
func (m *Machine) Tripped(now time.Time) bool { return now.Before(m.trip.Until) }

// Due returns when the next probe is to start.
func (m *Machine) Due() time.Time { return m.next }

// ProbeNow makes the next probe due at that time.
func (m *Machine) ProbeNow(now time.Time) { m.next = now }

// Step returns when the verdict changes without a sample: the next step of a
// slow start or the end of a trip. Zero when it does not.
func (m *Machine) Step(now time.Time) time.Time {
	var at time.Time
	if share := m.share(now); m.state == Up && share < 100 {
		at = m.slow.Add(m.set.SlowStart * time.Duration(share) / 100)
	}
	if m.Tripped(now) && (at.IsZero() || m.trip.Until.Before(at)) {
		at = m.trip.Until
	}
	return at
}

// Verdict returns what is believed at that time.
func (m *Machine) Verdict(now time.Time) Verdict {
	v := Verdict{
		State: m.state, Since: m.since, Text: m.last.Text,
		Took: m.last.Took, At: m.last.At, Share: m.share(now),
	}
	if m.state == Down {
		v.Early = m.early
	}
	if m.Tripped(now) {
		v.Trip = m.trip.Until
	}
	switch m.state {
	case Up:
		v.Row, v.Need = m.bad, m.set.DownAfter
	case Down:
		v.Row, v.Need = m.good, m.set.UpAfter
		if m.good == 0 {
			v.Row, v.Need = m.set.DownAfter, m.set.DownAfter
		}
	}
	return v
}

func (m *Machine) enter(s State, at time.Time) {
	m.state, m.since = s, at
}

// share rises in ten steps, so that a slow start publishes ten tables and not
// a hundred. It begins at 10: a member without any request proves nothing.
func (m *Machine) share(now time.Time) int {
	if m.slow.IsZero() || m.set.SlowStart <= 0 {
		return 100
	}
	done := now.Sub(m.slow)
	if done >= m.set.SlowStart {
		return 100
	}
	tenths := int(done * 10 / m.set.SlowStart)
	return min(10+10*max(tenths, 0), 100)
}
