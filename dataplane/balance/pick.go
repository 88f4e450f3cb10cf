package balance

import (
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
)

// Request is what Pick needs to know of a request.
type Request struct {
	Session    sticky.Session
	HasSession bool
	HashKey    []byte // for the policy Hash; without it, LeastBusy decides
	Now        int64  // unix nanoseconds
	Tried      *Tried // nil on the first attempt
	Dry        bool   // only ask: no turn is taken and nothing counted
}

// Why says how Pick came to its result.
type Why uint8

// The reasons. With Picked and Forced there is a member, with the others none.
const (
	Picked     Why = iota
	Forced         // all who could serve are tripped; the member is tried nevertheless
	NoneUsable     // every member is down, stopped, draining or was tried
	Refused        // the session's member cannot serve it, and on_loss says refuse
)

var whyWords = [...]string{
	Picked:     "picked",
	Forced:     "picked in spite of its faults, nobody else is left",
	NoneUsable: "no member can serve",
	Refused:    "the session's member cannot serve it and on_loss is refuse",
}

// String says it in words.
func (w Why) String() string {
	if int(w) < len(whyWords) {
		return whyWords[w]
	}
	return "unknown"
}

// Pick chooses the member for the next attempt at a request, see the package
// comment for the order. m is nil when nobody may serve it, and why says so. The
// outcome is what becomes of the session; the proxy counts it on the member
// once the request is answered. It allocates nothing.
func Pick(p *table.Pool, r *Request) (m *table.Member, outcome meter.Outcome, why Why) {
	var own *table.Member
	outcome = meter.New
	if r.HasSession && !p.Sticky.Off {
		outcome = meter.Unknown
		if len(r.Session.Route) > 0 {
			own = p.ByRoute(r.Session.Route)
		}
	}
	if own != nil {
		if own.Take != table.Nothing && !own.Live.Tripped(r.Now) && !tried(p, r, own) {
			return own, meter.Kept, Picked
		}
		outcome = meter.Moved
		if p.Sticky.OnLoss == table.Refuse {
			return nil, outcome, Refused
		}
	}

	s := scan{pool: p, r: r, policy: p.Policy, best: -1}
	if own != nil {
		if own.Redirect != "" {
			if to := p.ByRouteName(own.Redirect); to != nil && s.usable(p.Index(to)) {
				return to, outcome, Picked
			}
		}
		if own.Domain != "" {
			s.domain = own.Domain
			if s.choose() {
				return s.take(), outcome, Picked
			}
			s.domain = ""
		}
	}
	if s.choose() {
		return s.take(), outcome, Picked
	}

	if own != nil && own.Take != table.Nothing && !tried(p, r, own) {
		return own, meter.Kept, Forced
	}
	if m = oldestTrip(p, r); m != nil {
		return m, outcome, Forced
	}
	return nil, outcome, NoneUsable
}

func tried(p *table.Pool, r *Request, m *table.Member) bool {
	return r.Tried.Has(p.Index(m))
}

// oldestTrip is the member whose trip ends first, of those that would take new
// work if they were not tripped.
func oldestTrip(p *table.Pool, r *Request) (oldest *table.Member) {
	var end int64
	for i := range p.Members {
		m := &p.Members[i]
		if m.Take != table.Everything || r.Tried.Has(i) {
			continue
		}
		if until := m.Live.NotBefore.Load(); oldest == nil || until < end {
			oldest, end = m, until
		}
	}
	return oldest
}

// Account adds the body bytes of a request that has ended, both directions, to
// what LeastTraffic compares. now is in unix nanoseconds.
func Account(m *table.Member, bytes uint64, now int64) {
	if bytes > 0 {
		m.Live.Traffic.Add(bytes, now)
	}
}
