package tomcat

import (
	"io"

	"github.com/catherd/catherd/ajp"
)

// body reads a request body the way Tomcat asks for it (org.apache.coyote.ajp.AjpProcessor,
// SocketInputBuffer): the first packet of a declared body comes unasked, every further
// one is asked for, and after the last byte one more question is answered by the empty
// packet. Without a declared length it asks from the start.
type body struct {
	c         *container
	data      []byte // of the last packet, not yet read; a view of the container's buffer
	unasked   bool   // the first packet is still to come, unasked
	ended     bool
	failed    error
	remaining int64 // declared bytes still to come; -1: unknown
}

func newBody(c *container, length int64) *body {
	b := &body{c: c, remaining: length, unasked: length > 0}
	b.ended = length == 0 // Tomcat 8.5 and later does not ask then
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for len(b.data) == 0 {
		if b.failed != nil {
			return 0, b.failed
		}
		if b.ended {
			return 0, io.EOF
		}
		if !b.unasked {
			ask := ajp.AppendGetBody(nil, ajp.MaxBody(b.c.server.options.PacketSize))
			if _, err := b.c.conn.Write(ask); err != nil {
				b.failed = err
				return 0, err
			}
		}
		b.failed = b.receive()
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

// receive takes one body packet.
func (b *body) receive() error {
	b.unasked = false
	payload, err := b.c.packet()
	if err != nil {
		return err
	}
	if b.data, err = ajp.ParseBody(payload); err != nil {
		return err
	}
	if len(b.data) == 0 {
		b.ended = true
		if b.remaining > 0 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	if b.remaining >= 0 {
		if b.remaining -= int64(len(b.data)); b.remaining < 0 {
			return io.ErrUnexpectedEOF // more than declared
		}
	}
	return nil
}

// Close implements io.Closer.
func (b *body) Close() error { return nil }

// settle brings the connection back in step before the answer ends: the packet that
// comes unasked is taken and dropped, further ones were never asked for. The head of the
// answer goes out first, as Tomcat's does. A body that broke makes the connection useless.
func (b *body) settle(w *answer) error {
	if b.unasked {
		if err := w.flushHead(); err != nil {
			return err
		}
		b.failed = b.receive()
		b.data = nil
	}
	return b.failed
}
