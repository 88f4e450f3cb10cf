package steering

import "time"

// Status is what became of one address.
type Status struct {
	Address string
	State   State
	Policy  string    // of Steered
	Since   time.Time // of Steered
	Why     string    // it is not steered
	Cure    string    // what to do about it

	// Of Steered, since it began.
	Chosen   uint64 // connections the program gave to a listener
	Migrated uint64 // that waited at a listener which was closed, and got another
	Left     uint64 // left to the kernel's hash

	Listeners []Listener // of Steered
}

// Listener is what one of them has to do.
type Listener struct {
	Open    int // connections that it has accepted and that have not ended
	Waiting int // to be accepted, as far as is known
	Chosen  int // given to it since the steering began
}

// Status returns what became of every address, in the order they were opened.
func (s *Steering) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, 0, len(s.addresses))
	for _, a := range s.addresses {
		x := Status{Address: a.name, State: a.state, Why: a.why, Cure: a.cure}
		if a.state == Steered {
			x.Policy, x.Since = a.policy.String(), a.since
			if c, err := a.group.Counts(); err == nil {
				x.Chosen, x.Migrated, x.Left = c.Steered, c.Migrated, c.Left
			}
			for i := range a.count {
				l := a.group.Load(generation, i)
				x.Listeners = append(x.Listeners, Listener{Open: l.Live(), Waiting: l.Waiting(), Chosen: l.Chosen()})
			}
		}
		out = append(out, x)
	}
	return out
}
