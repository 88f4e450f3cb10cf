package proxy

import (
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
)

// A Tomcat that is being stopped pauses its connectors first, and stops the
// applications and closes the connections up to seconds later. What a request
// gets that comes meanwhile on a connection that was kept, as it was seen on the
// wire of stopping servers:
//
//	7.0.109 AJP    SEND_HEADERS with the status 503 and no header at all, then
//	               END_RESPONSE without reuse; often in two reads
//	7.0.109 HTTP   503 with Server, Transfer-Encoding: chunked, Date and
//	               Connection: close, and an empty body
//	9.0, 10.1      nothing: the end of the stream, then a reset, because the
//	               request was never read
//
// An application's own 503 looks different: over AJP it has headers and
// END_RESPONSE with reuse, over HTTP a Content-Type or a Content-Length, whether it
// was set or made of an error page. The connector's own comes before any filter
// or valve could leave a trace or ask for the body (GET_BODY_CHUNK), so that a
// request answered in this way may be repeated whatever its method.

var pausedFault = upstream.Fault{Kind: upstream.Paused, Text: "its connector is paused, it is being stopped"}

// paused decides what becomes of the answer of a paused connector: the fault has
// the request repeated. None means that it cannot be, so that the client gets
// this answer; the member is avoided all the same.
func (x *Exchange) paused() upstream.Fault {
	if !x.answer.sent && x.untouched() && x.attempt < x.cfg.Retry.Attempts && x.elsewhere() {
		return pausedFault
	}
	kind, _ := pausedFault.Member()
	x.blame(x.member, kind, pausedFault)
	return upstream.Fault{}
}

// unread finds out whether a request that a member ended the connection over can
// be sent again although its method is unsafe. Safe ones are repeated anyhow. It
// waits when it must, a second at most, in place of an error.
func (x *Exchange) unread(u *upstream.Conn, f upstream.Fault) upstream.Fault {
	if f != memberEnded || x.repeatable() || x.heard || !x.untouched() || x.attempt >= x.cfg.Retry.Attempts {
		return f
	}
	sent := len(x.out)
	if len(x.first) > inlineBody {
		sent += len(x.first)
	}
	if x.member.Target.Scheme != table.AJP && (x.Req.Chunked || !x.body.done) {
		return f // it was written in several pieces
	}
	x.c.Task().Detach() // it blocks
	switch u.ReadingOf(sent) {
	case upstream.Unreached:
		return upstream.Fault{Kind: upstream.Stale, Text: "had closed the connection when the request came"}
	case upstream.LeftUnread:
		return upstream.Fault{Kind: upstream.Unread, Text: "closed the connection without reading the request"}
	}
	return f
}

// bare reports whether an HTTP answer may be that of a paused connector, as far
// as its head tells.
func (a *httpAnswer) bare() bool {
	r := &a.x.resp
	if r.Status != 503 || !a.close || r.Length >= 0 || !a.chunked && !a.noBody {
		return false
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if !f.Drop && f.ID != http1.Server && f.ID != http1.Date {
			return false
		}
	}
	return true
}
