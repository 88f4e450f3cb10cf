package proxy

import (
	"strconv"

	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
)

// retryAfter is what clients are told to wait when nobody can serve, in seconds.
const retryAfter = "5"

// refuse answers the client ourselves, in plain text, with the reason both in
// the body and in the field Catherd-Reason.
func (x *Exchange) refuse(status int, reason string, end access.End) {
	x.end = end
	a := &x.answer
	a.forget()
	if status == 408 || status == 400 || status == 413 || status == 414 || status == 431 {
		a.close = true
		x.c.Linger = true
	}
	if !x.body.done {
		a.close = a.close || x.body.length < 0 || x.body.left > 0 || len(x.body.pending) > 0
	}
	a.begin(status, nil)
	a.head = append(a.head, "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nCatherd-Reason: "...)
	a.head = appendLine(a.head, reason)
	a.head = append(a.head, crlf...)
	if status == 503 {
		a.head = append(a.head, "Retry-After: "+retryAfter+"\r\n"...)
	}
	text := len(strconv.Itoa(status)) + 2 + len(statusText(status)) + 1 + len(reason) + 1
	head := string(x.Req.Method) == "HEAD"
	a.frame(int64(text), head)
	if !head {
		n := len(a.head)
		a.head = strconv.AppendInt(a.head, int64(status), 10)
		a.head = append(a.head, ' ')
		a.head = append(a.head, statusText(status)...)
		a.head = append(a.head, ": "...)
		a.head = appendLine(a.head, reason)
		a.head = append(a.head, '\n')
		a.out += uint64(len(a.head) - n)
	}
	if f := a.flush(); !f.OK() {
		x.end, a.close = access.ClientClosed, true
	}
}

// appendLine adds a reason, which may hold a text of the system or of a
// certificate, without anything that could end the line.
func appendLine(b []byte, reason string) []byte {
	for i := range len(reason) {
		c := reason[i]
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		b = append(b, c)
	}
	return b
}

// fail ends a request whose last attempt ended in f: with an answer when none
// of one has been sent, else by breaking the client's connection.
func (x *Exchange) fail(f upstream.Fault) {
	status, end := verdict(f.Kind)
	x.end = end
	if end == access.ClientClosed || x.answer.sent {
		x.answer.close = true
		if x.answer.sent && end != access.ClientClosed {
			x.c.Broken = true // a reset: nobody can take this for a complete answer
		}
		return
	}
	x.refuse(status, f.Text, end)
	if end == access.ClientTimeout {
		x.answer.close = true
	}
}

// verdict is the status and the word of the log for a fault.
func verdict(k upstream.Kind) (status int, end access.End) {
	switch k {
	case upstream.QueueFull:
		return 503, access.QueueFull
	case upstream.Paused:
		return 503, access.MemberBroke
	case upstream.QueueTimeout:
		return 503, access.QueueTimeout
	case upstream.Dial, upstream.Evicted:
		return 503, access.MemberUnreachable
	case upstream.DialTimeout:
		return 504, access.MemberUnreachable
	case upstream.TimeoutHead:
		return 504, access.MemberTimeout
	case upstream.TimeoutBody:
		return 504, access.MemberTimeoutBody
	case upstream.BrokenBody:
		return 502, access.MemberBrokeBody
	case upstream.Protocol, upstream.Status, upstream.Unavailable:
		return 502, access.MemberProtocol
	case upstream.TooLarge:
		return 431, access.HeadTooLarge
	case upstream.ClientGone:
		return 400, access.ClientClosed
	case upstream.ClientTimeout:
		return 408, access.ClientTimeout
	case upstream.ClientProtocol:
		return 400, access.BadRequest
	case upstream.ClientTooLarge:
		return 413, access.BadRequest
	}
	return 502, access.MemberBroke
}

// redirectHTTPS sends the client to the same place over TLS.
func (x *Exchange) redirectHTTPS() {
	x.end = access.Redirected
	host := hostOnly(x.Req.Host)
	if len(host) == 0 {
		x.refuse(400, "no host to redirect to", access.BadRequest)
		return
	}
	a := &x.answer
	// 308 keeps the method (RFC 9110 section 15.4.9); GET gets the older 301.
	status := 308
	if x.Req.MethodSafe {
		status = 301
	}
	if !x.body.done {
		a.close, x.c.Linger = true, true
	}
	a.begin(status, nil)
	a.head = append(a.head, "Location: https://"...)
	a.head = append(a.head, host...)
	if port := x.c.Listener.RedirectHTTPS; port != 443 {
		a.head = append(a.head, ':')
		a.head = strconv.AppendUint(a.head, uint64(port), 10)
	}
	a.head = append(a.head, x.Req.Path...)
	if x.Req.Query != nil {
		a.head = append(a.head, '?')
		a.head = append(a.head, x.Req.Query...)
	}
	a.head = append(a.head, crlf...)
	a.frame(0, false)
	if f := a.flush(); !f.OK() {
		a.close = true
	}
}

// record leaves what is known of the request for the access log.
func (x *Exchange) record() {
	ring := x.p.log.Load()
	if x.cfg != nil {
		x.cfg.Live.Duration.Observe(x.endTime() - x.start)
	}
	if ring == nil {
		x.rec.Session = 0
		return
	}
	r := &x.rec
	r.Start, r.Queue, r.Connect = x.start, x.queued, x.dialled
	r.Total = x.endTime() - x.start
	r.First = 0
	if x.headAt > 0 {
		r.First = x.headAt - x.start - x.queued - x.dialled
	}
	r.In, r.Out = x.body.taken, x.answer.out
	r.Status, r.Minor, r.TLS, r.End = uint16(x.answer.status), x.Req.Minor, x.c.tls != nil, x.end
	r.Attempt = uint8(min(x.attempt, 255))
	r.Method.Set(x.Req.Method)
	r.Host.Set(x.Req.Host)
	r.Target.Set(x.Req.Target)
	r.Client.Set(x.c.remote)
	if x.cfg != nil {
		r.Client.Set(x.client.text)
	}
	r.Referer.Set(nil)
	r.UserAgent.Set(nil)
	for i := range x.Req.Fields {
		switch f := &x.Req.Fields[i]; f.ID {
		case http1.Referer:
			r.Referer.Set(f.Value)
		case http1.UserAgent:
			r.UserAgent.Set(f.Value)
		}
	}
	r.Pool, r.Member, r.Route = "", "", ""
	if x.cfg != nil {
		r.Pool = x.cfg.Name
	}
	if x.member != nil {
		r.Member, r.Route = x.member.Name, x.member.Route
	}
	ring.Put(r)
	r.Session = 0
}
