package handoff

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Version is that of the messages. A process refuses an offer of another one.
const Version = 1

// Kind says what a message is.
type Kind string

// The kinds, in the order in which they are sent.
const (
	Offer   Kind = "offer"   // sockets, and what is known
	Ready   Kind = "ready"   // it could serve
	Go      Kind = "go"      // it shall
	Serving Kind = "serving" // it does
	Counts  Kind = "counts"  // what was counted since the last one
	Taken   Kind = "taken"   // it answers operators, too
	Yours   Kind = "yours"   // everybody has been told
	Refused Kind = "refused" // it cannot; Why says why
)

// Role is what a socket is for.
type Role string

// The roles.
const (
	Client Role = "client" // clients connect here
	Status Role = "status" // the admin side over TCP
	Admin  Role = "admin"  // the admin side over a Unix socket
	Elder  Role = "elder"  // the link of a process that was replaced earlier and still counts
)

// Socket is one listening socket; its descriptor travels beside the message.
type Socket struct {
	Role    Role   `json:"role"`
	Address string `json:"address"` // as the configuration has it, or a path
}

// Message is everything that is ever sent.
type Message struct {
	Kind    Kind            `json:"kind"`
	Version int             `json:"version,omitempty"` // of an offer
	Program string          `json:"program,omitempty"` // version of the sender
	Sockets []Socket        `json:"sockets,omitempty"`
	Why     string          `json:"why,omitempty"`
	State   json.RawMessage `json:"state,omitempty"` // of the sender's own making
}

// What bounds a message.
const (
	maxBytes   = 64 << 20
	maxSockets = 4096
)

// head is the magic bytes and the length of what follows.
const head = 8

var magic = [4]byte{'c', 't', 'h', 'd'}

// ErrMore means that the bytes are the beginning of a message; callers match it.
var ErrMore = errors.New("message is not complete")

// Append writes a message behind dst.
func Append(dst []byte, m *Message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return dst, fmt.Errorf("write message: %v", err)
	}
	if len(body) > maxBytes || len(m.Sockets) > maxSockets {
		return dst, fmt.Errorf("write message: %d bytes and %d sockets are too many", len(body), len(m.Sockets))
	}
	dst = append(dst, magic[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	return append(dst, body...), nil
}

// Parse reads the message at the beginning of b and tells how long it is. ErrMore asks
// for more bytes.
func Parse(b []byte) (m Message, n int, err error) {
	size, err := parseHead(b)
	if err != nil {
		return m, 0, err
	}
	if n = head + size; len(b) < n {
		return m, 0, ErrMore
	}
	if err := json.Unmarshal(b[head:n], &m); err != nil {
		return Message{}, 0, fmt.Errorf("read message: %v", err)
	}
	if len(m.Sockets) > maxSockets {
		return Message{}, 0, fmt.Errorf("read message: %d sockets are too many", len(m.Sockets))
	}
	return m, n, nil
}

// parseHead gives the length of a message's body.
func parseHead(b []byte) (int, error) {
	for i := range min(len(b), len(magic)) {
		if b[i] != magic[i] {
			return 0, errors.New("read message: the other side speaks something else")
		}
	}
	if len(b) < head {
		return 0, ErrMore
	}
	size := binary.BigEndian.Uint32(b[len(magic):head])
	if size > maxBytes {
		return 0, fmt.Errorf("read message: %d bytes are too many", size)
	}
	return int(size), nil
}
