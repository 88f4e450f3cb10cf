package proxy

import (
	"math"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Owes is what a member owes now; ok is false when the newest table lacks it.
func (p *Proxy) Owes(id table.ID) (o meter.Owed, ok bool) {
	v := p.view.Load()
	_, m := v.member(id)
	if m == nil {
		return o, false
	}
	return v.pools[m.Ord].Owed(), true
}

// avoidFor is how long a member that was given up is avoided, unless a table
// says so or Abandon is called again.
const avoidFor = int64(time.Second)

// Abandon takes from a member what others can do, because it is known to be of
// no use, and has it avoided for a second unless its table does so; see upstream.Pool.Abandon. why is the
// fault's text. When the newest table has nobody else it does nothing: waiting is
// better than an error. Requests that the member has seen leave as far as the
// retry budget pays for them, see afford; the others at a later call, or never. It
// returns how many requests left.
func (p *Proxy) Abandon(id table.ID, why string, now int64) int {
	v := p.view.Load()
	cfg, m := v.member(id)
	if m == nil || !othersThan(cfg, m, now) {
		return 0
	}
	if m.Take != table.Nothing {
		// The table does not say it yet, or does not say it at all.
		m.Live.Trip(now + avoidFor)
	}
	sent, queued := v.pools[m.Ord].Abandon(why, afford(cfg))
	charge(cfg, sent)
	n := sent + queued
	if n > 0 {
		// One event, however many requests waited: it must not make a row that
		// keeps the member away after it has come back.
		m.Live.Faults[meter.FaultFrozen].Add(uint64(n))
		m.Live.LastFault.Store(&meter.Fault{Kind: meter.FaultFrozen, At: now, Text: why})
	}
	return n
}

// afford is how many requests that a member has seen the retry budget pays for when
// the member is given up. That is one event, and may be all that its connections
// carry: the budget may be overdrawn by it further than by a fault.
func afford(cfg *table.Pool) int {
	if cfg.Retry.Budget <= 0 {
		return math.MaxInt
	}
	return int(max(cfg.Live.RetryBudget.Load()+budgetMoved, 0) / 100)
}

// charge takes what afford has promised out of the budget.
func charge(cfg *table.Pool, n int) {
	if cfg.Retry.Budget > 0 {
		cfg.Live.RetryBudget.Add(int64(-100 * n))
	}
}

// budgetMoved is how far the budget may be overdrawn by requests that leave a member
// that is given up, in hundredths. It is about what four members carry whose
// connections (256 unless configured otherwise) are all in use; a pool of three with
// 500 requests a second moves 300 when one of them freezes.
const budgetMoved = 1000 * 100

// DropEnded closes idle connections that the member has ended; see
// upstream.Pool.DropEnded.
func (p *Proxy) DropEnded(id table.ID, now int64) int {
	v := p.view.Load()
	cfg, m := v.member(id)
	if m == nil {
		return 0
	}
	return v.pools[m.Ord].DropEnded(cfg, now)
}

// member finds a member by its identity; nil when the table lacks it.
func (v *View) member(id table.ID) (*table.Pool, *table.Member) {
	for _, cfg := range v.Pools {
		for i := range cfg.Members {
			if cfg.Members[i].ID == id {
				return cfg, &cfg.Members[i]
			}
		}
	}
	return nil, nil
}

// othersThan reports whether somebody else of the pool takes new work.
func othersThan(cfg *table.Pool, m *table.Member, now int64) bool {
	for i := range cfg.Members {
		o := &cfg.Members[i]
		if o != m && o.Take == table.Everything && !o.Live.Tripped(now) {
			return true
		}
	}
	return false
}
