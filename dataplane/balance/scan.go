package balance

import (
	"github.com/catherd/catherd/dataplane/table"
)

// scan is one search for the best member of a pool. It lives on the stack.
type scan struct {
	pool   *table.Pool
	r      *Request
	policy table.Policy
	domain string // only members of this replication group, "" for all

	hash uint64 // of the key, when the policy is Hash

	best int     // position of the best so far, or -1
	load float64 // what the policy measures, the smallest wins
	time int64   // virtual time, decides between equal loads
}

// usable says whether the member at position i may get new work.
func (s *scan) usable(i int) bool {
	m := &s.pool.Members[i]
	return m.Take == table.Everything && !s.r.Tried.Has(i) && !m.Live.Tripped(s.r.Now)
}

// choose goes through the members in the order of distance and role and stops
// at the first group that has a usable one. It reports whether there is one.
func (s *scan) choose() bool {
	if s.policy == table.Hash {
		if len(s.r.HashKey) == 0 {
			s.policy = table.LeastBusy
		} else {
			s.hash = table.HashBytes(s.r.HashKey)
		}
	}
	tiers := s.pool.Tiers()
	for k := range tiers {
		t := &tiers[k]
		lost := 0
		for _, i := range t.Normal {
			if !s.within(i) {
				continue
			}
			if s.usable(int(i)) {
				s.consider(int(i))
			} else {
				lost++
			}
		}
		for _, i := range t.Spare {
			if lost == 0 {
				break
			}
			if s.within(i) && s.usable(int(i)) {
				s.consider(int(i))
				lost--
			}
		}
		if s.best >= 0 {
			return true
		}
	}
	// Spares of distances without any normal member stand in for nobody; they
	// are better than a standby all the same.
	for k := range tiers {
		if s.all(tiers[k].Spare) {
			return true
		}
	}
	// Standbys come in the order of distance; each distance is its own group.
	rest := s.pool.Standbys()
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && s.pool.Members[rest[n]].Distance == s.pool.Members[rest[0]].Distance {
			n++
		}
		if s.all(rest[:n]) {
			return true
		}
		rest = rest[n:]
	}
	return false
}

// all considers every usable member of a group.
func (s *scan) all(group []int32) bool {
	for _, i := range group {
		if s.within(i) && s.usable(int(i)) {
			s.consider(int(i))
		}
	}
	return s.best >= 0
}

func (s *scan) within(i int32) bool {
	return s.domain == "" || s.pool.Members[i].Domain == s.domain
}

// consider keeps the better of the best so far and the member at position i.
func (s *scan) consider(i int) {
	m := &s.pool.Members[i]
	load, time := s.measure(m), virtual(s.pool, m)
	if s.best < 0 || load < s.load || load == s.load && time-s.time < 0 {
		s.best, s.load, s.time = i, load, time
	}
}

// take gives the request to the best member and charges it for its turn.
func (s *scan) take() *table.Member {
	m := &s.pool.Members[s.best]
	if s.r.Dry {
		return m
	}
	charge(s.pool, m, s.time)
	if s.policy == table.FewestSessions && !s.r.HasSession {
		m.Live.Starts.Add(startUnit, s.r.Now)
	}
	return m
}
