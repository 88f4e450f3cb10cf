package proxy

import (
	"strconv"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
)

// roundTripHTTP sends the request on u and passes the answer on. A body that is
// not all there yet is pumped by a second goroutine while the answer is read,
// so that an answer may come before the body is complete. clean means that u
// can carry the next request.
func (x *Exchange) roundTripHTTP(u *upstream.Conn) (clean bool, f upstream.Fault) {
	x.encodeHTTP(nil)
	pumping := x.bodyVec()
	a := httpAnswer{x: x, u: u, left: -1, unsent: x.vec}
	if pumping {
		if f = x.send(u, x.vec); !f.OK() {
			return false, f
		}
		a.unsent = nil
		x.pump.start(x, u)
	}
	clean, f = a.run()
	if pumping {
		whole, pf := x.pump.stop()
		if !pf.OK() && !f.OK() {
			f = pf // the client's fault, for which the connection was given up
		}
		clean = clean && whole
	}
	return clean, f
}

// encodeHTTP puts the request head into x.out. upgrade is the protocol asked
// for, nil for none.
func (x *Exchange) encodeHTTP(upgrade []byte) {
	b := append(x.out[:0], x.Req.Method...)
	b = append(b, ' ')
	b = append(b, x.Req.Path...)
	if x.Req.Query != nil {
		b = append(b, '?')
		b = append(b, x.Req.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if x.Req.Host != nil {
		b = append(b, x.Req.Host...)
	} else {
		b = append(b, x.member.Target.Host...)
	}
	b = append(b, crlf...)
	for i := range x.Req.Fields {
		f := &x.Req.Fields[i]
		if f.Drop || x.skipHTTP(f.ID) {
			continue
		}
		b = appendField(b, f.Name, f.Value)
	}
	x.out = b
	x.forward(func(name, value []byte) { x.out = appendField(x.out, name, value) })
	b = x.out
	switch {
	case x.Req.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case x.Req.Length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, x.Req.Length, 10)
		b = append(b, crlf...)
	}
	if upgrade != nil {
		b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
		b = append(b, upgrade...)
		b = append(b, crlf...)
	}
	x.out = append(b, crlf...)
}

func appendField(b, name, value []byte) []byte {
	b = append(b, name...)
	b = append(b, ':', ' ')
	b = append(b, value...)
	return append(b, crlf...)
}

// skipHTTP names the fields that are written anew.
func (x *Exchange) skipHTTP(id http1.ID) bool {
	switch id {
	case http1.Host, http1.ContentLength:
		return true
	case http1.XForwardedFor, http1.XForwardedProto, http1.XForwardedHost, http1.XForwardedPort, http1.Forwarded:
		return x.replacesForwarded()
	}
	return false
}

// bodyVec puts the head and the first piece of the body into x.vec. It reports
// whether more of the body is to come.
func (x *Exchange) bodyVec() (more bool) {
	x.in = 0
	x.vec = x.vec[:0]
	if !x.got {
		x.vec = append(x.vec, x.out)
		return !x.body.done
	}
	more = !x.body.done || len(x.body.pending) > 0
	n := len(x.first)
	x.in = uint64(n)
	if x.Req.Chunked {
		x.out = http1.AppendChunkHeader(x.out, n)
		if n == 0 { // the end came first: the header said 0
			x.out = x.out[:len(x.out)-len("0\r\n")]
			x.vec = append(x.vec, x.out, x.trailer())
			return false
		}
	}
	if n <= inlineBody {
		x.out = append(x.out, x.first...)
		x.vec = append(x.vec, x.out)
	} else {
		x.vec = append(x.vec, x.out, x.first)
	}
	if x.Req.Chunked {
		x.vec = append(x.vec, crlf)
		if !more {
			x.vec = append(x.vec, x.trailer())
		}
	}
	return more
}

// trailer is the end of the client's chunked body as the member gets it.
func (x *Exchange) trailer() []byte {
	raw := x.body.chunked.Trailer()
	if len(raw) == 0 {
		return lastChunk
	}
	return append(appendTrailer([]byte("0\r\n"), raw), crlf...)
}

func appendTrailer(dst, raw []byte) []byte {
	http1.WalkTrailer(raw, func(name, value []byte) { dst = appendField(dst, name, value) })
	return dst
}
