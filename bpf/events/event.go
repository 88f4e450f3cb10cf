package events

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Kind is what happened.
type Kind uint8

// The kinds, as events.c counts them.
const (
	Reset       Kind = 1 + iota // the member reset an established connection
	Refused                     // nobody listens: a connect was answered by a reset
	Unreachable                 // a connect ended by the network's word or by time
	SYNAgain                    // a connect was not answered in time and is sent again
	TimedOut                    // data was not acknowledged in time and is sent again
	Closed                      // the member sent its end first
	Lost                        // an established connection ended by time or by the network
)

// String returns a word for messages.
func (k Kind) String() string {
	switch k {
	case Reset:
		return "reset"
	case Refused:
		return "refused"
	case Unreachable:
		return "unreachable"
	case SYNAgain:
		return "SYN sent again"
	case TimedOut:
		return "not acknowledged"
	case Closed:
		return "closed"
	case Lost:
		return "lost"
	default:
		return fmt.Sprintf("kind %d", uint8(k))
	}
}

// Event is one thing that happened to one connection to a member.
type Event struct {
	Kind      Kind
	Member    netip.AddrPort
	LocalPort uint16        // of the connection
	At        time.Duration // CLOCK_MONOTONIC
	Error     syscall.Errno // of Unreachable, Refused and Lost, else 0
	Times     int           // of SYNAgain and TimedOut: in a row
}

// eventSize is sizeof(struct event) in events.c.
const eventSize = 32

// parse reads struct event. Records come from our own program; one of another
// size means that object and code do not belong together.
func parse(b []byte) (Event, error) {
	if len(b) != eventSize {
		return Event{}, fmt.Errorf("event of %d bytes, want %d", len(b), eventSize)
	}
	ne := binary.NativeEndian
	return Event{
		At:        time.Duration(ne.Uint64(b)),
		Member:    netip.AddrPortFrom(kern.Address(b[8:24]).Addr(), ne.Uint16(b[24:])),
		LocalPort: ne.Uint16(b[26:]),
		Error:     syscall.Errno(ne.Uint16(b[28:])),
		Kind:      Kind(b[30]),
		Times:     int(b[31]),
	}, nil
}
