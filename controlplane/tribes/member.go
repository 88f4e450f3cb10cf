package tribes

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"time"
)

// Reasons why bytes are not a member package. Every prefix of a valid package
// is ErrShort.
var (
	ErrShort  = errors.New("member package ends too early")
	ErrBegin  = errors.New("member package without its begin marker")
	ErrLength = errors.New("member package with lengths that contradict each other")
	ErrHost   = errors.New("member package whose host is neither 4 nor 16 bytes long")
	ErrEnd    = errors.New("member package without its end marker")
)

// Markers and the stop command, from org.apache.catalina.tribes.membership:
// MemberImpl.TRIBES_MBR_BEGIN, TRIBES_MBR_END and
// org.apache.catalina.tribes.Member.SHUTDOWN_PAYLOAD. The same from Tomcat 7
// to 12.
const (
	memberBegin  = "TRIBES-B\x01\x00"
	memberEnd    = "TRIBES-E\x01\x00"
	stopCommand  = "BABY-ALEX"
	fixedBody    = 49                                          // a body without host, command, domain and payload
	memberHead   = len(memberBegin) + 4                        // up to the body
	MinHeartbeat = memberHead + fixedBody + 4 + len(memberEnd) // bytes of the smallest heartbeat, with an IPv4 host
)

// ID is the unique id of one incarnation of a member: 16 random bytes drawn
// when its cluster element starts (UUIDGenerator.randomUUID).
type ID [16]byte

// String returns the first four bytes in hexadecimal: enough to tell two
// incarnations apart, short enough to be read.
func (id ID) String() string { return hex.EncodeToString(id[:4]) }

// Member is the package that describes one node (MemberImpl.getData). It is
// the heartbeat, and the sender's address inside every frame.
//
// Command, Domain and Payload of a parsed member are views of the bytes it was
// parsed from, dead when those are.
type Member struct {
	Host       netip.Addr // of the replication receiver, 4 or 16 bytes on the wire
	Port       int32      // TCP port of the replication receiver
	SecurePort int32      // -1 for none; nothing in Tomcat uses it
	UDPPort    int32      // -1 for none
	ID         ID
	Alive      int64  // milliseconds since the member started, as it says
	Command    []byte // empty in normal life
	Domain     []byte // ISO-8859-1
	Payload    []byte // opaque
}

// Stopping reports whether the member says that it is shutting down.
func (m *Member) Stopping() bool { return string(m.Command) == stopCommand }

// Age returns Alive as a duration: never negative, at most 100 years.
func (m *Member) Age() time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return time.Duration(min(max(m.Alive, 0), int64(most/time.Millisecond))) * time.Millisecond
}

// Parse reads the member package at the beginning of b and returns its length.
// What follows it is left alone: Tomcat ignores it as well. Nothing is
// allocated.
func Parse(b []byte, m *Member) (int, error) {
	if !begins(b, memberBegin) {
		return 0, ErrBegin
	}
	if len(b) < memberHead {
		return 0, ErrShort
	}
	length := int(int32(binary.BigEndian.Uint32(b[len(memberBegin):])))
	if length < fixedBody || length > math.MaxUint16 {
		return 0, ErrLength
	}
	total := memberHead + length + len(memberEnd)
	if len(b) < total {
		return 0, ErrShort
	}
	body := b[memberHead : memberHead+length]
	m.Alive = int64(binary.BigEndian.Uint64(body))
	m.Port = int32(binary.BigEndian.Uint32(body[8:]))
	m.SecurePort = int32(binary.BigEndian.Uint32(body[12:]))
	m.UDPPort = int32(binary.BigEndian.Uint32(body[16:]))
	host := int(body[20])
	if host != 4 && host != 16 {
		return 0, ErrHost
	}
	rest := body[21:]
	if len(rest) < host {
		return 0, ErrLength
	}
	m.Host, _ = netip.AddrFromSlice(rest[:host])
	var ok bool
	if m.Command, rest, ok = counted(rest[host:]); !ok {
		return 0, ErrLength
	}
	if m.Domain, rest, ok = counted(rest); !ok || len(rest) < len(m.ID) {
		return 0, ErrLength
	}
	copy(m.ID[:], rest)
	if m.Payload, rest, ok = counted(rest[len(m.ID):]); !ok || len(rest) != 0 {
		return 0, ErrLength
	}
	if string(b[total-len(memberEnd):total]) != memberEnd {
		return 0, ErrEnd
	}
	return total, nil
}

// Append writes the package of m behind dst. An invalid Host is written as
// 0.0.0.0.
func (m *Member) Append(dst []byte) []byte {
	host := m.Host
	if !host.IsValid() {
		host = netip.IPv4Unspecified()
	}
	size := host.BitLen() / 8
	dst = append(dst, memberBegin...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(fixedBody+size+len(m.Command)+len(m.Domain)+len(m.Payload)))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Alive))
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.Port))
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.SecurePort))
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.UDPPort))
	dst = append(dst, byte(size))
	if host.Is4() {
		four := host.As4()
		dst = append(dst, four[:]...)
	} else {
		sixteen := host.As16()
		dst = append(dst, sixteen[:]...)
	}
	dst = appendCounted(dst, m.Command)
	dst = appendCounted(dst, m.Domain)
	dst = append(dst, m.ID[:]...)
	dst = appendCounted(dst, m.Payload)
	return append(dst, memberEnd...)
}

// counted splits a field that is preceded by its length off b.
func counted(b []byte) (field, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > len(b)-4 {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

func appendCounted(dst, field []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(field)))
	return append(dst, field...)
}

// begins reports whether b agrees with the marker as far as b goes, so that a
// prefix is short and not wrong.
func begins(b []byte, marker string) bool {
	n := min(len(b), len(marker))
	return string(b[:n]) == marker[:n]
}
