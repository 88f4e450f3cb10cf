package health

import "time"

// sign takes in what the kernel has seen of a member's connections. A member in use
// is asked at once; a refused or broken probe is the second witness then. Whoever is
// down, or has not proved itself, is asked soon enough, and mostly by probes whose own
// refusals come back here.
func (m *Machine) sign(e Event) {
	if m.state != Up {
		return
	}
	alone := e.Sign == NotHeeded && e.Count <= 1
	switch {
	case alone && m.own(&m.last, e.At):
		return // known already
	case e.Sign == Unanswered && m.bad > 0:
		return // so are its probes, and they count
	}
	if m.doubt == "" || !m.seen {
		// The first words say more than those of what follows.
		m.hushed = false
		m.doubt, m.seen, m.lone = e.Why, true, time.Time{}
		if alone {
			m.lone = e.At
		}
	} else if !alone || !m.lone.IsZero() {
		m.lone = time.Time{}
	}
	m.doubtAt = e.At
	// A probe that is due or under way is not put off. One that began before this is
	// repeated when it comes back.
	m.fresh = later(m.fresh, e.At)
	if at := later(e.At, m.urged.Add(guard)); at.Before(m.next) {
		m.urged, m.next = at, at
	}
}

// disown drops the doubt when the refused connect that it is made of was that of this
// probe: one witness that is heard twice is still one.
func (m *Machine) disown(s *Sample) {
	if !m.lone.IsZero() && m.own(s, m.lone) {
		m.trust()
		m.fresh = s.began()
	}
}

// own reports whether a connect that was refused at that time was the probe's.
func (m *Machine) own(s *Sample, at time.Time) bool {
	return !s.OK && s.Fail == Refused && !at.Before(s.began()) && !at.After(s.At)
}

// trust drops what a probe was to settle.
func (m *Machine) trust() { m.doubt, m.seen, m.lone = "", false, time.Time{} }
