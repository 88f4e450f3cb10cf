package ajp

import "strconv"

// Packet sizes in bytes, the 4 byte head included. There is no negotiation: both
// sides must be configured alike (packetSize of Tomcat's connector).
const (
	// DefaultPacket is what both sides use unless told otherwise
	// (org.apache.coyote.ajp.Constants.MAX_PACKET_SIZE).
	DefaultPacket = 8192
	// MinPacket is the smallest size Tomcat accepts; smaller settings behave as 8192.
	MinPacket = 8192
	// MaxPacket is the largest size; its payload of 65532 bytes still fits the length field.
	MaxPacket = 65536

	// HeadLen is the length of the head of every packet: two magic bytes, u16 length.
	HeadLen = 4
)

// Magic bytes: the first says which way the packet travels.
const (
	toContainer0, toContainer1 = 0x12, 0x34
	toWeb0, toWeb1             = 'A', 'B'
)

// Type is the first payload byte of every packet except a request body packet,
// which has none.
type Type byte

// Types sent by the container (org.apache.coyote.ajp.Constants.JK_AJP13_*).
const (
	SendBodyChunk Type = 3
	SendHeaders   Type = 4
	EndResponse   Type = 5
	GetBodyChunk  Type = 6
	CPong         Type = 9
)

// Types sent to the container. Shutdown and Ping are obsolete: Tomcat closes the
// connection without an answer and we never send them.
const (
	ForwardRequest Type = 2
	Shutdown       Type = 7
	Ping           Type = 8
	CPing          Type = 10
)

// String gives the protocol's own name of the type, or its number.
func (t Type) String() string {
	switch t {
	case ForwardRequest:
		return "FORWARD_REQUEST"
	case SendBodyChunk:
		return "SEND_BODY_CHUNK"
	case SendHeaders:
		return "SEND_HEADERS"
	case EndResponse:
		return "END_RESPONSE"
	case GetBodyChunk:
		return "GET_BODY_CHUNK"
	case Shutdown:
		return "SHUTDOWN"
	case Ping:
		return "PING"
	case CPong:
		return "CPONG"
	case CPing:
		return "CPING"
	}
	return "type " + strconv.Itoa(int(t))
}

// Split looks at b, received from a container, for one whole packet.
//
// n is the length of that packet, head included; payload is a view of b[4:n] and its
// first byte is the Type. With n == 0 and err == nil more bytes are needed: at least
// need of them in all, counted from the start of b. max is the configured packet
// size in bytes. The error is ErrMagic, or ErrLength for a packet that is empty or
// larger than max; both are reported as soon as the bytes that prove them are there.
func Split(b []byte, max int) (payload []byte, n, need int, err error) {
	length, ok, err := SplitHeader(b, max)
	if err != nil {
		return nil, 0, 0, err
	}
	if !ok {
		return nil, 0, HeadLen, nil
	}
	if n = HeadLen + length; len(b) < n {
		return nil, 0, n, nil
	}
	return b[HeadLen:n:n], n, 0, nil
}

// SplitHeader reads only the 4 byte head of a packet from a container, for callers
// that pass a large SEND_BODY_CHUNK on before all of it has arrived. length is the
// payload length, between 1 and max-4. ok is false while bytes are missing. The
// errors are those of Split.
func SplitHeader(b []byte, max int) (length int, ok bool, err error) {
	length, ok, err = splitHead(b, toWeb0, toWeb1, max)
	if err == nil && ok && length == 0 {
		return 0, false, ErrLength
	}
	return length, ok, err
}

// SplitRequest is Split for the other direction: one whole packet sent by a web
// server. An empty payload is no error here, it is the end of a request body.
func SplitRequest(b []byte, max int) (payload []byte, n, need int, err error) {
	length, ok, err := splitHead(b, toContainer0, toContainer1, max)
	if err != nil {
		return nil, 0, 0, err
	}
	if !ok {
		return nil, 0, HeadLen, nil
	}
	if n = HeadLen + length; len(b) < n {
		return nil, 0, n, nil
	}
	return b[HeadLen:n:n], n, 0, nil
}

// splitHead checks the magic as early as it can: a port that speaks HTTP or TLS is
// recognised by its first byte, without waiting for more.
func splitHead(b []byte, m0, m1 byte, max int) (length int, ok bool, err error) {
	if len(b) >= 1 && b[0] != m0 || len(b) >= 2 && b[1] != m1 {
		return 0, false, ErrMagic
	}
	if len(b) < HeadLen {
		return 0, false, nil
	}
	length = int(b[2])<<8 | int(b[3])
	if HeadLen+length > clampPacket(max) {
		return 0, false, ErrLength
	}
	return length, true, nil
}

// clampPacket maps a configured packet size onto what the protocol allows, the way
// Tomcat does for sizes that are too small.
func clampPacket(max int) int {
	if max < MinPacket {
		return MinPacket
	}
	if max > MaxPacket {
		return MaxPacket
	}
	return max
}

// appendHead starts a packet: magic and a length that patchLength fills in.
func appendHead(dst []byte, m0, m1 byte) []byte { return append(dst, m0, m1, 0, 0) }

// patchLength writes the payload length of the packet that begins at start and
// reaches to the end of b. Longer payloads than the field can say are a bug of the
// caller, who knows the packet size.
func patchLength(b []byte, start int) []byte {
	n := len(b) - start - HeadLen
	if n > 0xffff {
		panic("ajp: payload of " + strconv.Itoa(n) + " bytes does not fit a packet")
	}
	b[start+2], b[start+3] = byte(n>>8), byte(n)
	return b
}
