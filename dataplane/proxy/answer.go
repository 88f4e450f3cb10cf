package proxy

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/http1"
	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// maxVec is how many pieces of body are gathered before they are written.
const maxVec = 64

// answer builds the answer to a client and gathers it into few writes: the
// head in a buffer of its own, the body as views of the member's buffer.
type answer struct {
	c        *Client
	timeout  time.Duration
	draining *atomic.Bool // every answer ends its connection

	head []byte   // bytes to write before vec: head, chunk framing
	vec  [][]byte // vec[0] is for head, then pieces of body, then framing
	pend int      // bytes of body in vec

	status  int
	http10  bool
	close   bool  // the connection ends with this answer
	noBody  bool  // data is dropped: HEAD, 204, 304
	chunked bool  // we frame
	left    int64 // of Content-Length; -1: not announced
	begun   bool  // a final head has been made
	sent    bool  // a byte of the final answer may have reached the client
	out     uint64
}

var (
	crlf      = []byte("\r\n")
	lastChunk = []byte("0\r\n\r\n")
)

// reset prepares for a request.
func (a *answer) reset(c *Client, timeout time.Duration) {
	a.c, a.timeout = c, timeout
	a.head, a.vec, a.pend = a.head[:0], append(a.vec[:0], nil), 0
	a.status, a.http10, a.close, a.noBody, a.chunked = 0, false, false, false, false
	a.left, a.begun, a.sent, a.out = -1, false, false, 0
}

// begin starts the final head.
func (a *answer) begin(status int, reason []byte) {
	a.status, a.begun = status, true
	a.head = append(a.head, "HTTP/1.1 "...)
	a.head = append(a.head, byte('0'+status/100), byte('0'+status/10%10), byte('0'+status%10), ' ')
	if reason == nil {
		a.head = append(a.head, statusText(status)...)
	} else {
		a.head = append(a.head, reason...)
	}
	a.head = append(a.head, crlf...)
}

// forget takes back a head of which nothing has been sent.
func (a *answer) forget() {
	a.head, a.vec, a.pend, a.begun, a.status = a.head[:0], a.vec[:1], 0, false, 0
	a.left, a.chunked, a.noBody = -1, false, false
}

func (a *answer) field(name, value []byte) {
	a.head = append(a.head, name...)
	a.head = append(a.head, ':', ' ')
	a.head = append(a.head, value...)
	a.head = append(a.head, crlf...)
}

// frame ends the head. length is the member's Content-Length, -1 without one;
// it is announced as it is when there is no body (HEAD, 304), and else decides
// about the framing (RFC 9112 section 6).
func (a *answer) frame(length int64, noBody bool) {
	a.noBody = noBody
	a.left = length
	switch {
	case noBody && (a.status == 204 || a.status < 200):
	case length >= 0:
		a.head = append(a.head, "Content-Length: "...)
		a.head = strconv.AppendInt(a.head, length, 10)
		a.head = append(a.head, crlf...)
	case noBody:
	case a.http10:
		a.close = true // the end of the connection is the end of the body
	default:
		a.chunked = true
		a.head = append(a.head, "Transfer-Encoding: chunked\r\n"...)
	}
	switch {
	case a.close || a.draining.Load():
		a.close = true
		a.head = append(a.head, "Connection: close\r\n"...)
	case a.http10:
		a.head = append(a.head, "Connection: keep-alive\r\n"...)
	}
	a.head = append(a.head, crlf...)
}

// data adds a piece of body, a view that must stay until flush. False: it is
// more than was announced; what belongs to the body has been added.
func (a *answer) data(b []byte) (ok bool) {
	if a.noBody || len(b) == 0 {
		return true
	}
	ok = true
	if a.left >= 0 {
		if int64(len(b)) > a.left {
			b, ok = b[:a.left], false
		}
		a.left -= int64(len(b))
	}
	if len(b) > 0 {
		a.vec = append(a.vec, b)
		a.pend += len(b)
	}
	return ok
}

// full reports that enough pieces are gathered for a write.
func (a *answer) full() bool { return len(a.vec) >= maxVec }

// complete reports whether all that was announced has been given to data.
func (a *answer) complete() bool { return a.noBody || a.left <= 0 }

// waiting reports whether there is anything to write.
func (a *answer) waiting() bool { return len(a.head) > 0 || a.pend > 0 }

// flush writes what has been gathered.
func (a *answer) flush() upstream.Fault { return a.write(nil) }

// finish writes what is left, and the end of a chunked body with its trailer
// (field lines, or nil).
func (a *answer) finish(trailer []byte) upstream.Fault {
	if !a.chunked {
		return a.write(nil)
	}
	if len(trailer) == 0 {
		return a.write(lastChunk)
	}
	end := append([]byte("0\r\n"), trailer...)
	return a.write(append(end, crlf...))
}

func (a *answer) write(end []byte) upstream.Fault {
	if a.pend > 0 && a.chunked {
		a.head = http1.AppendChunkHeader(a.head, a.pend)
		a.vec = append(a.vec, crlf)
	}
	if len(end) > 0 {
		a.vec = append(a.vec, end)
	}
	vec := a.vec
	if len(a.head) > 0 && a.pend <= inlineBody {
		for _, b := range vec[1:] {
			a.head = append(a.head, b...)
		}
		vec = vec[:1]
		vec[0] = a.head
	} else if len(a.head) > 0 {
		vec[0] = a.head
	} else {
		vec = vec[1:]
	}
	if len(vec) == 0 {
		return upstream.Fault{}
	}
	a.sent = a.sent || a.begun
	_, err := a.c.Writev(vec, a.timeout)
	a.out += uint64(a.pend)
	a.head, a.vec, a.pend = a.head[:0], a.vec[:1], 0
	if err == nil {
		return upstream.Fault{}
	}
	if errors.Is(err, wire.ErrTimeout) {
		return upstream.Fault{Kind: upstream.ClientTimeout, Text: "the client took nothing of the answer for " + a.timeout.String()}
	}
	return upstream.Fault{Kind: upstream.ClientGone, Text: "the client closed before the answer was complete"}
}
