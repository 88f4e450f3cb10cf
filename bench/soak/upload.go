package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// upload sends one request body on a goroutine of its own.
type upload struct {
	conn   net.Conn
	q      *request
	random *rand.Rand
	permit chan struct{} // nil: send at once; else closed by allow
	given  bool          // allow was called
	left   atomic.Bool   // the client left in the middle, on purpose
	sent   int64         // body bytes; read after done
	done   chan error    // takes one value
}

// allow lets a body go that waits for a 100.
func (u *upload) allow() {
	if u.permit != nil && !u.given {
		u.given = true
		close(u.permit)
	}
}

// run ends with the body or with the connection.
func (u *upload) run() {
	if u.permit != nil {
		<-u.permit
	}
	err := u.send()
	if u.left.Load() {
		u.conn.Close() // wakes the reader
	}
	u.done <- err
}

func (u *upload) send() error {
	for rest := u.q.body; len(rest) > 0; {
		if u.q.leaveAfter > 0 && u.sent >= u.q.leaveAfter {
			u.left.Store(true)
			return nil
		}
		n := len(rest)
		if u.q.chunked {
			n = min(n, 1+u.random.IntN(40_000))
		} else if u.q.leaveAfter > 0 {
			n = min(n, 16<<10)
		}
		if err := u.piece(rest[:n]); err != nil {
			return err
		}
		u.sent += int64(n)
		rest = rest[n:]
	}
	if u.q.chunked {
		_, err := io.WriteString(u.conn, "0\r\n\r\n")
		return err
	}
	return nil
}

func (u *upload) piece(b []byte) error {
	if !u.q.chunked {
		_, err := u.conn.Write(b)
		return err
	}
	framed := net.Buffers{fmt.Appendf(nil, "%x\r\n", len(b)), b, []byte("\r\n")}
	_, err := framed.WriteTo(u.conn)
	return err
}
