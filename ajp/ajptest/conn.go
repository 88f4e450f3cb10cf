package ajptest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"

	"github.com/catherd/catherd/ajp"
)

// ErrSurplus is a request body longer than its content-length.
var ErrSurplus = errors.New("read request body: more bytes than content-length")

// Conn is one connection as the container sees it. Every step returns an error once
// the connection is closed by either side. A Conn is for its Handler alone.
type Conn struct {
	Number int // 1 for the first connection of the server
	Packet int // packet size in bytes; DefaultPacket unless a handler changes it

	tcp *net.TCPConn
	srv *Server
	buf []byte // received and not yet consumed
}

// Request is a request as it came, with its place in the ledger.
type Request struct {
	ajp.Request
	ID    string // X-Request-Id
	entry *Entry
	first bool // an announced body packet has not been read
}

// Send writes the bytes of all arguments in one write. They need not be packets.
func (c *Conn) Send(parts ...[]byte) error {
	_, err := c.tcp.Write(bytes.Join(parts, nil))
	return err
}

// ReadPacket reads one packet from the web server and returns its payload, which is
// the caller's. io.EOF is a close between packets, io.ErrUnexpectedEOF one inside.
func (c *Conn) ReadPacket() ([]byte, error) {
	for {
		payload, n, _, err := ajp.SplitRequest(c.buf, c.Packet)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			payload = bytes.Clone(payload)
			c.buf = c.buf[:copy(c.buf, c.buf[n:])]
			return payload, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

func (c *Conn) fill() error {
	var b [16 << 10]byte
	n, err := c.tcp.Read(b[:])
	c.buf = append(c.buf, b[:n]...)
	if n > 0 {
		return nil
	}
	if err == io.EOF && len(c.buf) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ReadRequest reads the next FORWARD_REQUEST, puts it into the ledger, and answers
// CPINGs that come before it. Any other packet is an error.
func (c *Conn) ReadRequest() (*Request, error) {
	for {
		payload, err := c.ReadPacket()
		if err != nil {
			return nil, err
		}
		if ajp.ParseCPing(payload) == nil {
			c.srv.update(func() { c.srv.pings++ })
			if err := c.Send(ajp.AppendCPong(nil)); err != nil {
				return nil, err
			}
			continue
		}
		r := new(Request)
		if err := r.Parse(payload); err != nil {
			return nil, err
		}
		length, err := r.BodyLength()
		if err != nil {
			return nil, err
		}
		r.ID, r.first = string(r.Header("x-request-id")), length > 0
		r.entry = &Entry{ID: r.ID, Conn: c.Number, Method: string(r.Method), URI: string(r.URI), Head: &r.Request}
		c.srv.record(r.entry)
		return r, nil
	}
}

// FirstBody reads the body packet that follows a positive content-length unasked. It
// gives nothing when none was announced or it was read before.
func (c *Conn) FirstBody(r *Request) ([]byte, error) {
	if !r.first {
		return nil, nil
	}
	r.first = false
	return c.bodyPacket()
}

// NextBody asks for up to n bytes of body and reads the packet that answers. No bytes
// and no error is the end of the body.
func (c *Conn) NextBody(n int) ([]byte, error) {
	if err := c.Send(ajp.AppendGetBody(nil, n)); err != nil {
		return nil, err
	}
	data, err := c.bodyPacket()
	if err == nil && len(data) > n {
		return nil, ErrSurplus
	}
	return data, err
}

func (c *Conn) bodyPacket() ([]byte, error) {
	payload, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	return ajp.ParseBody(payload)
}

// EachBody reads the whole body the way a Tomcat does whose application reads to the
// end: it goes on asking until the empty packet comes, also after the last byte of the
// content-length, but never asks when that is 0. It checks the declared length and
// completes the ledger entry.
func (c *Conn) EachBody(r *Request, f func(data []byte)) error {
	length, err := r.BodyLength()
	if err != nil {
		return err
	}
	sum, total := sha256.New(), int64(0)
	take := func(data []byte) {
		sum.Write(data)
		total += int64(len(data))
		if f != nil {
			f(data)
		}
		c.srv.update(func() { r.entry.BodyLen = total })
	}
	if length != 0 {
		var data []byte
		if length > 0 {
			data, err = c.FirstBody(r)
		} else {
			data, err = c.NextBody(ajp.MaxBody(c.Packet))
		}
		for err == nil && len(data) > 0 {
			if take(data); length >= 0 && total > length {
				return ErrSurplus
			}
			data, err = c.NextBody(ajp.MaxBody(c.Packet))
		}
		if err != nil {
			return err
		}
		if total < length {
			return io.ErrUnexpectedEOF
		}
	}
	c.srv.update(func() {
		r.entry.Complete, r.entry.Digest = true, hex.EncodeToString(sum.Sum(nil))
	})
	return nil
}

// ReadBody is EachBody into memory.
func (c *Conn) ReadBody(r *Request) (body []byte, err error) {
	err = c.EachBody(r, func(data []byte) { body = append(body, data...) })
	return body, err
}

// Headers sends a SEND_HEADERS. Fields are not checked: CR LF goes out as it is.
func (c *Conn) Headers(status int, fields ...ajp.HeaderField) error {
	return c.Send(ajp.AppendSendHeaders(nil, status, "", fields...))
}

// Chunk sends one SEND_BODY_CHUNK; no data is a flush.
func (c *Conn) Chunk(data []byte) error { return c.Send(ajp.AppendChunk(nil, data)) }

// End sends an END_RESPONSE.
func (c *Conn) End(reuse bool) error { return c.Send(ajp.AppendEnd(nil, reuse)) }

// Wait holds the script until ch is closed or gives a value. It reports false when the
// server closed first; the script then returns.
func (c *Conn) Wait(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-c.srv.done:
		return false
	}
}

// AwaitClose reads until the web server closes and returns what came before that.
func (c *Conn) AwaitClose() []byte {
	for {
		if err := c.fill(); err != nil {
			rest := c.buf
			c.buf = nil
			return rest
		}
	}
}

// CloseWrite sends FIN and can still read.
func (c *Conn) CloseWrite() { c.tcp.CloseWrite() }

// Close closes the connection: FIN, or RST when received bytes were not read.
func (c *Conn) Close() { c.tcp.Close() }

// Reset closes the connection with RST and drops what was not yet sent.
func (c *Conn) Reset() {
	c.tcp.SetLinger(0)
	c.tcp.Close()
}
