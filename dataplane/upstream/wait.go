package upstream

import (
	"math"

	"github.com/catherd/catherd/dataplane/meter"
)

// Conn.wait says what the member owes on this connection:
//
//	0         nothing was asked of it yet
//	> 0       an answer, since this moment (unix nanoseconds); bit 0 tells that
//	          the request may be taken away from the member
//	< 0       nothing; the first byte of the last answer came at minus this moment
//	givenUp   the request was taken away, see Pool.Abandon
//
// The borrower writes it, and Pool.Abandon swaps what it has read for givenUp.
// It shares its cache line with nothing that others write.
const (
	mayLeave int64 = 1
	givenUp  int64 = math.MinInt64
)

// Expect notes that an answer is owed from now on, unix nanoseconds. free tells
// that the request may be given to another member while nothing has come.
func (c *Conn) Expect(now int64, free bool) {
	if old := c.wait.Load(); old < 0 && old != givenUp {
		c.gave.Store(-old) // Owed must not forget it while we wait
	}
	now &^= mayLeave
	if free {
		now |= mayLeave
	}
	c.wait.Store(now)
}

// Came ends what Expect began: bytes have come at this moment, unix nanoseconds,
// or the wait has failed, which is moment 0. When the member has been given up
// meanwhile it returns false and why: whatever came is not to be used, and the
// connection neither.
func (c *Conn) Came(at int64) (why string, ok bool) {
	if at == 0 {
		// A failed wait stays noted until the connection is gone, which is soon.
		ok = c.wait.Load() != givenUp
	} else {
		ok = c.wait.Swap(-at) != givenUp
	}
	if ok || c.pool == nil {
		return "", ok
	}
	return *c.pool.why.Load(), false
}

// lastByte is when the member last began an answer on c, given what wait holds.
func (c *Conn) lastByte(wait int64) int64 {
	if wait < 0 && wait != givenUp {
		return -wait
	}
	return c.gave.Load()
}

// each calls f for every connection of the pool, in use or idle. It takes no
// lock: a connection that comes or goes meanwhile may be missed.
func (p *Pool) each(f func(*Conn)) {
	for i := range p.idle {
		p.idle[i].each(f)
	}
}

// Owed is what the member owes now. It looks at every connection, so it is for
// some calls a second, not for requests.
func (p *Pool) Owed() (o meter.Owed) {
	for i := range p.idle {
		o.LastByte = max(o.LastByte, p.idle[i].gave.Load())
	}
	p.each(func(c *Conn) {
		w := c.wait.Load()
		o.LastByte = max(o.LastByte, c.lastByte(w))
		if w <= 0 {
			return
		}
		o.Waiting++
		if w &^= mayLeave; o.Since == 0 || w < o.Since {
			o.Since = w
		}
	})
	return o
}

// Abandon takes away from the member what may be taken: requests that wait for
// the first byte of an answer and were noted as free, and those that wait for
// a connection and do not insist on this member. Of the former it takes most at the
// most. why becomes the text of their fault. It returns how many there were of each.
//
// It is meant to be called again for as long as the member is in this state. A
// request that chose the member a moment ago begins its wait after the call; and
// the interruption of a wait that a deadline ends at the same moment is undone
// with the deadline, so what is given up is interrupted once more each time.
func (p *Pool) Abandon(why string, most int) (sent, queued int) {
	p.why.Store(&why)
	p.each(func(c *Conn) {
		w := c.wait.Load()
		switch {
		case w > 0 && w&mayLeave != 0 && sent < most:
			if !c.wait.CompareAndSwap(w, givenUp) {
				return // the answer has come
			}
			sent++
			c.StopRead()
		case w == givenUp:
			c.StopRead()
		}
	})
	return sent, p.evict(why)
}
