package proxy

import (
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/sticky"
)

// learn looks at a Set-Cookie field of the member's answer. When the member
// begins a session with it, the field shows the member's route. When it takes the
// client's session away, the session has ended.
func (x *Exchange) learn(field []byte) {
	c, ok := sticky.ReadSetCookie(&x.cfg.Sticky, field)
	switch {
	case !ok:
	case c.Ends(x.headAt):
		x.ended = true
	case sticky.Carried(&x.cfg.Sticky, x.cookies, x.Req.Path, &c):
	default:
		if len(c.Route) > 0 {
			x.member.Live.Saw(c.Route, x.headAt)
		}
		if x.member.Live.Alive() != nil {
			x.begun = meter.SessionHash(c.ID)
		}
	}
}

// follow notes what became of the session on a member that drains. A session
// that got another id is one that ended and one that began, whether the client has
// logged in or the old one was dead: see DESIGN.md.
func (x *Exchange) follow(a *meter.Alive) {
	if x.pick.HasSession {
		id := meter.SessionHash(x.pick.Session.ID)
		switch {
		case id == x.begun:
		case x.ended || x.begun != 0:
			a.Ended(id)
		default:
			a.Seen(id, x.endAt)
		}
	}
	if x.begun != 0 {
		a.Seen(x.begun, x.endAt)
	}
}
