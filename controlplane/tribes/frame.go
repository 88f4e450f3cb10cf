package tribes

import (
	"encoding/binary"
	"errors"
)

// Reasons why bytes are not a frame.
var (
	ErrFrameShort  = errors.New("frame ends too early")
	ErrFrameBegin  = errors.New("frame without its begin marker")
	ErrFrameLength = errors.New("frame with an impossible length")
	ErrFrameEnd    = errors.New("frame without its end marker")
)

// Markers of a frame, org.apache.catalina.tribes.io.XByteBuffer.START_DATA and
// END_DATA. A datagram that begins with one carries messages that a member
// broadcast with the send option 0x40 (Channel.SEND_OPTIONS_MULTICAST).
const (
	frameBegin = "FLT2002"
	frameEnd   = "TLF2003"
	frameHead  = len(frameBegin) + 4
)

// MaxFrame is the largest data of a frame that ParseFrame accepts. Tomcat has
// no limit; what is broadcast cannot exceed a datagram.
const MaxFrame = 1 << 16

// ParseFrame splits the first frame off b and returns its data, a view of b,
// and its whole length. More frames may follow.
func ParseFrame(b []byte) (data []byte, n int, err error) {
	if !begins(b, frameBegin) {
		return nil, 0, ErrFrameBegin
	}
	if len(b) < frameHead {
		return nil, 0, ErrFrameShort
	}
	size := int(int32(binary.BigEndian.Uint32(b[len(frameBegin):])))
	if size < 0 || size > MaxFrame {
		return nil, 0, ErrFrameLength
	}
	n = frameHead + size + len(frameEnd)
	if len(b) < n {
		return nil, 0, ErrFrameShort
	}
	if string(b[frameHead+size:n]) != frameEnd {
		return nil, 0, ErrFrameEnd
	}
	return b[frameHead : frameHead+size], n, nil
}

// AppendFrame writes data as one frame behind dst.
func AppendFrame(dst, data []byte) []byte {
	dst = append(dst, frameBegin...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	dst = append(dst, data...)
	return append(dst, frameEnd...)
}
