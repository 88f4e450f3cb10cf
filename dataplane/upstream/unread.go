package upstream

import (
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/dataplane/evloop"
)

// Reading is how far a member has come with a request that it did not answer,
// as far as TCP can tell.
type Reading uint8

// The readings.
const (
	Unknown    Reading = iota // it may have been read
	Unreached                 // the member's end of the stream left before the request came in
	LeftUnread                // it came in, and the member closed without having read it
)

// resetWithin bounds the wait for the reset of a connection that has been ended.
// A Java server ends the stream at once and closes the socket when its selector
// wakes up the next time, a second later at the latest (selectorTimeout of
// Tomcat's NioEndpoint).
const resetWithin = 1200 * time.Millisecond

// ReadingOf tells what has become of a request of sent bytes, all in one write,
// after the stream has ended without a byte of an answer. It may wait. Two things
// are proofs:
//
//   - The segment that ended the stream acknowledges all that had come in until
//     then (RFC 9293 section 3.10.4). When it does not cover the request, the
//     member had closed before: the race of a connection that idled too long.
//   - A socket that is closed with bytes in it that nobody has read is reset
//     (RFC 9293 section 3.6, RFC 2525 section 2.17). When the request was one segment,
//     a server that reads into a buffer has read none of it: that is what Tomcat
//     9.0 and 10.1 do while the connector is paused. One that was killed while it
//     worked on the request has read it, and its end is not followed by a reset.
//
// Nothing else tells of a reset behind the end of a stream, so it is looked for
// at growing intervals; the caller must be where that may block.
func (c *Conn) ReadingOf(sent int) Reading {
	if sent <= 0 {
		return Unknown
	}
	until := time.Now().Add(resetWithin)
	for pause := time.Millisecond; ; pause = min(2*pause, 32*time.Millisecond) {
		found, done := Unknown, true
		switch nc := c.Net().(type) { // under TLS the bytes on the wire are others
		case *net.TCPConn:
			if raw, err := nc.SyscallConn(); err == nil {
				_ = raw.Control(func(fd uintptr) { found, done = reading(int(fd), uint64(sent)) })
			}
		case *evloop.Sock:
			found, done = reading(nc.FD(), uint64(sent))
		}
		if done || time.Now().After(until) {
			return found
		}
		time.Sleep(pause)
	}
}

// smallRead is less than what any server reads at once: a request within it that
// was begun to be read has been read whole.
const smallRead = 1460

// reading looks once. done is false while a reset may still come.
func reading(fd int, sent uint64) (found Reading, done bool) {
	i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || i.Bytes_sent < i.Bytes_retrans+sent || i.Bytes_acked == 0 {
		return Unknown, true // a kernel before 4.19 does not count
	}
	// Bytes_acked counts our SYN, too.
	if i.Bytes_acked-1 <= i.Bytes_sent-i.Bytes_retrans-sent {
		return Unreached, true
	}
	switch {
	case sent > min(uint64(i.Snd_mss), smallRead):
		return Unknown, true
	case i.State == unix.BPF_TCP_CLOSE:
		return LeftUnread, true
	}
	return Unknown, i.State != unix.BPF_TCP_CLOSE_WAIT
}
