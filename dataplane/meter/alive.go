package meter

import "sync/atomic"

// Alive follows the sessions of a member that drains: which were seen, when last,
// and which have ended. It keeps hashes, in fixed memory; where it cannot know, it
// takes a session for alive. Any number of goroutines may use it.
type Alive struct {
	// A slot has 32 bits of the hash above, and below the second of unix time in
	// which the session was last seen; 0 is free.
	slots [aliveSlots]atomic.Uint64
	// floor is the newest second of sessions that had to make room for others. They
	// are alive for all that is known.
	floor atomic.Int64
}

const (
	aliveSlots = 2048
	aliveReach = 8 // slots in which one session may lie
)

// SessionHash is what a session is followed by, of its id without the route.
func SessionHash(id []byte) uint64 { return hash(id) }

func tag(h uint64) uint64 { return h>>32 | 1 }

// Seen notes a request of a session at the time now, unix nanoseconds.
func (a *Alive) Seen(h uint64, now int64) {
	mine := tag(h)<<32 | uint64(uint32(now/1e9))
	for {
		at, old := a.place(h)
		if old == mine || a.slots[at].CompareAndSwap(old, mine) {
			if old != 0 && old>>32 != tag(h) {
				a.raise(int64(uint32(old)))
			}
			return
		}
	}
}

// place is the slot for a session: its own, a free one, or that of the session
// which has been silent for longest.
func (a *Alive) place(h uint64) (at uint64, old uint64) {
	best := ^uint64(0)
	for i := range uint64(aliveReach) {
		k := (h + i) % aliveSlots
		v := a.slots[k].Load()
		if v != 0 && v>>32 == tag(h) {
			return k, v
		}
		if age := v & (1<<32 - 1); age < best {
			at, old, best = k, v, age
		}
	}
	return at, old
}

func (a *Alive) raise(second int64) {
	for {
		old := a.floor.Load()
		if old >= second || a.floor.CompareAndSwap(old, second) {
			return
		}
	}
}

// Ended notes that the member has ended a session.
func (a *Alive) Ended(h uint64) {
	for i := range uint64(aliveReach) {
		s := &a.slots[(h+i)%aliveSlots]
		if v := s.Load(); v != 0 && v>>32 == tag(h) {
			s.CompareAndSwap(v, 0)
		}
	}
}

// Newest is how many sessions are followed that have not ended, and when one of
// those, or one that had to make room, was last seen: unix nanoseconds, exact to
// a second, 0 for never.
func (a *Alive) Newest() (n int, last int64) {
	last = a.floor.Load()
	for i := range a.slots {
		if v := a.slots[i].Load(); v != 0 {
			n++
			last = max(last, int64(uint32(v)))
		}
	}
	return n, last * 1e9
}

// Follow begins to follow the member's sessions, or ends it. What was known when
// it ended is forgotten.
func (m *Member) Follow(on bool) {
	switch a := m.alive.Load(); {
	case on && a == nil:
		m.alive.CompareAndSwap(nil, new(Alive))
	case !on && a != nil:
		m.alive.Store(nil)
	}
}

// Alive is what is known of the member's sessions; nil when they are not followed.
func (m *Member) Alive() *Alive { return m.alive.Load() }
