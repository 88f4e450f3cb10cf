package balance

import "github.com/catherd/catherd/dataplane/table"

// Join brings the members that newly take everything to the level of the
// others. Without it a member that comes back with empty numbers would get every
// new session until it has caught up; turns need no such help, see virtual.go. The control plane calls it for each pool
// of a sealed table just before publishing; members that stay in rotation are
// not touched, so calling it again changes nothing. now is in unix nanoseconds.
func Join(p *table.Pool, now int64) {
	var bytes, starts, weight float64
	for i := range p.Members {
		m := &p.Members[i]
		if m.Take == table.Everything && m.Live.InRotation.Load() {
			bytes += float64(m.Live.Traffic.Value(now))
			starts += float64(m.Live.Starts.Value(now))
			weight += float64(m.Weight)
		}
	}
	for i := range p.Members {
		m := &p.Members[i]
		if m.Take != table.Everything {
			m.Live.InRotation.Store(false)
			continue
		}
		if m.Live.InRotation.Swap(true) {
			continue
		}
		if weight > 0 {
			share := float64(m.Weight) / weight
			m.Live.Traffic.Set(uint64(bytes*share), now)
			m.Live.Starts.Set(uint64(starts*share), now)
		}
	}
}
