package proxy

import (
	"slices"
	"time"

	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/table"
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
	case upstream.Abandoned:
		allowed = x.free()
	case upstream.Evicted:
		allowed = !x.bound()
	case upstream.Paused, upstream.Unread:
		allowed = x.untouched()
	case upstream.Status, upstream.Unavailable:
		x.answer.forget()
		return true // drops has seen to it
	case upstream.QueueFull, upstream.QueueTimeout:
		// A session has one place to be; without one any member will do.
		allowed = !x.pick.HasSession
	}
	if !allowed || !x.gratis(f) && !x.spend() {
		return false
	}
	x.answer.forget()
	return true
}

// bound reports whether the request has a session that no other member may serve.
func (x *Exchange) bound() bool {
	return x.pick.HasSession && x.cfg.Sticky.OnLoss == table.Refuse
}

// free reports whether the request may be taken away from its member before the
// first byte of the answer, see Proxy.Abandon.
func (x *Exchange) free() bool {
	return x.cfg.Retry.Broken && x.repeatable() && !x.bound() && x.attempt < x.cfg.Retry.Attempts
}

// untouched reports whether the whole request can be sent again: of its body
// nothing was taken from the client but the first piece, which is kept.
func (x *Exchange) untouched() bool {
	if x.pump.active() {
		return false // it reads on
	}
	// A body that is not complete and has a buffer of its own may have been read
	// over its first piece.
	return x.body.taken == uint64(len(x.first)) && (x.body.done || x.body.own == nil)
}

// gratis reports whether a repeat is not charged to the budget now. The budget
// keeps a farm that is sick as a whole from getting every request twice. A member
// that is being stopped is one event, however many requests it had; it does no work
// on them, so the others get each of them once, as if the member had left a second
// earlier; and it is avoided from then on. A request that meets this twice pays. One
// whose member was given up has been paid for when it was taken away: the member may
// wake and work on it.
func (x *Exchange) gratis(f upstream.Fault) bool {
	switch f.Kind {
	case upstream.Abandoned:
		return true
	case upstream.Evicted, upstream.Paused:
		return x.attempt == 1
	case upstream.Dial, upstream.DialTimeout, upstream.Stale, upstream.Unread:
		return x.attempt == 1 // this member did no work either
	}
	return false
}

// renew goes over to the newest table. Another attempt does so, because the
// member it needs may have come back since the request began, and others may be
// known to be down. False: there is no newer table, or its pool is gone.
func (x *Exchange) renew() bool {
	v := x.p.view.Load()
	if v == x.view {
		return false
	}
	for _, cfg := range v.Pools {
		if cfg.Name != x.cfg.Name {
			continue
		}
		var tried balance.Tried // positions may have changed
		for i := range x.cfg.Members {
			if x.tried.Has(i) {
				tried.Add(position(cfg, x.cfg.Members[i].ID))
			}
		}
		x.view, x.cfg, x.tried = v, cfg, tried
		return true
	}
	return false
}

// position is where the pool has a member, or -1.
func position(cfg *table.Pool, id table.ID) int {
	for i := range cfg.Members {
		if cfg.Members[i].ID == id {
			return i
		}
	}
	return -1
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
// member may mend, and that there is one to try. Else the client gets the
// member's own answer, which tells more than one of ours. True has been paid for.
func (x *Exchange) failsOn(status int) bool {
	return len(x.cfg.FailOnStatus) > 0 && slices.Contains(x.cfg.FailOnStatus, uint16(status)) && x.worthAnother()
}

// unavailable reports whether a 503 is answered by asking another member: an
// application that is being stopped says so before anybody knows of the stop. It
// says nothing against the member, as applications answer 503 for reasons of
// their own.
func (x *Exchange) unavailable(status int) bool {
	return status == 503 && x.cfg.Retry.Unavailable && x.worthAnother()
}

// worthAnother reports whether the answer at hand may be dropped for that of
// another member. True has been paid for.
func (x *Exchange) worthAnother() bool {
	return x.repeatable() && !x.bound() && x.attempt < x.cfg.Retry.Attempts && x.elsewhere() && x.spend()
}

// drops decides whether the answer whose status has come is dropped, and as
// what fault.
func (x *Exchange) drops(status int) upstream.Fault {
	switch {
	case x.failsOn(status):
		return upstream.Fault{Kind: upstream.Status, Text: "answered " + statusText(status)}
	case x.unavailable(status):
		return upstream.Fault{Kind: upstream.Unavailable, Text: "answered " + statusText(status)}
	}
	return upstream.Fault{}
}

// elsewhere reports whether a member would be found that is neither the one at
// hand nor avoided.
func (x *Exchange) elsewhere() bool {
	tried := x.tried
	tried.Add(x.cfg.Index(x.member))
	ask := x.pick
	ask.Now, ask.Tried, ask.Dry = x.clock(), &tried, true
	m, _, why := balance.Pick(x.cfg, &ask)
	return m != nil && why == balance.Picked
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
