package proxy

import (
	"errors"
	"time"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// body reads the body of a client's request, piece by piece: first what came
// with the head, then what it reads into a buffer of its own, because the head
// stays in the first one until the request is over.
type body struct {
	c       *Client
	timeout time.Duration // for each read
	limit   int64         // bytes allowed in all; 0 is unbounded

	length  int64 // Content-Length, -1 for a chunked body
	left    int64 // of length
	chunked http1.Chunked
	own     *wire.Buffer
	pending []byte // of a piece that was larger than asked for
	done    bool
	taken   uint64 // bytes given out
}

var bodyTooLarge = upstream.Fault{Kind: upstream.ClientTooLarge, Text: "the request body is larger than limits.body_size"}

// set prepares for the request whose head has just been parsed.
func (b *body) set(c *Client, r *http1.Request, limit int64, timeout time.Duration) {
	*b = body{c: c, timeout: timeout, limit: limit, length: r.Length, own: b.own}
	b.chunked.Reset()
	switch {
	case r.Chunked:
		b.length = -1
	case r.Length > 0:
		b.left = r.Length
	default:
		b.length, b.done = 0, true
	}
}

// buffered reports whether next can give a piece, or the end, without waiting.
func (b *body) buffered() bool {
	return b.done || len(b.pending) > 0 || b.source().Len() > 0
}

// source is the buffer that holds the next bytes.
func (b *body) source() *wire.Buffer {
	if b.own != nil {
		return b.own
	}
	return b.c.In
}

// next gives at most limit bytes of the body, a view that is valid until the
// next call. An empty piece is the end. It waits at most timeout for bytes.
func (b *body) next(limit int) ([]byte, upstream.Fault) {
	if len(b.pending) == 0 && !b.done {
		if f := b.fill(); !f.OK() {
			return nil, f
		}
	}
	piece := b.pending
	if len(piece) > limit {
		piece = piece[:limit]
	}
	b.pending = b.pending[len(piece):]
	b.taken += uint64(len(piece))
	if b.limit > 0 && int64(b.taken) > b.limit {
		return nil, bodyTooLarge
	}
	return piece, upstream.Fault{}
}

// fill makes pending the next piece of what is buffered, reading when there is
// nothing to give.
func (b *body) fill() upstream.Fault {
	for {
		src := b.source()
		if b.length >= 0 {
			if n := src.Len(); n > 0 {
				n = int(min(int64(n), b.left))
				b.pending = src.B[src.R : src.R+n]
				src.R += n
				b.left -= int64(n)
				b.done = b.left == 0
				return upstream.Fault{}
			}
		} else {
			data, n, done, rej := b.chunked.Next(src.Bytes())
			src.R += n
			b.done = done
			if !rej.OK() {
				return upstream.Fault{Kind: upstream.ClientProtocol, Text: rej.Reason}
			}
			if len(data) > 0 || done {
				b.pending = data
				return upstream.Fault{}
			}
			if n > 0 {
				continue
			}
		}
		if f := b.read(); !f.OK() {
			return f
		}
	}
}

// read reads more into the body's own buffer.
func (b *body) read() upstream.Fault {
	if b.own == nil {
		rest := b.c.In.Bytes() // an unfinished line of chunk framing, if anything
		size := wire.Small
		if b.length < 0 || b.left > wire.Small {
			size = wire.Large
		}
		b.own = wire.Get(size)
		b.own.W = copy(b.own.B, rest)
		b.c.In.R = b.c.In.W
	} else {
		b.own.Compact()
	}
	space := b.own.Space()
	if len(space) == 0 {
		return upstream.Fault{Kind: upstream.ClientProtocol, Text: "chunk framing does not fit the buffer"}
	}
	if b.length >= 0 && int64(len(space)) > b.left {
		space = space[:b.left] // never into the next request
	} else if b.length < 0 && len(space) > wire.Small {
		space = space[:wire.Small] // what follows the body must fit the client's buffer
	}
	n, err := b.c.Read(space, b.timeout)
	b.own.W += n
	if n > 0 {
		return upstream.Fault{}
	}
	if errors.Is(err, wire.ErrTimeout) {
		return upstream.Fault{Kind: upstream.ClientTimeout, Text: "the client sent nothing of its body for " + b.timeout.String()}
	}
	return upstream.Fault{Kind: upstream.ClientGone, Text: "the client closed before its body was complete"}
}

// close gives the buffer back and leaves what follows the body, the beginning
// of the next request, where it is looked for.
func (b *body) close() {
	if b.own == nil {
		return
	}
	if rest := b.own.Bytes(); len(rest) > 0 && b.done && b.c.In != nil {
		b.c.In.Reset()
		if len(rest) > len(b.c.In.B) {
			b.c.In = wire.Grow(b.c.In, len(rest))
		}
		b.c.In.W = copy(b.c.In.B, rest)
	}
	wire.Put(b.own)
	b.own = nil
}
