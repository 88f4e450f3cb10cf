package behaviour

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/dataplane/enginetest"
)

// A connector with ajpFlush="false" sends the head of an answer alone and nothing
// for a long time. The first one is held, as what follows is usually on its way;
// then the member is known for it. A held head comes 200 ms late at least, so one
// that comes earlier was not held.
func TestHeadsAreNotHeldForLong(t *testing.T) {
	next := make(chan struct{})
	a := startAJP(t, func(c conn) {
		x := c.(*ajpConn).c
		for {
			if _, ok := c.next(); !ok {
				return
			}
			_ = x.Headers(200, ajp.Field("X-Node", "a"))
			if !x.Wait(next) {
				return
			}
			_ = x.Send(ajp.AppendChunk(nil, []byte("late")), ajp.AppendEnd(nil, true))
		}
	})
	_, addr := run(t, enginetest.Table(t, newPool(a.as("a"))))
	c := dial(t, addr)
	early := false
	for range 20 {
		c.send(head("GET", "1", 0))
		since := time.Now()
		res, err := http.ReadResponse(c.br, nil)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(since)
		next <- struct{}{}
		if b, err := io.ReadAll(res.Body); string(b) != "late" || err != nil {
			t.Fatalf("%q, %v", b, err)
		}
		if took < 150*time.Millisecond {
			early = true
			break
		}
	}
	if !early {
		t.Error("every head was held")
	}
}
