package proxy

import (
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// maxHeadHTTP bounds the head of a member's answer in bytes.
const maxHeadHTTP = 256 << 10

// maxInterim bounds the 1xx answers before the final one.
const maxInterim = 32

// httpAnswer reads one answer of an HTTP member and passes it on.
type httpAnswer struct {
	x *Exchange
	u *upstream.Conn

	unsent  [][]byte // the request, written together with the first read
	interim int      // interim answers that have come
	head    bool     // the final head has come
	seen    int      // bytes of the buffer already searched for the end of a head
	left    int64    // of Content-Length; -1 when another framing decides
	noBody  bool
	chunked bool
	close   bool // the member closes after this answer
	done    bool
	upgrade bool // 101: what follows is no HTTP
	some    bool // any byte has come
	hold    bool // what is gathered may be a paused connector's answer: its end must follow
	ended   bool // the member has ended the connection, not broken it
	excess  bool
}

func (a *httpAnswer) run() (clean bool, f upstream.Fault) {
	if a.u.In == nil {
		a.u.In = wire.Get(wire.Small)
	}
	a.x.chunks.Reset()
	for !a.head {
		var rej http1.Reject
		if rej, f = a.readHead(); !f.OK() {
			return false, f
		}
		if !rej.OK() {
			return false, protocolFault("sent a malformed head: " + rej.Reason)
		}
		if s := a.x.resp.Status; s >= 200 || s == 101 {
			f = a.final()
		} else if a.interim++; a.interim > maxInterim {
			f = protocolFault("sent too many interim answers")
		} else {
			f = a.pass1xx()
		}
		if !f.OK() {
			return false, f
		}
	}
	if a.upgrade {
		return false, upstream.Fault{}
	}
	if f = a.body(); !f.OK() {
		return false, f
	}
	if f = a.x.answer.finish(a.trailer()); !f.OK() {
		return !a.close && !a.excess, f
	}
	return !a.close, upstream.Fault{}
}

// readHead reads until a head is whole and parses it into x.resp.
func (a *httpAnswer) readHead() (http1.Reject, upstream.Fault) {
	for {
		in := a.u.In
		b := in.Bytes()
		if end := http1.HeadEnd(b, a.seen); end > 0 {
			a.seen = 0
			in.R += end
			a.x.resp.Reset()
			return a.x.resp.Parse(b[:end]), upstream.Fault{}
		}
		if a.seen = len(b); a.seen > maxHeadHTTP {
			return http1.Reject{Status: 502, Reason: "the head is too large"}, upstream.Fault{}
		}
		if f := a.read(); !f.OK() {
			return http1.Reject{}, f
		}
	}
}

// read reads more bytes of the answer, all gathered ones having been written.
func (a *httpAnswer) read() upstream.Fault {
	in, x := a.u.In, a.x
	if in.R == in.W {
		if a.head && in.W == len(in.B) && len(in.B) < wire.Large {
			in = wire.Grow(in, wire.Large)
			a.u.In = in
		}
		in.Reset()
	} else {
		in.Compact()
		if len(in.Space()) == 0 {
			in = wire.Grow(in, min(2*len(in.B), 2*maxHeadHTTP))
			a.u.In = in
		}
	}
	wait := x.cfg.Timeouts.FirstByte
	if a.some {
		wait = x.cfg.Timeouts.BetweenBytes
	}
	if a.hold {
		wait = min(wait, holdHead)
	}
	uploading := x.pump.active()
	expect := !a.some && !uploading
	if expect {
		since := x.sentAt
		if a.interim > 0 {
			since = x.headAt
		}
		a.u.Expect(since, x.free())
	}
	f := x.exchange(a.u, a.unsent, wait)
	for f.Kind == upstream.TimeoutHead && uploading {
		// The wait for the answer begins with the end of the request. The pump
		// has time-outs of its own and breaks this read off when it fails.
		if uploading = x.pump.active(); !uploading && !x.pump.whole {
			break
		}
		f = x.exchange(a.u, nil, wait)
	}
	clear(a.unsent)
	a.unsent = nil
	if expect {
		x.headAt, f = x.came(a.u, f)
	} else if !a.some && f.OK() {
		x.headAt = x.clock()
	}
	if f.OK() {
		a.some = true
		return upstream.Fault{}
	}
	a.ended = f == memberEnded
	if a.some { // the answer had begun
		if f.Kind == upstream.Broken {
			f.Kind = upstream.BrokenBody
		} else {
			f.Kind = upstream.TimeoutBody
		}
	}
	return f
}

// pass1xx passes an interim answer on (RFC 9110 section 15.2). HTTP/1.0 clients
// do not know them, and a 100 is only for those who asked.
func (a *httpAnswer) pass1xx() upstream.Fault {
	x := a.x
	a.some = false // the first byte of the answer proper is still to come
	if x.Req.Minor == 0 || (x.resp.Status == 100 && !x.Req.Expect100) {
		return upstream.Fault{}
	}
	ans := &x.answer
	ans.begin(x.resp.Status, x.resp.Reason)
	for i := range x.resp.Fields {
		if f := &x.resp.Fields[i]; !f.Drop && f.ID != http1.ContentLength {
			ans.field(f.Name, f.Value)
		}
	}
	ans.head = append(ans.head, crlf...)
	ans.begun = false // interim answers do not count as the answer
	f := ans.flush()
	ans.status = 0
	return f
}

// final turns the final head into the head of the answer.
func (a *httpAnswer) final() upstream.Fault {
	x, r := a.x, &a.x.resp
	a.head = true
	x.status = r.Status
	if r.Status == 101 {
		if !x.Req.UpgradeWebSocket {
			return protocolFault("switched protocols unasked")
		}
		a.upgrade = true
		return upstream.Fault{}
	}
	if f := x.drops(r.Status); !f.OK() {
		return f
	}
	isHead := string(x.Req.Method) == "HEAD"
	a.noBody = r.NoBody(isHead)
	a.chunked = r.Chunked && !a.noBody
	a.close = r.Close || r.UntilClose(isHead)
	a.left = -1
	if !a.noBody && !a.chunked && r.Length >= 0 {
		a.left = r.Length
	}
	ans := &x.answer
	if x.pump.short() {
		ans.close = true // unless the member takes all of it, the rest has nowhere to go
	}
	ans.begin(r.Status, r.Reason)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Drop || f.ID == http1.ContentLength || (f.ID == http1.Trailer && x.answer.http10) {
			continue
		}
		if f.ID == http1.SetCookie {
			x.learn(f.Value)
		}
		ans.field(f.Name, f.Value)
	}
	if r.Status == 205 && r.Length < 0 && !r.Chunked {
		ans.frame(0, false)
		a.left, a.close = 0, true
		return upstream.Fault{}
	}
	ans.frame(r.Length, a.noBody)
	return upstream.Fault{}
}

