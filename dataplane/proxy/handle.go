package proxy

import (
	"bytes"

	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
)

// handle answers the request whose head has been parsed.
func (x *Exchange) handle() {
	if x.c.Listener.RedirectHTTPS != 0 {
		x.redirectHTTPS()
		return
	}
	path := x.Req.Path
	if len(path) == 1 && path[0] == '*' {
		path = rootPath // OPTIONS * concerns the whole server
	}
	if !x.match(path) {
		return
	}
	if x.route == nil {
		if len(x.view.Pools) == 0 {
			x.refuse(503, "no configuration has been published yet", access.NoMember)
			return
		}
		x.refuse(404, "no route matches", access.NoRoute)
		return
	}
	x.cfg = x.route.Pool
	x.cfg.Live.Requests.Add(1)
	x.earn()
	x.identify()
	x.findSession()
	if limit := x.view.Limits.BodySize; limit > 0 && x.Req.Length > limit {
		x.fail(bodyTooLarge) // no member is bothered, and no 100 is sent
		return
	}
	if !x.firstPiece() {
		return
	}
	x.attempts()
}

var rootPath = []byte("/")

// match finds the route of a path. False: the path has been refused.
func (x *Exchange) match(path []byte) bool {
	host := hostOnly(x.Req.Host)
	norm, ok := http1.Normalize(x.norm[:0], path)
	if !ok {
		x.refuse(400, "the path is malformed or climbs above the root", access.BadRequest)
		return false
	}
	x.route = x.view.Match(host, norm)
	if x.route == nil || !http1.HasHiddenSlash(path) {
		return true
	}
	// A member may take an encoded slash for a slash: what is kept from it must
	// be kept in both readings.
	norm, ok = http1.NormalizeSlashes(x.norm[:0], path)
	if !ok {
		x.refuse(400, "the path climbs above the root when its encoded slashes are slashes", access.BadRequest)
		return false
	}
	if other := x.view.Match(host, norm); other == nil {
		x.route = nil
	} else if other != x.route {
		x.refuse(400, "the path has another route when its encoded slashes are slashes", access.BadRequest)
		return false
	}
	return true
}

// hostOnly is an authority without its port.
func hostOnly(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && (host[0] != '[' || host[i-1] == ']') {
		return host[:i]
	}
	return host
}

// findSession looks for the session and prepares the choice of a member.
func (x *Exchange) findSession() {
	x.cookies = x.cookies[:0]
	for i := range x.Req.Fields {
		if f := &x.Req.Fields[i]; f.ID == http1.Cookie {
			x.cookies = append(x.cookies, f.Value)
		}
	}
	x.pick.Now = x.start
	x.pick.Tried = &x.tried
	x.pick.Session, x.pick.HasSession = sticky.Find(&x.cfg.Sticky, x.cfg, x.cookies, x.Req.Path)
	if x.cfg.Policy == table.Hash {
		x.pick.HashKey = x.hashKey()
	}
	x.want = upstream.Want{Session: x.pick.HasSession, Now: x.start, Task: x.c.Task()}
	x.want.Other = len(x.cfg.Members) > 1 && x.cfg.Retry.Attempts > 1 && x.cfg.Retry.Dial && !x.bound()
}

// hashKey is what the policy Hash hashes, nil when the request lacks it.
func (x *Exchange) hashKey() []byte {
	key := x.cfg.HashKey
	switch key {
	case "client":
		return x.client.text
	case "path":
		return x.Req.Path
	case "host":
		return x.Req.Host
	}
	if name, ok := cutPrefix(key, "cookie:"); ok {
		v, _ := sticky.Cookie(x.cookies, name)
		return v
	}
	if name, ok := cutPrefix(key, "header:"); ok {
		for i := range x.Req.Fields {
			if f := &x.Req.Fields[i]; equalFold(f.Name, name) {
				return f.Value
			}
		}
	}
	return nil
}

// firstPiece waits for the first bytes of a body before a member is bothered:
// a client that announces a body and sends none costs no connection. A client
// that waits for a 100 is let through.
func (x *Exchange) firstPiece() bool {
	if x.body.done || (x.Req.Expect100 && !x.body.buffered()) {
		return true
	}
	return x.takeFirst().OK()
}

// takeFirst takes the first piece of the body, which is kept for repeats, and
// answers the client when there is none to be had.
func (x *Exchange) takeFirst() upstream.Fault {
	if x.got || x.body.done {
		return upstream.Fault{}
	}
	piece, f := x.body.next(x.firstLimit())
	if !f.OK() {
		x.fail(f)
		return f
	}
	x.first, x.got = piece, true
	return f
}

// attempts has members answer until one does or no further attempt is allowed.
func (x *Exchange) attempts() {
	var last upstream.Fault
	for {
		m, outcome, why := balance.Pick(x.cfg, &x.pick)
		if m == nil {
			if why != balance.Refused && x.renew() {
				continue
			}
			x.noMember(why, last)
			return
		}
		if x.Req.UpgradeWebSocket && upgradeTarget(m) == nil {
			x.refuse(501, "AJP cannot carry WebSocket: give member "+m.Name+" an http: address", access.Unsupported)
			return
		}
		x.attempt++
		if x.attempt > 1 {
			m.Live.Retries.Add(1)
			x.cfg.Live.Retries.Add(1)
		}
		if outcome != meter.Kept {
			m.Live.Guests.Add(1)
		}
		if x.Req.UpgradeWebSocket {
			last = x.tryUpgrade(m, upgradeTarget(m))
		} else {
			last = x.try(m)
		}
		if outcome != meter.Kept {
			m.Live.Guests.Add(-1)
		}
		if last.OK() || !x.failedOn(m, last) {
			x.settle(m, outcome)
			return
		}
	}
}

