package tomcat

import (
	"net"
	"net/http"
	"strconv"

	"github.com/catherd/catherd/ajp"
)

// answer is the http.ResponseWriter over AJP. Packets are collected and written when
// they are many, on Flush, and at the end: a small answer is one write.
type answer struct {
	container *container
	method    string
	header    http.Header
	status    int
	out       []byte // packets not yet written
	pending   []byte // body bytes not yet in a packet
	committed bool   // the head is in out or gone
	err       error
}

// writeAt is how many bytes of packets are collected before they are written.
const writeAt = 64 << 10

// headRoom is for what is in a SEND_HEADERS packet beside the headers: the packet head,
// type, status, its text of three digits, and the count.
const headRoom = 4 + 1 + 2 + 6 + 2

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter; the first call counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// bodiless tells whether body bytes must not be sent (RFC 9112 section 6.3).
func (a *answer) bodiless() bool {
	return a.method == http.MethodHead || a.status < 200 || a.status == 204 || a.status == 205 || a.status == 304
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.bodiless() {
		return len(p), nil
	}
	a.pending = append(a.pending, p...)
	chunk := ajp.MaxChunk(a.container.server.options.PacketSize)
	at := 0
	for len(a.pending)-at > chunk {
		a.commit(-1)
		a.out = ajp.AppendChunk(a.out, a.pending[at:at+chunk])
		at += chunk
		if len(a.out) >= writeAt {
			a.write()
		}
	}
	a.pending = a.pending[:copy(a.pending, a.pending[at:])]
	return len(p), a.err
}

// commit puts the head into out. length is the whole body when it is known, else -1.
func (a *answer) commit(length int) {
	if a.committed {
		return
	}
	a.committed = true
	a.WriteHeader(http.StatusOK)
	if length >= 0 && a.header.Get("Content-Length") == "" && !a.bodiless() {
		a.header.Set("Content-Length", strconv.Itoa(length))
	}
	fields, room := []ajp.HeaderField(nil), a.container.server.options.PacketSize-headRoom
	for name, values := range a.header {
		for _, value := range values {
			fields = append(fields, ajp.Field(name, value))
			room -= len(name) + len(value) + 6 // two lengths, two NULs
		}
	}
	if room < 0 { // a whole head has to fit one packet
		a.status, fields, a.pending = http.StatusInternalServerError, nil, nil
	}
	// Tomcat 8.5 and later sends the number as the text.
	a.out = ajp.AppendSendHeaders(a.out, a.status, strconv.Itoa(a.status), fields...)
}

func (a *answer) write() {
	if a.err == nil && len(a.out) > 0 {
		_, a.err = a.container.conn.Write(a.out)
	}
	a.out = a.out[:0]
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.commit(-1)
	if len(a.pending) > 0 {
		a.out = ajp.AppendChunk(a.out, a.pending)
		a.pending = a.pending[:0]
	} else {
		a.out = ajp.AppendChunk(a.out, nil) // Tomcat's flush packet
	}
	a.write()
}

// flushHead writes the head, with the length when the body is complete already.
func (a *answer) flushHead() error {
	a.commit(len(a.pending))
	a.write()
	return a.err
}

// finish ends the answer; the connection may be used again when it returns nil.
func (a *answer) finish() error {
	a.commit(len(a.pending))
	if len(a.pending) > 0 {
		a.out = ajp.AppendChunk(a.out, a.pending)
	}
	a.out = ajp.AppendEnd(a.out, true)
	a.write()
	return a.err
}

// grab gives the connection to the application: no packet follows from here.
func (a *answer) grab() net.Conn {
	a.write()
	a.container.taken = true
	return a.container.conn
}
