package ajp

// Error is the reason why a packet was refused or cannot be written. Every error of
// this package is one of the constants below, so returning one allocates nothing and
// callers may compare with == or errors.Is.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// Errors of Writer.End: nothing may be sent.
const (
	// ErrTooLarge: the request head does not fit the packet size. The client gets a
	// 431; the cure is a larger packetSize on both sides.
	ErrTooLarge Error = "ajp: write FORWARD_REQUEST: head is larger than the packet size"
	// ErrString: a string cannot be carried: longer than 65534 bytes, a name that is
	// empty or has 40960 bytes or more, or a NUL inside.
	ErrString Error = "ajp: write FORWARD_REQUEST: string is too long, or is an empty name, or holds a NUL"
	// ErrCode: a header code outside 1..14, or an attribute code whose value is no
	// plain string.
	ErrCode Error = "ajp: write FORWARD_REQUEST: header or attribute code is unknown or takes another kind of value"
)

// Errors of the packet level. The connection is out of step and must be closed.
const (
	ErrMagic  Error = "ajp: read packet head: wrong magic bytes"
	ErrLength Error = "ajp: read packet head: length is zero or above the packet size"
)

// Errors of the payload parsers. The connection must be closed after any of them.
const (
	ErrType       Error = "ajp: read packet: message type is not the expected one"
	ErrShort      Error = "ajp: read packet: ends inside a field"
	ErrTrailing   Error = "ajp: read packet: bytes behind the last field"
	ErrTerminator Error = "ajp: read string: final NUL is missing"
	ErrNull       Error = "ajp: read string: null where text is needed"
	ErrText       Error = "ajp: read string: CR, LF or NUL inside"
	ErrName       Error = "ajp: read header: name is empty or no token"
	ErrHeaderCode Error = "ajp: read header: unknown code"
	ErrCount      Error = "ajp: read headers: count does not fit the packet or is above 1000"
	ErrStatus     Error = "ajp: read SEND_HEADERS: status is outside 100..999"
	ErrChunk      Error = "ajp: read SEND_BODY_CHUNK: data length does not match the packet length"
	ErrWant       Error = "ajp: read GET_BODY_CHUNK: asks for no bytes"
	ErrBody       Error = "ajp: read body packet: data length does not match the packet length"
	ErrMethod     Error = "ajp: read FORWARD_REQUEST: method is unknown, missing or no token"
	ErrAttribute  Error = "ajp: read FORWARD_REQUEST: unknown attribute code"
	ErrFraming    Error = "ajp: read FORWARD_REQUEST: content-length is repeated, no plain number, or beside transfer-encoding"
)
