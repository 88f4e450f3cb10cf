package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/catherd/catherd/dataplane/upstream"
	"github.com/catherd/catherd/dataplane/wire"
)

// exchange writes vec, which may be empty, to the member and reads what comes
// next into the buffer's space.
func (x *Exchange) exchange(u *upstream.Conn, vec [][]byte, wait time.Duration) upstream.Fault {
	x.late = x.headAt != 0
	n, err := u.Exchange(vec, u.In.Space(), wait)
	u.In.W += n
	if n > 0 {
		return upstream.Fault{}
	}
	return memberFault(err, wait)
}

// came ends the wait for the first bytes of an answer, which ended in f, and
// tells when they came; 0 when they have not. When the member has been given up
// meanwhile, that is the fault, whatever else happened.
func (x *Exchange) came(u *upstream.Conn, f upstream.Fault) (at int64, _ upstream.Fault) {
	if f.OK() {
		at, x.heard = x.clock(), true
	}
	if why, ok := u.Came(at); !ok {
		return 0, upstream.Fault{Kind: upstream.Abandoned, Text: why}
	}
	return at, f
}

// memberFault is the fault of a read or write that got nowhere.
func memberFault(err error, wait time.Duration) upstream.Fault {
	var w *wire.WriteError
	switch {
	case errors.As(err, &w):
		return sendFault(w.N, w.Err, wait)
	case errors.Is(err, wire.ErrTimeout):
		return upstream.Fault{Kind: upstream.TimeoutHead, Text: "no answer within " + wait.String()}
	}
	if errors.Is(err, io.EOF) {
		return memberEnded
	}
	return upstream.Fault{Kind: upstream.Broken, Text: "reset the connection in the middle of a request"}
}

// memberEnded is the fault of a connection that the member ended in good order,
// which may be how it ends an answer.
var memberEnded = upstream.Fault{Kind: upstream.Broken, Text: "closed the connection in the middle of a request"}

// sendFault is the fault of a write of which n bytes were taken.
func sendFault(n int64, err error, wait time.Duration) upstream.Fault {
	switch {
	case errors.Is(err, wire.ErrTimeout):
		return upstream.Fault{Kind: upstream.TimeoutHead, Text: "took nothing of the request for " + wait.String()}
	case n == 0:
		return upstream.Fault{Kind: upstream.Stale, Text: "the connection was closed before a byte was sent"}
	}
	return upstream.Fault{Kind: upstream.Broken, Text: "the connection broke while the request was sent"}
}

// send writes vec to the member.
func (x *Exchange) send(u *upstream.Conn, vec [][]byte) upstream.Fault {
	wait := x.cfg.Timeouts.BetweenBytes
	n, err := u.Writev(vec, wait)
	clear(vec)
	if err == nil {
		return upstream.Fault{}
	}
	return sendFault(n, err, wait)
}
