package upstream

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reading is how far a member has come with a request that it did not answer,
// as far as TCP can tell.
type Reading uint8

// The readings.
const (
	Unknown   Reading = iota // it may have been read
	Unreached                // the member's end of the stream left before the request came in
	LeftUnread               // it came in, and the member closed without having read it
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
//     a server that reads into a buffer has read none of it: that is what a Tomcat
//     does from 8.5 on whose connector is paused. One that was killed while it
//     worked on the request has read it, and its end is not followed by a reset.
func (c *Conn) ReadingOf(sent int) Reading {
	s, ok := c.Net().(syscall.Conn)
	if !ok || sent <= 0 {
		return Unknown // TLS: the bytes on the wire are others
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return Unknown
	}
	found := Unknown
	look := func(fd uintptr) (done bool) {
		found, done = reading(int(fd), uint64(sent))
		return done
	}
	if err = c.Net().SetReadDeadline(time.Now().Add(resetWithin)); err != nil {
		return Unknown
	}
	_ = raw.Read(look) // a reset wakes it up; found says what came of it
	return found
}

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
	case sent > uint64(i.Snd_mss):
		return Unknown, true
	case i.State == unix.BPF_TCP_CLOSE:
		return LeftUnread, true
	}
	return Unknown, i.State != unix.BPF_TCP_CLOSE_WAIT
}
