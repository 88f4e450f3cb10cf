package ajp

// BodyHeadLen is the length in bytes of what precedes the data of a body packet: the
// packet head and the u16 data length. There is no type byte and no final NUL.
const BodyHeadLen = 6

// EmptyBody is the packet that ends a request body (the form mod_jk sends). It is
// shared: do not write to it.
var EmptyBody = []byte{toContainer0, toContainer1, 0, 0}

// MaxBody is the most data bytes a request body packet carries at a packet size in
// bytes. It is also what Tomcat asks for in GET_BODY_CHUNK.
func MaxBody(packet int) int { return clampPacket(packet) - BodyHeadLen }

// MaxChunk is the most data bytes a SEND_BODY_CHUNK carries at a packet size in bytes.
func MaxChunk(packet int) int { return clampPacket(packet) - HeadLen - chunkFrame }

// AppendBodyHeader appends the 6 bytes before n bytes of request body, with n from 0
// to MaxBody of the packet size in use; n == 0 ends the body (the form mod_proxy_ajp
// sends).
//
// A body packet may be sent only unasked directly behind a head with a positive
// content-length, or once per GET_BODY_CHUNK. Anything else lets the container read
// the data as a new request.
func AppendBodyHeader(dst []byte, n int) []byte {
	l := n + 2
	return append(dst, toContainer0, toContainer1, byte(l>>8), byte(l), byte(n>>8), byte(n))
}

// ParseBody reads the payload of a body packet. No data and no error is the end of
// the body, in either of its forms. A data length that is not exactly the rest of the
// packet is ErrBody: Tomcat ignores surplus bytes, and two parties that count
// differently are how requests get smuggled.
func ParseBody(payload []byte) (data []byte, err error) {
	if len(payload) == 0 {
		return nil, nil
	}
	if len(payload) < 2 || int(payload[0])<<8|int(payload[1]) != len(payload)-2 {
		return nil, ErrBody
	}
	return payload[2:], nil
}