// body passes the body on.
func (a *httpAnswer) body() upstream.Fault {
	a.done = a.noBody || a.left == 0
	a.hold = a.bare()
	for {
		if f := a.take(); !f.OK() {
			return f
		}
		if a.hold = a.hold && a.x.answer.pend == 0; a.done {
			if a.hold {
				return a.x.paused()
			}
			return upstream.Fault{}
		}
		if !a.hold {
			if f := a.x.answer.flush(); !f.OK() {
				return f
			}
		}
		if f := a.read(); !f.OK() {
			if a.hold && f.Kind == upstream.TimeoutBody {
				a.hold = false // it takes its time: the client need not wait
				continue
			}
			if a.ended && a.left < 0 && !a.chunked {
				return upstream.Fault{} // the end of the connection is the end of this body, a reset is not
			}
			return f
		}
	}
}

// take gives what is in the buffer to the answer.
func (a *httpAnswer) take() upstream.Fault {
	in, ans := a.u.In, &a.x.answer
	for !a.done && in.Len() > 0 {
		b := in.Bytes()
		switch {
		case a.chunked:
			data, n, done, rej := a.x.chunks.Next(b)
			if !rej.OK() {
				return protocolFault("sent a malformed chunked body: " + rej.Reason)
			}
			in.R += n
			ans.data(data)
			a.done = done
			if n == 0 && !done {
				return upstream.Fault{}
			}
		case a.left >= 0:
			n := int(min(int64(len(b)), a.left))
			ans.data(b[:n])
			in.R += n
			a.left -= int64(n)
			a.done = a.left == 0
		default:
			ans.data(b)
			in.R = in.W
		}
		if ans.full() {
			if f := ans.flush(); !f.OK() {
				return f
			}
		}
	}
	return upstream.Fault{}
}

// trailer is the member's trailer as the client gets it.
func (a *httpAnswer) trailer() []byte {
	if !a.chunked || !a.x.answer.chunked {
		return nil
	}
	if raw := a.x.chunks.Trailer(); len(raw) > 0 {
		return appendTrailer(nil, raw)
	}
	return nil
}
