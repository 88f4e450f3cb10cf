package behaviour

import (
	"bytes"
	"strings"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// A small answer that comes in three packets, each in a segment of its own,
// reaches the client in at most two reads: head and body together, and the end
// of a chunked body.
func TestSmallAnswerIsFewWrites(t *testing.T) {
	for _, length := range []bool{true, false} {
		srv := ajptest.New(t, func(c *ajptest.Conn) {
			for {
				if _, err := c.ReadRequest(); err != nil {
					return
				}
				var fields []ajp.HeaderField
				if length {
					fields = append(fields, ajp.Field("Content-Length", "5"))
				}
				_ = c.Headers(200, fields...)
				_ = c.Chunk([]byte("hello"))
				_ = c.End(true)
			}
		})
		_, addr := run(t, enginetest.Table(t, newPool(enginetest.Member("a", table.AJP, srv.Addr()))))
		c := enginetest.Dial(t, addr)
		end := []byte("hello")
		if !length {
			end = []byte("hello\r\n0\r\n\r\n")
		}
		for range 200 {
			if _, err := c.Write([]byte(head("GET", "1", 0))); err != nil {
				t.Fatal(err)
			}
			var got []byte
			reads := 0
			for !bytes.HasSuffix(got, end) {
				b := make([]byte, 4096)
				n, err := c.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				if reads++; reads == 1 && !strings.Contains(string(b[:n]), "hello") {
					t.Fatalf("the head came alone: %q", b[:n])
				}
				got = append(got, b[:n]...)
			}
			if reads > 2 {
				t.Fatalf("%d reads", reads)
			}
		}
	}
}
