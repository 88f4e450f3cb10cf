package proxy

import (
	"errors"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// ajpAnswer reads the packets of one answer and passes them on.
type ajpAnswer struct {
	x   *Exchange
	u   *upstream.Conn
	max int // packet size

	unsent [][]byte // for the member, written together with the next read

	asked bool // the request's head has been sent
	head  bool // SEND_HEADERS has come
	left  int  // data of the current chunk still to come
	pad   bool // then its final NUL
	held  bool // only the head is gathered: a packet that tells more must follow
	ended bool // the body's end has been sent to the member
	over  bool // END_RESPONSE has come
	reuse bool
	data  bool // body data has come

	waits int64 // unix nanoseconds: since when the member owes the next bytes, until the head has come

	bare    bool // the head has no field
	flushed bool // a flush has come: the answer was committed before its end
	fed     bool // the member has asked for a body: somebody there reads the request
	excess  bool // more data than Content-Length announced
}

// holdHead is how long a head without body waits for the packet behind it.
// Tomcat writes both at once, so it is usually there already; the bound is for
// connectors with ajpFlush="false", whose flushes cannot be seen. Where it has been
// reached, heads do not wait for a while (upstream.Conn.LoneHead).
const holdHead = 2 * wire.Tick

func protocolFault(text string) upstream.Fault {
	return upstream.Fault{Kind: upstream.Protocol, Text: text}
}

// run passes the answer on. clean means that the connection can be used again.
func (a *ajpAnswer) run() (clean bool, f upstream.Fault) {
	x := a.x
	if a.u.In == nil {
		a.u.In = wire.Get(a.max)
	}
	a.waits = x.sentAt
	for !a.over {
		if f = a.parse(); !f.OK() || a.over {
			break
		}
		if f = a.read(); !f.OK() {
			break
		}
	}
	if !f.OK() {
		if !a.head && f.Kind == upstream.Broken {
			a.suspectHead()
		}
		if x.answer.sent && a.left == 0 && x.answer.left == 0 && f.Kind != upstream.Protocol && blames(f) {
			return a.endless()
		}
		return false, a.late(f)
	}
	return a.finish()
}

func blames(f upstream.Fault) bool {
	_, member := f.Member()
	return member
}

// endless ends an answer of which everything announced has come, and then a fault
// instead of END_RESPONSE: the client has what it wants, the connection is lost.
func (a *ajpAnswer) endless() (clean bool, f upstream.Fault) {
	a.x.member.Live.Faults[meter.FaultBroken].Add(1)
	return false, a.x.answer.finish(nil)
}

// late corrects a fault for what the client has got already.
func (a *ajpAnswer) late(f upstream.Fault) upstream.Fault {
	if !a.head {
		return f
	}
	switch f.Kind {
	case upstream.Broken:
		f.Kind = upstream.BrokenBody
	case upstream.TimeoutHead:
		f.Kind = upstream.TimeoutBody
	}
	return f
}

// forbidden explains a 403 that a connector gives and no application: only the
// connector closes afterwards (END_RESPONSE without reuse).
const forbidden = "its AJP connector answers 403: the AJP secret differs from secret=\"...\" on the Connector in " +
	"server.xml (secretRequired), or allowedRequestAttributesPattern refuses an attribute"

// unread explains why a connector refuses a request that it has not read: it
// answers 400 (Tomcat 7.0) or 500 and closes, or closes at once.
const unread = "its AJP connector refuses a request head larger than 8192 bytes: raise packetSize on the " +
	"Connector in server.xml to max_packet_size here, or lower that"

// suspectHead leaves a remark when the head was larger than what a connector
// takes that nobody has told otherwise. There is no negotiation: the refusal is
// all that is ever seen of the member's packet size.
func (a *ajpAnswer) suspectHead() {
	if len(a.x.out) > ajp.DefaultPacket {
		a.x.member.Live.Remark(a.x.clock(), unread)
	}
}

// finish checks that the answer is whole and delivers what is left of it.
func (a *ajpAnswer) finish() (clean bool, f upstream.Fault) {
	x := a.x
	if !a.head {
		return false, protocolFault("ended the answer without a head; if its headers are large, raise packetSize " +
			"on the member's AJP Connector and max_packet_size here")
	}
	if x.status == 503 && !a.reuse && a.bare && !a.data && !a.flushed && !a.fed {
		if f := x.paused(); !f.OK() {
			return false, f
		}
	}
	if x.status == 403 && !a.reuse {
		x.member.Live.Remark(x.headAt, forbidden)
	}
	if !a.reuse && (x.status == 500 || x.status == 400) {
		a.suspectHead()
	}
	if a.excess {
		x.member.Live.Faults[meter.FaultProtocol].Add(1)
		x.answer.close = true
		if f := x.answer.finish(nil); !f.OK() {
			return false, f
		}
		return false, upstream.Fault{} // what was announced has been delivered, the rest is dropped
	}
	if !x.answer.complete() {
		return false, upstream.Fault{Kind: upstream.BrokenBody, Text: "ended the answer before its Content-Length was reached"}
	}
	if !a.reuse && (a.data || a.flushed) && x.answer.left < 0 && !x.answer.noBody {
		return false, upstream.Fault{Kind: upstream.BrokenBody, Text: "broke the answer off (END_RESPONSE without reuse): an exception in the application?"}
	}
	// A body packet that is still owed would be taken for the next request.
	clean = a.reuse && len(a.unsent) == 0 && x.body.done && len(x.body.pending) == 0
	return clean, x.answer.finish(nil)
}

// parse takes everything out of the buffer that can be taken.
func (a *ajpAnswer) parse() upstream.Fault {
	in := a.u.In
	for {
		b := in.Bytes()
		switch {
		case a.left > 0:
			if len(b) == 0 {
				return upstream.Fault{}
			}
			n := min(len(b), a.left)
			if f := a.give(b[:n]); !f.OK() {
				return f
			}
			in.R += n
			if a.left -= n; a.left == 0 {
				a.pad = true
			}
			continue
		case a.pad:
			if len(b) == 0 {
				return upstream.Fault{}
			}
			if b[0] != 0 {
				return protocolFault("a body chunk does not end where its packet does")
			}
			in.R++
			a.pad = false
			continue
		}
		length, ok, err := ajp.SplitHeader(b, a.max)
		if err != nil {
			return a.framing(err, b)
		}
		if !ok || len(b) <= ajp.HeadLen {
			return upstream.Fault{}
		}
		if ajp.Type(b[ajp.HeadLen]) == ajp.SendBodyChunk {
			n, ok, err := ajp.ChunkHeader(b[ajp.HeadLen:], length)
			if err != nil {
				return protocolFault("sent a body chunk whose length is not that of its packet")
			}
			if !ok {
				return upstream.Fault{}
			}
			if f := a.chunk(n); !f.OK() {
				return f
			}
			in.R += ajp.HeadLen + ajp.ChunkHeadLen
			continue
		}
		if len(b) < ajp.HeadLen+length {
			return upstream.Fault{}
		}
		in.R += ajp.HeadLen + length
		if f := a.packet(b[ajp.HeadLen : ajp.HeadLen+length]); !f.OK() || a.over {
			return f
		}
	}
}

// framing explains bytes that are no packet.
func (a *ajpAnswer) framing(err error, b []byte) upstream.Fault {
	if errors.Is(err, ajp.ErrLength) {
		return protocolFault("sent a packet larger than max_packet_size; is packetSize larger on its AJP Connector?")
	}
	switch {
	case len(b) >= 2 && b[0] == 'H' && b[1] == 'T':
		return protocolFault("answers in HTTP: the port is that of an HTTP connector, write http:// instead of ajp://")
	case len(b) >= 2 && b[0] == 0x15 && b[1] == 0x03:
		return protocolFault("answers in TLS: the port is that of an HTTPS connector")
	}
	return protocolFault("sent bytes that are no AJP packet")
}

// chunk begins a chunk of n bytes.
func (a *ajpAnswer) chunk(n int) upstream.Fault {
	if !a.head {
		return protocolFault("sent a body before a head")
	}
	a.left, a.pad = n, n == 0
	if n == 0 { // a flush
		a.held, a.flushed = false, true
		a.u.Flushes()
		return a.x.answer.flush()
	}
	a.data = true
	return upstream.Fault{}
}

// give adds a piece of body to the answer.
func (a *ajpAnswer) give(b []byte) upstream.Fault {
	a.held = false
	if !a.x.answer.data(b) {
		a.excess = true
	}
	if a.x.answer.full() {
		return a.x.answer.flush()
	}
	return upstream.Fault{}
}

// packet acts on a whole packet that is no body chunk.
func (a *ajpAnswer) packet(p []byte) upstream.Fault {
	switch ajp.Type(p[0]) {
	case ajp.SendHeaders:
		if a.head {
			return protocolFault("sent a second head")
		}
		return a.sendHeaders(p)
	case ajp.GetBodyChunk:
		want, err := ajp.ParseGetBody(p)
		if err != nil || want == 0 {
			return protocolFault("sent a malformed GET_BODY_CHUNK")
		}
		return a.getBody(want)
	case ajp.EndResponse:
		reuse, err := ajp.ParseEnd(p)
		if err != nil {
			return protocolFault("sent a malformed END_RESPONSE")
		}
		a.over, a.reuse = true, reuse
		return upstream.Fault{}
	}
	return protocolFault("sent a packet of a type that has no place in an answer")
}

// sendHeaders turns a SEND_HEADERS packet into the head of the answer.
func (a *ajpAnswer) sendHeaders(p []byte) upstream.Fault {
	x := a.x
	h := &x.reply
	if err := h.Parse(p); err != nil {
		return protocolFault("sent a malformed head (" + err.Error() + "); if its headers are large, raise packetSize " +
			"on the member's AJP Connector and max_packet_size here")
	}
	a.head, a.held, a.bare = true, true, len(h.Fields) == 0
	x.headAt = a.waits // when these bytes came
	x.status = h.Status
	if f := x.drops(h.Status); !f.OK() {
		return f
	}
	// Over AJP an application's status 100 to 199 is its final one. HTTP has no
	// way to say that (RFC 9110 section 15.2).
	if h.Status < 200 {
		return protocolFault("answered with a status below 200, which cannot be final in HTTP")
	}
	ans := &x.answer
	ans.begin(h.Status, nil)
	length := int64(-1)
	named := namesFields(h.Fields)
	for i := range h.Fields {
		f := &h.Fields[i]
		if named && dropped(h.Fields, f) {
			continue
		}
		id := http1.Lookup(f.Name)
		switch id {
		case http1.ContentLength:
			n, ok := decimal(f.Value)
			if !ok || (length >= 0 && n != length) {
				return protocolFault("sent a bad Content-Length")
			}
			length = n
			continue
		case http1.Connection, http1.KeepAlive, http1.ProxyConnection, http1.TransferEncoding, http1.Upgrade,
			http1.TE, http1.Trailer, http1.ProxyAuthenticate, http1.ProxyAuthorization:
			continue
		case http1.SetCookie:
			x.learn(f.Value)
		}
		ans.field(f.Name, f.Value)
	}
	head := len(x.Req.Method) == 4 && string(x.Req.Method) == "HEAD"
	switch {
	case h.Status == 204 || h.Status == 304 || head:
		ans.frame(length, true)
	case h.Status == 205:
		ans.frame(0, false)
	default:
		ans.frame(length, false)
	}
	return upstream.Fault{}
}

// getBody answers a GET_BODY_CHUNK with the next piece of the client's body, or
// with the empty packet that ends it.
func (a *ajpAnswer) getBody(want int) upstream.Fault {
	x := a.x
	if a.ended {
		return protocolFault("asked for a body that has ended")
	}
	a.fed = true
	if f := a.sendNow(); !f.OK() { // an earlier packet, whose bytes the next piece may overwrite
		return f
	}
	a.held = false
	var piece []byte
	if !x.body.done || len(x.body.pending) > 0 || (x.got && x.Req.Chunked && x.in < uint64(len(x.first))) {
		if f := x.answer.flush(); !f.OK() { // the client may wait for it before it sends more
			return f
		}
		if f := x.tell100(); !f.OK() {
			return f
		}
		var f upstream.Fault
		if piece, f = a.piece(min(want, ajp.MaxBody(a.max))); !f.OK() {
			return f
		}
	}
	x.vec = x.vec[:0]
	a.waits = x.clock() // the client may have taken its time
	if len(piece) == 0 {
		a.ended = true
		x.vec = append(x.vec, emptyBody)
	} else {
		x.out = ajp.AppendBodyHeader(x.out[:0], len(piece))
		if len(piece) <= inlineBody {
			x.out = append(x.out, piece...)
			x.vec = append(x.vec, x.out)
		} else {
			x.vec = append(x.vec, x.out, piece)
		}
		x.in += uint64(len(piece))
	}
	a.unsent = x.vec
	return upstream.Fault{}
}

// sendNow writes what waits to be written with the next read.
func (a *ajpAnswer) sendNow() upstream.Fault {
	if len(a.unsent) == 0 {
		return upstream.Fault{}
	}
	f := a.x.send(a.u, a.unsent)
	a.unsent, a.asked = nil, true
	if f.Kind == upstream.Stale {
		f.Kind = upstream.Broken // the head has been sent before
	}
	return f
}

// piece is the next part of the body. The one taken before the member was
// chosen comes first; with a Content-Length it has been sent with the head.
func (a *ajpAnswer) piece(limit int) ([]byte, upstream.Fault) {
	x := a.x
	if x.Req.Chunked && x.got && x.in < uint64(len(x.first)) {
		rest := x.first[x.in:]
		return rest[:min(len(rest), limit)], upstream.Fault{}
	}
	return x.body.next(limit)
}

// read waits for more of the answer. What has been gathered goes to the client
// first, except a head alone: the packet behind it is on its way.
func (a *ajpAnswer) read() upstream.Fault {
	x, in := a.x, a.u.In
	if a.held && a.u.SendsLoneHeads(x.headAt) && !(a.bare && x.status == 503) {
		a.held = false // a bare 503 may be a paused connector's
	}
	if x.answer.waiting() && !a.held {
		if f := x.answer.flush(); !f.OK() {
			return f
		}
	}
	if in.R == in.W {
		if a.data && in.W == len(in.B) && len(in.B) < wire.Large {
			in = wire.Grow(in, wire.Large) // it is a long answer
			a.u.In = in
		}
		in.Reset()
	} else {
		in.Compact()
		if len(in.Space()) == 0 {
			in = wire.Grow(in, a.max)
			a.u.In = in
		}
	}
	wait := x.cfg.Timeouts.FirstByte
	if a.head {
		wait = x.cfg.Timeouts.BetweenBytes
	}
	if a.held {
		f := x.exchange(a.u, nil, holdHead)
		if f.Kind != upstream.TimeoutHead {
			return f
		}
		a.held = false
		a.u.LoneHead(x.clock())
		if f := x.answer.flush(); !f.OK() {
			return f
		}
	}
	if !a.head {
		a.u.Expect(a.waits, x.free())
	}
	f := x.exchange(a.u, a.unsent, wait)
	clear(a.unsent)
	if !a.head {
		a.waits, f = x.came(a.u, f)
	}
	if f.Kind == upstream.Stale && a.asked {
		f.Kind = upstream.Broken // the head has been sent before
	}
	a.unsent, a.asked = nil, true
	return f
}
