package health

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/table"
)

// tape is a connection that plays bytes and forgets what is written.
type tape struct {
	net.Conn
	in io.Reader
}

func (c *tape) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *tape) Write(b []byte) (int, error) { return len(b), nil }
func (c *tape) SetDeadline(time.Time) error { return nil }
func (c *tape) LocalAddr() net.Addr         { return &net.UnixAddr{} }

// FuzzAnswer feeds whatever a member may send. A good sample must begin with
// a CPONG and have a head that says 200; there is always a text, in one line.
func FuzzAnswer(f *testing.F) {
	pong := ajp.AppendCPong(nil)
	f.Add(append(bytes.Clone(pong), answer(200, true)...))
	f.Add(append(bytes.Clone(pong), answer(403, false)...))
	f.Add(append(ajp.AppendGetBody(bytes.Clone(pong), 10), answer(200, true)...))
	f.Add([]byte("HTTP/1.1 400 \r\n\r\n"))
	f.Add([]byte{0x15, 3, 3, 0, 2, 2, 0x50})
	f.Fuzz(func(t *testing.T, data []byte) {
		to := Target{
			To:       table.Target{Addr: "127.0.0.1:8009"},
			Settings: Settings{Timeout: time.Second, Request: &Request{Path: "/", Expect: []Range{{200, 200}}}},
		}
		s := probeAJP(&tape{in: bytes.NewReader(data)}, to)
		to.Settings.Request.Body = "page"
		if b := probeAJP(&tape{in: bytes.NewReader(data)}, to); b.OK && !s.OK || b.Text == "" || strings.ContainsAny(b.Text, "\r\n\x00") {
			t.Fatalf("with a body %v %q, without %v for %s", b.OK, b.Text, s.OK, hex.EncodeToString(data))
		}
		if s.Text == "" || strings.ContainsAny(s.Text, "\r\n\x00") {
			t.Fatalf("text %q for %s", s.Text, hex.EncodeToString(data))
		}
		if s.OK && (!bytes.HasPrefix(data, pong) || !bytes.Contains(data, []byte{byte(ajp.SendHeaders), 0, 200})) {
			t.Fatalf("%q for %s", s.Text, hex.EncodeToString(data))
		}
	})
}
