package proxy

import (
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// pump carries the rest of a client's body to a member on a goroutine of its
// own, while the request's goroutine reads the answer. start begins it and stop
// always follows, so it never outlives its request.
type pump struct {
	x       *Exchange
	u       *upstream.Conn
	halted  atomic.Bool // the body is not wanted any longer
	running atomic.Bool
	taken   atomic.Bool // all of the body has come from the client
	whole   bool        // all of the body has been sent; read after done
	sent    uint64
	head    [24]byte // room for chunk framing
	vec     [][]byte
	done    chan upstream.Fault
}

func (p *pump) start(x *Exchange, u *upstream.Conn) {
	x.c.Task().Detach() // two goroutines share the connections now
	p.x, p.u, p.whole, p.sent = x, u, false, 0
	p.halted.Store(false)
	p.taken.Store(false)
	p.running.Store(true)
	go p.run()
}

// run ends when the body is sent, when it cannot be had or delivered, or when
// stop says so.
func (p *pump) run() {
	f := p.carry()
	p.whole = f.OK()
	p.running.Store(false)
	if !f.OK() && f.Kind != upstream.Broken && !p.halted.Load() {
		p.u.StopRead() // the request cannot be completed: wake who waits for its answer
	}
	p.done <- f
}

func (p *pump) carry() upstream.Fault {
	for {
		if p.halted.Load() {
			return upstream.Fault{Kind: upstream.Broken}
		}
		piece, f := p.x.body.next(wire.Large)
		if !f.OK() {
			return f
		}
		if b := &p.x.body; b.done && len(b.pending) == 0 {
			// Before the member gets it: it may answer before we are back.
			p.taken.Store(true)
		}
		p.vec = p.vec[:0]
		switch {
		case p.x.Req.Chunked && len(piece) > 0:
			p.vec = append(p.vec, http1.AppendChunkHeader(p.head[:0], len(piece)), piece, crlf)
		case p.x.Req.Chunked:
			p.vec = append(p.vec, p.x.trailer())
		case len(piece) > 0:
			p.vec = append(p.vec, piece)
		default:
			return upstream.Fault{}
		}
		_, err := p.u.Writev(p.vec, p.x.cfg.Timeouts.BetweenBytes)
		clear(p.vec)
		if err != nil {
			// The member may have answered and closed: the answer decides.
			return upstream.Fault{Kind: upstream.Broken, Text: "took no more of the request body"}
		}
		p.sent += uint64(len(piece))
		if len(piece) == 0 {
			return upstream.Fault{}
		}
	}
}

// stop waits for the pump, cutting it short when it is still running: the
// answer is complete and the rest of the body has nowhere to go. whole tells
// whether the member got all of it.
func (p *pump) stop() (whole bool, f upstream.Fault) {
	if p.running.Load() {
		p.halted.Store(true)
		f = p.interrupt()
	} else { // it has ended by itself, so what it says is the reason
		f = <-p.done
	}
	p.x.in += p.sent
	whole, p.x, p.u = p.whole, nil, nil
	if f.Kind == upstream.Broken {
		f = upstream.Fault{}
	}
	return whole, f
}

// interrupt makes the pump's pending read or write end. It is repeated, because
// an expiring deadline may be undone at the same moment.
func (p *pump) interrupt() upstream.Fault {
	for {
		p.x.c.StopRead()
		p.u.StopWrite()
		select {
		case f := <-p.done:
			p.x.c.ResumeRead()
			p.u.ResumeWrite() // the pump may have been through already
			if p.halted.Load() && (f.Kind == upstream.ClientTimeout || f.Kind == upstream.Broken) {
				return upstream.Fault{} // our own doing
			}
			return f
		case <-time.After(wire.Tick):
		}
	}
}

// active reports whether the body is still on its way.
func (p *pump) active() bool { return p.running.Load() }

// short reports whether the client still has some of the body to send.
func (p *pump) short() bool { return p.running.Load() && !p.taken.Load() }
