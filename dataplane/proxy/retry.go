package proxy

import (
	"slices"
	"time"

	"github.com/catherd/catherd/dataplane/upstream"
)

// repeatable reports whether the request may be sent again although the member
// may have seen it: a safe method (RFC 9110 section 9.2.1) and no body.
func (x *Exchange) repeatable() bool {
	return x.Req.MethodSafe && x.body.length == 0
}

// another decides whether fault f of a pooled connection is answered by trying
// another connection to the same member: it was closed while it was idle, or in
// the moment of being used.
func (x *Exchange) another(f upstream.Fault) bool {
	if x.answer.sent {
		return false
	}
	return f.Kind == upstream.Stale && x.cfg.Retry.Stale ||
		f.Kind == upstream.Broken && x.cfg.Retry.Broken && x.repeatable()
}

// again decides whether another member may be asked after fault f.
func (x *Exchange) again(f upstream.Fault) bool {
	if x.answer.sent || x.attempt >= x.cfg.Retry.Attempts {
		return false
	}
	allowed := false
	switch f.Kind {
	case upstream.Dial, upstream.DialTimeout:
		allowed = x.cfg.Retry.Dial
	case upstream.Stale:
		allowed = x.cfg.Retry.Stale
	case upstream.Broken:
		allowed = x.cfg.Retry.Broken && x.repeatable()
	case upstream.Status:
		allowed = x.repeatable()
	case upstream.QueueFull, upstream.QueueTimeout:
		// A session has one place to be; without one any member will do.
		allowed = !x.pick.HasSession
	}
	if !allowed || !x.spend() {
		return false
	}
	x.answer.forget()
	return true
}

// The retry budget: every request earns Budget hundredths of a repeat, which
// are saved up to budgetCap, so that a farm that is sick as a whole gets little
// more than the requests it was sent.
const budgetCap = 100 * 100

// earn adds this request's share to the pool's budget.
func (x *Exchange) earn() {
	if n := &x.cfg.Live.RetryBudget; n.Load() < budgetCap {
		n.Add(int64(x.cfg.Retry.Budget))
	}
}

// spend takes a whole repeat from the budget. The first few are free, or a
// quiet pool could never repeat anything.
func (x *Exchange) spend() bool {
	if x.cfg.Retry.Budget <= 0 {
		return true
	}
	n := &x.cfg.Live.RetryBudget
	for {
		have := n.Load()
		if have < 100-budgetFree {
			return false
		}
		if n.CompareAndSwap(have, have-100) {
			return true
		}
	}
}

// budgetFree is how far the budget may be overdrawn, in hundredths.
const budgetFree = 10 * 100

// failsOn reports whether the pool takes this status for a fault that another
// member may mend.
func (x *Exchange) failsOn(status int) bool {
	return len(x.cfg.FailOnStatus) > 0 && slices.Contains(x.cfg.FailOnStatus, uint16(status)) &&
		x.repeatable() && x.attempt < x.cfg.Retry.Attempts && len(x.cfg.Members) > x.attempt
}

func (x *Exchange) clock() int64 { return time.Now().UnixNano() }

// endTime is when the attempt ended. An answer that came whole with its head
// needs no further look at the clock.
func (x *Exchange) endTime() int64 {
	switch {
	case x.endAt != 0:
		return x.endAt
	case x.headAt != 0 && !x.late:
		return x.headAt
	}
	return x.clock()
}
