package evloop

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// past is a moment that has been.
var past = time.Unix(1, 0)

// unixRead is one attempt to read.
func unixRead(s *Sock, b []byte) (int, error) { return unix.Read(s.FD(), b) }

// shut ends the stream from the peer's side.
func shut(t testing.TB, peer int) {
	t.Helper()
	if err := unix.Shutdown(peer, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
}