// settle counts what became of the session, on the member that was the last to
// be asked.
func (x *Exchange) settle(m *table.Member, outcome meter.Outcome) {
	m.Live.Sessions[outcome].Add(1)
	if a := m.Live.Alive(); a != nil {
		x.follow(a)
	}
	x.rec.Session = uint8(outcome) + 1
}

// failedOn ends an attempt that failed. True: another one follows.
func (x *Exchange) failedOn(m *table.Member, f upstream.Fault) bool {
	x.tried.Add(x.cfg.Index(m))
	x.pick.Now, x.want.Now = x.endAt, x.endAt // trips set meanwhile count
	if x.again(f) {
		x.want.Other = x.want.Other && x.attempt+1 < x.cfg.Retry.Attempts
		x.renew()
		return true
	}
	x.fail(f)
	return false
}

// noMember answers when nobody is left to be asked.
func (x *Exchange) noMember(why balance.Why, last upstream.Fault) {
	switch {
	case why == balance.Refused:
		x.refuse(503, why.String(), access.Refused)
	case last.Kind == upstream.QueueFull || last.Kind == upstream.QueueTimeout:
		x.fail(last)
	case last.OK() || last.Kind == upstream.Dial || last.Kind == upstream.Evicted:
		x.cfg.Live.NoMember.Add(1)
		x.refuse(503, "no member can serve", access.NoMember)
	default:
		x.fail(last)
	}
}

// try has m answer the request. A pooled connection that turns out to be dead
// is replaced by another one to the same member: that is no attempt of its own.
func (x *Exchange) try(m *table.Member) upstream.Fault {
	x.member = m
	live, pool := m.Live, x.view.pools[m.Ord]
	now := x.start
	if x.attempt > 1 {
		now = x.clock()
	}
	live.Begin(now)
	x.status, x.headAt, x.endAt, x.in = 0, 0, 0, 0
	x.ended, x.begun = false, 0
	x.want.Stay = x.attempt >= x.cfg.Retry.Attempts || x.bound()
	var f upstream.Fault
	for range maxStale {
		x.endAt, x.late, x.heard = 0, false, false
		var u *upstream.Conn
		if u, f = pool.Acquire(m, x.cfg, x.want); !f.OK() {
			break
		}
		x.queued += u.Queued
		x.dialled += u.Dialled
		x.sentAt = now + u.Queued + u.Dialled
		reused := !u.Fresh
		var clean bool
		if m.Target.Scheme == table.AJP {
			clean, f = x.roundTripAJP(u)
		} else {
			clean, f = x.roundTripHTTP(u)
		}
		f = x.unread(u, f)
		x.endAt = x.endTime()
		if f.OK() || clean {
			pool.Release(u, x.cfg, clean, x.endAt)
		} else {
			pool.Abort(u, x.cfg)
		}
		if !reused || !x.another(f) {
			break
		}
		live.Faults[meter.FaultStale].Add(1)
		x.answer.forget()
	}
	x.finishAttempt(m, f)
	return f
}

// maxStale bounds how many dead pooled connections one attempt goes through.
const maxStale = 4

// finishAttempt counts the end of an attempt.
func (x *Exchange) finishAttempt(m *table.Member, f upstream.Fault) {
	if x.endAt == 0 {
		x.endAt = x.clock()
	}
	var first int64
	if x.headAt > 0 {
		first = max(x.headAt-x.start-x.queued-x.dialled, 1)
	}
	m.Live.Done(x.status, x.in, x.answer.out, x.endAt, x.endAt-x.start, first)
	if x.cfg.Policy == table.LeastTraffic {
		balance.Account(m, x.in+x.answer.out, x.endAt)
	}
	if f.Kind == upstream.TooLarge {
		m.Live.Remark(x.endAt, f.Text)
	}
	if f.Kind == upstream.QueueFull {
		x.cfg.Live.QueueFull.Add(1)
	}
	if kind, blame := f.Member(); blame {
		x.blame(m, kind, f)
		return
	}
	if x.status > 0 {
		m.Live.Good()
	}
}

// blame counts a fault against the member and trips it when there are too many
// in a row.
func (x *Exchange) blame(m *table.Member, kind meter.FaultKind, f upstream.Fault) {
	if kind == meter.FaultTimeoutHead && m.Live.LateReply(x.endAt) <= x.cfg.MaxReplyTimeouts {
		m.Live.Faults[kind].Add(1) // tolerated: counted, but not in the row
		return
	}
	if kind == meter.FaultProtocol {
		m.Live.Remark(x.endAt, f.Text) // somebody has to mend something
	}
	row := m.Live.Fault(kind, x.endAt, f.Text)
	if kind == meter.FaultPaused && x.cfg.TripAfter > 0 {
		row = x.cfg.TripAfter // no doubt is left, and every connection would say the same
	}
	if x.cfg.TripAfter > 0 && row >= x.cfg.TripAfter {
		m.Live.Trip(x.endAt + int64(x.cfg.TripFor))
	}
}
