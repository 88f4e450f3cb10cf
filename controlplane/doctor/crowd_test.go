package doctor

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
)

// gate lets so many connections in at a time; the others wait, as behind
// maxConnections.
func gate(limit int, h handler) handler {
	room := make(chan struct{}, limit)
	return func(n int, c net.Conn) {
		q := &queued{Conn: c, data: make(chan []byte, 64)}
		go q.fill() // ends with the pipe
		room <- struct{}{}
		defer func() { <-room }()
		h(n, q)
	}
}

// queued takes what is sent before anybody reads it, as a kernel does.
type queued struct {
	net.Conn
	data chan []byte
}

func (q *queued) fill() {
	defer close(q.data)
	for {
		b := make([]byte, 4096)
		n, err := q.Conn.Read(b)
		if err != nil {
			return
		}
		q.data <- b[:n]
	}
}

func (q *queued) Read(b []byte) (int, error) {
	d, ok := <-q.data
	if !ok {
		return 0, io.EOF
	}
	return copy(b, d), nil
}

func TestCrowd(t *testing.T) {
	f := func(s Subject, limit int, want, names string) {
		t.Helper()
		// The channel belongs to the bubble, so the peer is made inside.
		r := examineWith(t, s, lazily(func() handler { return gate(limit, (&container{}).serve) }))
		wants(t, r, want)
		if !strings.Contains(r.Text("", 0, 1000), names) {
			t.Errorf("nothing says %q:\n%s", names, r.Text("", 0, 1000))
		}
	}
	f(Subject{Max: 256}, 3, "max-connections", "set connections.max: 3 here")
	f(Subject{Max: 256}, 20, "", "cping")
	f(Subject{Max: 256, Deep: true}, 20, "max-connections", "connections 20 of 21")
	f(Subject{Deep: true}, 20, "max-connections", "without limit")
	f(Subject{Max: 4}, 4, "", "cping") // never more than ours
}

// lazily makes the peer with its first connection.
func lazily(f func() handler) handler {
	made := make(chan handler, 1)
	made <- nil
	return func(n int, c net.Conn) {
		h := <-made
		if h == nil {
			h = f()
		}
		made <- h
		h(n, c)
	}
}

// pool is a container whose requests and pings take one of so many threads
// while they are served.
func pool(threads int) handler {
	room := make(chan struct{}, threads)
	return func(n int, c net.Conn) {
		p := &pooled{Conn: c, room: room}
		defer p.release()
		(&container{}).serve(n, p)
	}
}

// pooled takes a thread when a first byte comes and gives it back when an
// answer is complete.
type pooled struct {
	net.Conn
	room chan struct{}
	busy bool
}

func (p *pooled) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err == nil && !p.busy {
		p.room <- struct{}{}
		p.busy = true
	}
	return n, err
}

func (p *pooled) Write(b []byte) (int, error) {
	if p.busy && (bytes.HasSuffix(b, ajp.AppendEnd(nil, true)) || bytes.Equal(b, ajp.AppendCPong(nil))) {
		p.release()
	}
	return p.Conn.Write(b)
}

func (p *pooled) release() {
	if p.busy {
		p.busy = false
		<-p.room
	}
}

func TestThreads(t *testing.T) {
	f := func(s Subject, threads int, want, names string) {
		t.Helper()
		r := examineWith(t, s, lazily(func() handler { return pool(threads) }))
		wants(t, r, want)
		if !strings.Contains(r.Text("", 0, 1000), names) {
			t.Errorf("nothing says %q:\n%s", names, r.Text("", 0, 1000))
		}
	}
	f(Subject{Max: 256, Deep: true}, 5, "max-threads", "set connections.max: 5 here")
	f(Subject{Max: 256, Deep: true}, 1, "max-threads", "set connections.max: 1 here")
	f(Subject{Max: 10, Deep: true}, 50, "", "requests 10")
	f(Subject{Max: 256}, 5, "", "idle") // not looked for

	// An application that wants the byte first, and a server that does not wait
	// for it: nothing can be measured, so nothing is said.
	for _, waits := range []bool{true, false} {
		r := examineWith(t, Subject{Max: 256, Deep: true, KeepFor: time.Second}, func(_ int, c net.Conn) {
			in := &inbox{Conn: c, packet: ajp.DefaultPacket}
			for {
				payload, err := in.next()
				if err != nil {
					return
				}
				var req ajp.Request
				out := ajp.AppendEnd(ajp.AppendSendHeaders(nil, 200, ""), true)
				if ajp.ParseCPing(payload) == nil {
					out = ajp.AppendCPong(nil)
				} else if req.Parse(payload) == nil && req.Header("content-length") != nil && waits {
					continue
				}
				if _, err := c.Write(out); err != nil {
					return
				}
			}
		})
		wants(t, r, "")
		if strings.Contains(r.Text("", 0, 1000), "requests") {
			t.Errorf("claims what it did not measure: %s", r.Text("", 0, 1000))
		}
	}
}
