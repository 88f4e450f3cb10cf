package balance

import (
	"math"

	"github.com/catherd/catherd/dataplane/table"
)

// startUnit is what one started session counts in meter.Member.Starts; the
// fraction keeps the halving from losing small numbers.
const startUnit = 1024

// measure is what the policy compares. The smallest wins, equal ones leave it
// to the virtual time, so that ties rotate and weights weigh among idle members.
func (s *scan) measure(m *table.Member) float64 {
	switch s.policy {
	case table.LeastBusy:
		return s.rounds(m)
	case table.LeastTraffic:
		return traffic(m, s.r.Now)
	case table.FewestSessions:
		return float64(m.Live.Starts.Value(s.r.Now)) / float64(m.Weight)
	case table.Hash:
		return s.rendezvous(m)
	}
	return 0 // RoundRobin: virtual time alone
}

// rounds is how many times the member holds its share of requests in flight;
// the member of the smallest weight has a share of one. With equal weights
// that is the number of requests. Counting whole shares lets members with
// room left take turns: with InFlight/Weight the lightest of an idle pool would
// get as much as the heaviest, with (InFlight+1)/Weight nothing at all.
//
// Only guests count, see meter.Member.Guests, until a member is nearly full:
// then its sessions alone are reason enough to look elsewhere.
func (s *scan) rounds(m *table.Member) float64 {
	n := m.Live.Guests.Load()
	if all := m.Live.InFlight.Load(); s.pool.Conns.Max > 0 && all >= int64(s.pool.Conns.Max)*4/5 {
		n = all
	}
	if n <= 0 {
		return 0
	}
	return float64(uint64(n) * uint64(s.pool.MinWeight()) / uint64(m.Weight))
}

// traffic is the decayed bytes of the member. Requests in flight count with
// the average the member had so far: their bytes are booked only at the end, and
// without this a burst would go to one member.
func traffic(m *table.Member, now int64) float64 {
	bytes := float64(m.Live.Traffic.Value(now))
	if n := m.Live.InFlight.Load(); n > 0 {
		if ended := int64(m.Live.Requests.Load()) - n; ended > 0 {
			sum := m.Live.BytesIn.Load() + m.Live.BytesOut.Load()
			bytes += float64(n) * float64(sum) / float64(ended)
		}
	}
	return bytes / float64(m.Weight)
}

// rendezvous scores a member for a key by weighted rendezvous hashing: of the
// keys, each member wins its weight's share, and when one comes or goes only the
// keys it wins or loses move. The score is an exponentially distributed number
// with the weight as its rate.
func (s *scan) rendezvous(m *table.Member) float64 {
	h := table.Mix(m.Seed ^ s.hash)
	u := (float64(h>>11) + 0.5) / (1 << 53) // between 0 and 1, never either
	if s.pool.SameWeights() {
		return -u // the logarithm would not change the order
	}
	return -math.Log(u) / float64(m.Weight)
}
