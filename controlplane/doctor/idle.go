package doctor

import (
	"sync"
	"time"
)

// watch holds two connections without using them, one that has carried a
// request and one that has carried nothing, and looks when the peer closes
// them: keepAliveTimeout and connectionTimeout. Nothing else is open then.
func (x *exam) watch() {
	g := &x.signs
	until := x.s.Hold
	if end, ok := x.ctx.Deadline(); ok {
		// Some time is left for the last CPING.
		until = min(until, time.Until(end)-200*time.Millisecond)
	}
	if until <= 0 {
		return
	}
	var both sync.WaitGroup
	if l := x.another(); l != nil {
		if x.warm(l) {
			both.Go(func() { g.idle = x.hold(l, until) })
		}
	}
	if l := x.another(); l != nil {
		both.Go(func() { g.fresh = x.hold(l, until) })
	}
	both.Wait()
	switch {
	case g.idle.shut:
		x.step("idle", false, "closed after "+span(g.idle.watched), 0)
	case g.idle.watched > 0:
		x.step("idle", true, span(g.idle.watched)+" kept", 0)
	}
}

// warm sends a request on a connection that is to be held.
func (x *exam) warm(l *line) bool {
	if x.s.Protocol == AJP {
		a := x.get(l, question{secret: true})
		return a.end && a.reuse
	}
	a := x.page(l)
	return a.outcome == answered && a.reuse
}

// hold waits for the peer to close.
func (x *exam) hold(l *line, until time.Duration) idle {
	defer x.close(l)
	start := time.Now()
	_ = l.SetDeadline(start.Add(until))
	var b [1]byte
	n, err := l.Read(b[:])
	i := idle{watched: time.Since(start)}
	if x.ctx.Err() != nil {
		return idle{} // we closed it ourselves
	}
	if n > 0 || err == nil || outcomeOf(err, nil) != silent {
		i.shut = n == 0
		return i
	}
	if x.s.Protocol == AJP {
		i.deaf = x.cping(l, x.s.Ping).outcome != answered
	}
	return i
}
