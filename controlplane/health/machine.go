package health

import "time"

// Machine folds everything that is known about a member into a verdict:
// samples of probes, trips of the data path, and events. It has no clock of
// its own: every method is given the time, which must not go backwards.
//
// Invariants: state is Checking, Up, Down or Leaving (Shaky is an Up that
// something speaks against, worked out when a verdict is asked for); bad and
// good are never both above zero; next is never zero; hold only with Checking;
// frozen, mute and early only with Down, numb only with Up; quiet is at most
// bad; Leaving only after a PlannedStop.
type Machine struct {
	set   Settings
	state State
	since time.Time // of state
	hold  bool      // Checking: it takes nothing before it has proved itself
	proof int       // good samples in a row that make it Up
	next  time.Time // when the next probe is due
	fresh time.Time // a probe that began at this time or later is wanted
	stale time.Time // a probe that began before says nothing

	// What probes say.
	last    Sample
	okAt    time.Time // newest good sample
	bad     int       // failures in a row
	good    int       // successes in a row
	quiet   int       // failures in a row to which nobody answered
	early   string    // why Down was entered before down_after failures; else empty
	numb    string    // Up, but the last ping was not answered while answers were owed: in words
	frozen  bool      // Down because a ping was not answered while answers were owed
	mute    bool      // Down, and its probes say that what waits for it waits in vain
	backoff time.Duration
	falls   falls
	slow    time.Time     // when the slow start began
	ramp    time.Duration // how long it is; 0 none

	// What the data path says.
	trip  Trip
	fault time.Time // newest fault of a request
	owes  owed

	// What the cluster says.
	heard   time.Time // newest heartbeat; zero: never
	silent  time.Time // its heartbeats are missed since; zero: they come
	unheard bool      // they should come and never did
	born    time.Time // start of its JVM; zero: not known
	renewed bool      // another JVM than before, not yet seen to answer
	stop    time.Time // when it said that it stops; zero: it did not
	denied  bool      // it was heard as if it had not said so
	doubt   string    // what a probe is to settle; "" nothing
	doubtAt time.Time
	hushed  bool      // the doubt is an old story: it is not shown
	seen    bool      // the doubt is the kernel's, see kernel.go
	lone    time.Time // when the one refused connect was that the doubt is made of; zero: there is more
	urged   time.Time // newest probe that the kernel's signs have made due
	beacon  time.Time
	ready   int
	busy    int
}

// NewMachine returns a machine whose first probe is due at once.
func NewMachine(s Settings, now time.Time) Machine {
	s = s.least()
	return Machine{set: s, since: now, next: now, proof: 1, hold: s.Prove}
}

func (s Settings) least() Settings {
	s.DownAfter, s.UpAfter = max(s.DownAfter, 1), max(s.UpAfter, 1)
	return s
}

// Change replaces the settings and keeps what is known.
func (m *Machine) Change(s Settings, now time.Time) {
	m.set = s.least()
	if m.set.SlowStart == 0 {
		m.ramp = 0
	}
	if m.next.After(now.Add(m.set.Every)) {
		m.next = now.Add(m.set.Every)
	}
}

// Due returns when the next probe is to start.
func (m *Machine) Due() time.Time { return m.next }

// ProbeNow makes the next probe due at that time.
func (m *Machine) ProbeNow(now time.Time) {
	m.next = now
	m.fresh = later(m.fresh, now)
}

// soon is ProbeNow for what others ask for, who may ask too often.
func (m *Machine) soon(now time.Time) {
	m.ProbeNow(later(now, m.last.At.Add(guard)))
}

// Quick reports that the probe which is due only has to show whether the
// member is alive, within Settings.Quick.
func (m *Machine) Quick() bool { return m.frozen || m.numb != "" || !m.owes.asked.IsZero() }

// Gone reports whether nothing vouches for the JVM that the member was: it takes
// nothing before it has answered.
func (m *Machine) Gone() bool { return m.state == Down || m.state == Leaving || m.hold }

// Worthless reports whether a probe that began at that time says nothing any
// more, because what it asks about has changed since.
func (m *Machine) Worthless(began time.Time) bool { return began.Before(m.stale) }

// Tripped reports whether the data path avoids the member at that time.
func (m *Machine) Tripped(now time.Time) bool { return now.Before(m.trip.Until) }

// Trip records that the data path avoids the member. The next probe is due at
// once, unless the member is down or this trip is known already.
func (m *Machine) Trip(t Trip) {
	known := m.trip.Until.Equal(t.Until)
	m.trip = t
	// That requests fail on a member which has given no pong is no news: the second
	// question has its time, so that a collection of garbage may end before it.
	if !known && m.state != Down && m.numb == "" {
		m.ProbeNow(t.At)
	}
}

// Sample takes the result of a probe and sets the time of the next one. It
// reports whether the sample shows a trip to be over, so that the data path
// may stop avoiding the member. A worthless sample changes nothing.
func (m *Machine) Sample(s Sample) (clear bool) {
	if m.Worthless(s.began()) {
		return false
	}
	m.last = s
	m.disown(&s)
	if s.OK {
		m.good, m.bad, m.okAt = m.good+1, 0, s.At
	} else {
		m.bad, m.good = m.bad+1, 0
	}
	if m.quiet++; s.OK || !s.Fail.silent() {
		m.quiet = 0
	}
	m.decide(s.At, &s)
	clear = s.OK && m.Tripped(s.At) && m.state == Up &&
		(m.trip.Ends == ByPing || m.trip.Ends == ByRequest && s.Request) &&
		!(m.trip.Kernel && s.began().Before(m.trip.At))
	if clear {
		m.trip = Trip{}
	}
	m.next = s.At.Add(m.pace(s.At))
	if s.began().Before(m.fresh) && m.numb == "" {
		m.next = s.At // asked for again while it was under way
	}
	return clear
}

// Step returns when the verdict changes without a sample: the next step of a
// slow start, the end of a trip, or the time when a fall counts no longer.
// Zero when it does not.
func (m *Machine) Step(now time.Time) time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if share := m.share(now); m.state == Up && share < 100 {
		sooner(m.slow.Add(m.ramp * time.Duration(share) / 100))
	}
	if m.Tripped(now) {
		sooner(m.trip.Until)
	}
	if m.state == Up && m.falls.flapping(now) {
		_, until := m.falls.count(now)
		sooner(until)
	}
	return at
}

// share rises in ten steps, so that a slow start publishes ten tables and not
// a hundred. It begins at 10: a member without any request proves nothing.
func (m *Machine) share(now time.Time) int {
	if m.slow.IsZero() || m.ramp <= 0 {
		return 100
	}
	done := now.Sub(m.slow)
	if done >= m.ramp {
		return 100
	}
	tenths := int(done * 10 / m.ramp)
	return min(10+10*max(tenths, 0), 100)
}
