package balance

import "github.com/catherd/catherd/dataplane/table"

// Every member has a virtual time, meter.Member.Score: each piece of new work
// puts it ahead by Stride, which is the smaller the heavier the member is. The
// member that is furthest back comes next. With one caller, any run of as many
// choices as the weights sum up to gives each member exactly its weight
// (stride scheduling; strides are fractions of a common multiple of the weights,
// so nothing is rounded).
//
// The pool's own time, meter.Pool.Turn, is that of the newest choice. A member
// that fell behind it - it was down, is new, or sits in a farther distance -
// starts there and has no claim to what it missed, so it is not flooded. One
// impossibly far ahead starts there too: times wrap around, and after a long
// absence the difference may have any sign.
//
// Callers that choose at the same moment may choose the same member, but each
// charges it, so the next choices make up for it and nothing drifts.

// maxAhead is further ahead than charging can put a member: one stride, and one
// for each caller that chose it at the same moment. It is two millionths of
// the range of int64, so a time that has gone stale hardly ever falls below it; if
// it does, the member waits for 64 rounds at most.
const maxAhead = 64 * table.VirtualUnit

// virtual is the member's time as far as it counts.
func virtual(p *table.Pool, m *table.Member) int64 {
	now := int64(p.Live.Turn.Load())
	t := m.Live.Score.Load()
	if d := t - now; d < 0 || d > maxAhead {
		return now
	}
	return t
}

// charge books one turn to the member, which was chosen at the time t.
func charge(p *table.Pool, m *table.Member, t int64) {
	if old := m.Live.Score.Load(); old-t > 0 && old-t <= maxAhead || !m.Live.Score.CompareAndSwap(old, t+m.Stride) {
		m.Live.Score.Add(m.Stride) // somebody chose it meanwhile
	}
	if now := int64(p.Live.Turn.Load()); t-now > 0 {
		p.Live.Turn.Store(uint64(t))
	}
}
