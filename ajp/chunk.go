package ajp

// chunkFrame is what surrounds the data of a SEND_BODY_CHUNK inside the payload:
// type, u16 data length, final NUL.
const chunkFrame = 4

// ChunkHeadLen is the length in bytes of type and data length, which precede the data
// of a SEND_BODY_CHUNK; one NUL follows it.
const ChunkHeadLen = 3

// ParseChunk reads the payload of a SEND_BODY_CHUNK. Empty data without error is a
// flush: pass on what is buffered; it does not end the body. Data length and packet
// length must agree and the final byte must be the NUL every server sends.
func ParseChunk(payload []byte) (data []byte, err error) {
	n, ok, err := ChunkHeader(payload, len(payload))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrShort
	}
	if payload[ChunkHeadLen+n] != 0 {
		return nil, ErrTerminator
	}
	return payload[ChunkHeadLen : ChunkHeadLen+n : ChunkHeadLen+n], nil
}

// ChunkHeader reads the first three payload bytes of a SEND_BODY_CHUNK whose packet
// has a payload of length bytes, before the rest has arrived. n data bytes and one
// NUL follow; the caller checks that NUL when it comes. ok is false while bytes are
// missing. The error is ErrType or ErrChunk.
func ChunkHeader(b []byte, length int) (n int, ok bool, err error) {
	if len(b) >= 1 && Type(b[0]) != SendBodyChunk {
		return 0, false, ErrType
	}
	if length < chunkFrame {
		return 0, false, ErrChunk
	}
	if len(b) < ChunkHeadLen {
		return 0, false, nil
	}
	if n = int(b[1])<<8 | int(b[2]); n+chunkFrame != length {
		return 0, false, ErrChunk
	}
	return n, true, nil
}

// ParseEnd reads the payload of an END_RESPONSE. Without reuse the connection must be
// closed by us: Tomcat leaves it open and would even serve further requests.
func ParseEnd(payload []byte) (reuse bool, err error) {
	c := cursor{b: payload}
	c.want(EndResponse)
	reuse = c.u8() != 0
	if err := c.end(); err != nil {
		return false, err
	}
	return reuse, nil
}

// ParseGetBody reads the payload of a GET_BODY_CHUNK: the most data bytes the next
// body packet may carry. Zero is refused, because the only packet that would satisfy
// it means the end of the body.
func ParseGetBody(payload []byte) (want int, err error) {
	c := cursor{b: payload}
	c.want(GetBodyChunk)
	want = c.u16()
	if err := c.end(); err != nil {
		return 0, err
	}
	if want == 0 {
		return 0, ErrWant
	}
	return want, nil
}

// want checks the type byte.
func (c *cursor) want(t Type) {
	if got := c.u8(); c.err == nil && Type(got) != t {
		c.fail(ErrType)
	}
}

// end reports the first error, or that bytes are left over.
func (c *cursor) end() error {
	if c.err == nil && len(c.b) != 0 {
		c.fail(ErrTrailing)
	}
	return c.err
}

// AppendChunk appends one SEND_BODY_CHUNK. data holds at most MaxChunk bytes of the
// packet size in use; no data is a flush.
func AppendChunk(dst, data []byte) []byte {
	start := len(dst)
	dst = appendHead(dst, toWeb0, toWeb1)
	dst = append(dst, byte(SendBodyChunk), byte(len(data)>>8), byte(len(data)))
	dst = append(dst, data...)
	return patchLength(append(dst, 0), start)
}

// AppendEnd appends an END_RESPONSE.
func AppendEnd(dst []byte, reuse bool) []byte {
	r := byte(0)
	if reuse {
		r = 1
	}
	return append(dst, toWeb0, toWeb1, 0, 2, byte(EndResponse), r)
}

// AppendGetBody appends a GET_BODY_CHUNK that asks for at most n bytes, n being
// MaxBody of the packet size in use.
func AppendGetBody(dst []byte, n int) []byte {
	return append(dst, toWeb0, toWeb1, 0, 3, byte(GetBodyChunk), byte(n>>8), byte(n))
}
