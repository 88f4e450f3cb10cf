package canned

import (
	"encoding/binary"
	"strconv"
)

// Packet types and the two coded headers needed here, as in Tomcat's
// org.apache.coyote.ajp.Constants.
const (
	typeForward      = 2
	typeSendChunk    = 3
	typeSendHeaders  = 4
	typeEndResponse  = 5
	typeGetBodyChunk = 6
	typeCPong        = 9
	typeCPing        = 10

	responseContentType   = 0xa001
	responseContentLength = 0xa003
	requestContentLength  = 0xa008
)

func ajpString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(append(b, s...), 0)
}

// ajpPacket wraps a payload in the container's magic "AB" and its length.
func ajpPacket(b, payload []byte) []byte {
	b = append(b, 'A', 'B')
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

// ajpAnswer is the whole answer in packets of at most packetSize bytes.
func ajpAnswer(size, packetSize int) []byte {
	head := []byte{typeSendHeaders, 0, 200}
	head = ajpString(head, "200")
	head = append(head, 0, 2)
	head = binary.BigEndian.AppendUint16(head, responseContentType)
	head = ajpString(head, "text/html;charset=UTF-8")
	head = binary.BigEndian.AppendUint16(head, responseContentLength)
	head = ajpString(head, strconv.Itoa(size))
	b := ajpPacket(nil, head)
	for body := pattern(size); len(body) > 0; {
		// 4 of packet head, type, length and the closing zero: 8 bytes.
		n := min(len(body), packetSize-8)
		chunk := append([]byte{typeSendChunk}, byte(n>>8), byte(n))
		chunk = append(append(chunk, body[:n]...), 0)
		b = ajpPacket(b, chunk)
		body = body[n:]
	}
	return ajpPacket(b, []byte{typeEndResponse, 1})
}

var cpong = ajpPacket(nil, []byte{typeCPong})

// takeAJP handles every complete packet in c.in and returns their length.
func (c *conn) takeAJP(s *Server) (used int, ok bool) {
	for {
		b := c.in[used:]
		if len(b) < 4 {
			return used, true
		}
		if b[0] != 0x12 || b[1] != 0x34 {
			return used, false
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < n {
			return used, true
		}
		used += n
		if !c.packet(s, b[4:n]) {
			return used, false
		}
	}
}

func (c *conn) packet(s *Server, p []byte) bool {
	if c.body {
		return c.bodyPacket(s, p)
	}
	if len(p) == 0 {
		return false
	}
	switch p[0] {
	case typeCPing:
		return c.send(s, cpong)
	case typeForward:
		n, ok := forwardLength(p)
		if !ok {
			return false
		}
		if n > 0 {
			// The first body packet comes without being asked for.
			c.left, c.body = n, true
			return true
		}
		return c.respond(s)
	}
	return false
}

func (c *conn) bodyPacket(s *Server, p []byte) bool {
	got := 0
	if len(p) >= 2 {
		got = int(binary.BigEndian.Uint16(p))
	}
	// An empty packet ends the body early.
	if c.left -= int64(got); c.left <= 0 || got == 0 {
		c.left, c.body = 0, false
		return c.respond(s)
	}
	ask := uint16(min(c.left, int64(s.options.PacketSize-6)))
	return c.send(s, ajpPacket(nil, []byte{typeGetBodyChunk, byte(ask >> 8), byte(ask)}))
}

// forwardLength reads the content length out of a FORWARD_REQUEST, 0 if there
// is none. Not ok: the packet ends too early or the length is no number.
func forwardLength(p []byte) (length int64, ok bool) {
	r := reader{p, true}
	r.skip(2) // type, method
	for range 5 {
		r.text() // protocol, URI, remote address, remote host, server name
	}
	r.skip(3) // port, TLS flag
	for range r.u16() {
		var name []byte
		code := 0
		if len(r.b) > 0 && r.b[0] == 0xa0 {
			code = r.u16()
		} else {
			name = r.text()
		}
		value := r.text()
		if code != requestContentLength && string(name) != "content-length" {
			continue
		}
		v, err := strconv.ParseUint(string(value), 10, 62)
		if err != nil {
			return 0, false
		}
		length = int64(v)
	}
	return length, r.ok
}

// reader walks a packet; after the first read beyond the end ok is false and
// everything reads as empty.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) skip(n int) []byte {
	if len(r.b) < n {
		r.b, r.ok = nil, false
		return nil
	}
	got := r.b[:n]
	r.b = r.b[n:]
	return got
}

func (r *reader) u16() int {
	if b := r.skip(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

// text reads a string; the length 0xffff means null and has no closing zero.
func (r *reader) text() []byte {
	n := r.u16()
	if n == 0xffff {
		return nil
	}
	if b := r.skip(n + 1); b != nil {
		return b[:n]
	}
	return nil
}
