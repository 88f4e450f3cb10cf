package proxy

import (
	"errors"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/access"
	"github.com/catherd/catherd/dataplane/balance"
	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/table"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// Settings are the listener side's bounds on a client, see table.Limits for
// those that belong to the table.
type Settings struct {
	HeaderTimeout time.Duration // from the first byte of a head to its last
	BodyTimeout   time.Duration // between two reads of a body, or writes of an answer
}

// Exchange is the state of one request and its answer. It is borrowed for the
// time in which a connection has a request, so that idle connections are small.
type Exchange struct {
	p    *Proxy
	view *View
	c    *Client
	set  Settings

	Req    http1.Request
	head   []byte // of the request, a view of the client's buffer
	body   body
	answer answer

	route  *table.Route
	cfg    *table.Pool // the route's pool
	member *table.Member

	pick    balance.Request
	tried   balance.Tried
	attempt int
	headEnd int // length of the head, when Try has found it
	want    upstream.Want
	first   []byte
	got     bool // first holds the first piece of the body
	told100 bool // the client has been told to send its body

	norm    []byte   // room for the normalised path
	cookies [][]byte // values of all Cookie fields
	out     []byte   // the request as the member gets it
	vec     [][]byte
	addr    []byte // room for the text of the client's address

	client clientFacts
	writer ajp.Writer
	reply  ajp.ResponseHead
	resp   http1.Response
	chunks http1.Chunked
	pump   pump

	start, headAt, endAt int64 // unix nanoseconds: request head complete, answer head, end
	sentAt               int64 // unix nanoseconds: the attempt at hand got its connection
	late                 bool  // bytes of the answer came after its head
	heard                bool  // bytes of the member came in this attempt
	queued, dialled      int64 // nanoseconds
	in                   uint64
	end                  access.End
	status               int    // of the member's answer
	ended                bool   // it has taken the session away from the client
	begun                uint64 // it has begun this session, see meter.Alive; 0: none
	rec                  access.Record
}

// clientFacts is who the client is, as far as it can be believed.
type clientFacts struct {
	trusted bool   // the peer is in Trust
	text    []byte // its address
	https   bool
}

func newExchange(p *Proxy) *Exchange {
	x := &Exchange{p: p}
	x.answer.draining = &p.Draining
	x.Req.Fields = make([]http1.Field, 0, 32)
	x.norm = make([]byte, 0, 512)
	x.out = make([]byte, 0, 4096)
	x.answer.head = make([]byte, 0, 2048)
	x.answer.vec = make([][]byte, 0, maxVec+4)
	x.vec = make([][]byte, 0, 8)
	x.cookies = make([][]byte, 0, 8)
	x.pump.done = make(chan upstream.Fault, 1)
	return x
}

// Result is what becomes of a connection after a request.
type Result uint8

// The results.
const (
	Keep    Result = iota // another request may follow
	Close                 // close it: with a reset when c.Broken, gently when c.Linger
	NeedsIO               // Try only: Serve must be called where the client can be read from
)

// Serve reads the request that begins in c.In and sees it answered.
func (p *Proxy) Serve(c *Client, s Settings) Result {
	x := c.parked
	if c.parked = nil; x == nil {
		x = p.begin(c, s)
		if !x.readRequest() {
			return x.done(Close)
		}
	}
	return x.done(x.answerRequest())
}

// Try is Serve for a caller that must not read from the client. It takes care
// of requests that are in c.In as a whole and leaves others to Serve.
func (p *Proxy) Try(c *Client, s Settings) Result {
	c.In.R += http1.SkipEmpty(c.In.Bytes()) // or it could pass for the end of a head
	end := http1.HeadEnd(c.In.Bytes(), 0)
	if end == 0 {
		return NeedsIO
	}
	x := p.begin(c, s)
	x.headEnd = end
	if !x.readRequest() {
		return x.done(Close)
	}
	whole := x.body.done || x.Req.Length > 0 && int64(c.In.Len()) >= x.Req.Length
	if !whole || x.Req.UpgradeWebSocket {
		c.parked = x
		return NeedsIO
	}
	return x.done(x.answerRequest())
}

// begin borrows an exchange for the request that begins in c.In.
func (p *Proxy) begin(c *Client, s Settings) *Exchange {
	x := p.idle.Get().(*Exchange)
	x.c, x.set = c, s
	x.answer.reset(c, s.BodyTimeout)
	x.view = p.view.Load() // another attempt may renew it
	return x
}

// done gives the exchange back.
func (x *Exchange) done(r Result) Result {
	p := x.p
	x.body.close()
	x.release()
	p.idle.Put(x)
	return r
}

// release drops every view and pointer that would keep other things alive.
func (x *Exchange) release() {
	x.Req.Reset()
	x.body.c, x.body.pending = nil, nil
	x.c, x.answer.c, x.view, x.route, x.cfg, x.member = nil, nil, nil, nil, nil, nil
	x.pick = balance.Request{}
	x.tried.Reset()
	x.head, x.first, x.got, x.told100 = nil, nil, false, false
	clear(x.cookies)
	clear(x.answer.vec)
	if cap(x.out) > wire.Large {
		x.out = nil
	}
	if cap(x.answer.head) > wire.Large {
		x.answer.head = nil
	}
}

// readRequest reads and judges the head. False: there is no request to answer,
// or it has been refused, and the connection ends.
func (x *Exchange) readRequest() bool {
	x.end, x.status, x.in, x.attempt = access.OK, 0, 0, 0
	x.headAt, x.endAt, x.queued, x.dialled = 0, 0, 0, 0
	x.body.done = true
	rej, err := x.readHead()
	x.start = time.Now().UnixNano()
	switch {
	case err != nil:
		if x.c.In.Len() == 0 {
			return false // nothing of a request came: just an ended connection
		}
		if errors.Is(err, wire.ErrTimeout) {
			x.refuse(408, "the request head was not complete in time", access.ClientTimeout)
		} else {
			x.end = access.ClientClosed
		}
		x.record()
		return false
	case !rej.OK():
		x.answer.close, x.c.Linger = true, true
		x.refuse(rej.Status, rej.Reason, access.BadRequest)
		x.record()
		return false
	}
	x.answer.http10 = x.Req.Minor == 0
	x.answer.close = x.Req.Close
	x.body.set(x.c, &x.Req, x.view.Limits.BodySize, x.set.BodyTimeout)
	return true
}

// answerRequest sees the request answered.
func (x *Exchange) answerRequest() Result {
	x.handle()
	x.record()
	if !x.body.done || len(x.body.pending) > 0 {
		// Bytes of a body nobody wanted would be taken for the next request.
		x.c.Linger = true
		return Close
	}
	if x.answer.close {
		// It was not the client's wish, so the next request may be here already.
		x.c.Linger = x.c.Linger || !x.Req.Close
		return Close
	}
	return Keep
}

// readHead parses the head that begins in c.In, reading until it is whole.
func (x *Exchange) readHead() (http1.Reject, error) {
	in := x.c.In
	limit := x.view.Limits.HeaderSize
	if limit <= 0 {
		limit = wire.Small
	}
	in.R += http1.SkipEmpty(in.Bytes())
	end, seen := x.headEnd, 0
	x.headEnd = 0
	until := time.Time{}
	for end == 0 {
		b := in.Bytes()
		if end = http1.HeadEnd(b, seen); end > 0 {
			break
		}
		seen = len(b)
		if seen > limit {
			return http1.Oversize(b[:limit]), nil
		}
		if len(in.Space()) == 0 {
			if in.R > 0 {
				in.Compact()
			} else {
				x.c.In = wire.Grow(in, len(in.B)*2)
				in = x.c.In
			}
		}
		// The whole head has one time-out, or a byte now and then would hold
		// the connection for ever.
		wait := x.set.HeaderTimeout
		if until.IsZero() {
			until = time.Now().Add(wait)
		} else if wait = time.Until(until); wait <= 0 {
			return http1.Reject{}, wire.ErrTimeout
		}
		n, err := x.c.Read(in.Space(), wait)
		if n == 0 {
			return http1.Reject{}, err
		}
		in.W += n
		if seen <= 1 { // nothing yet, or the first half of an empty line
			in.R += http1.SkipEmpty(in.Bytes())
		}
	}
	head := in.B[in.R : in.R+end]
	x.head = head
	in.R += end
	if end > limit {
		return http1.Oversize(head[:limit]), nil
	}
	return x.Req.Parse(head), nil
}
