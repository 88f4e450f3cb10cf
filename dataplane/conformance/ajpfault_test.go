package conformance

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// Outcomes of a request to a misbehaving member.
const (
	broken = -1 // part of an answer, then a reset
	either = -2 // 502 or broken: it depends on what had been sent by then
	undone = -3 // whole or broken: the body was whole, the exchange was not
)

// fault is one way of a member to misbehave.
type fault struct {
	name string
	// request is sent to the member by a client, with $ID for its id; the
	// default is a POST with a short body, which is never repeated.
	request string
	want    int    // status, broken, either or undone
	body    string // of an answer that is passed on whole
	blame   bool   // the member's fault counters rise although want is below 500
	reuse   bool   // the member may be asked again on this connection
	good    bool   // nothing is wrong
	late    bool   // with time-outs short enough to wait for them
	packet  int    // packet size on both sides, 0: default
	ajp     func(c *ajptest.Conn, r *ajptest.Request)
	http    func(c *httpConn, s *seen)
}

const badPost = "POST /bad HTTP/1.1\r\nHost: a\r\nX-Request-Id: $ID\r\nContent-Length: 4\r\n\r\nbody"
const badGet = "GET /bad HTTP/1.1\r\nHost: a\r\nX-Request-Id: $ID\r\n\r\n"
const badHead = "HEAD /bad HTTP/1.1\r\nHost: a\r\nX-Request-Id: $ID\r\n\r\n"

// echoFields are the fields that every good answer carries.
func echoFields(r *ajptest.Request, more ...ajp.HeaderField) []ajp.HeaderField {
	return append([]ajp.HeaderField{ajp.Field("X-Request-Id", r.ID)}, more...)
}

// answerGood serves a request well: its id in a field and in the body.
func answerGood(c *ajptest.Conn, r *ajptest.Request) error {
	if _, err := c.FirstBody(r); err != nil {
		return err
	}
	body := []byte("good " + r.ID)
	return c.Send(
		ajp.AppendSendHeaders(nil, 200, "200", echoFields(r, ajp.Field("Content-Length", strconv.Itoa(len(body))))...),
		ajp.AppendChunk(nil, body), ajp.AppendEnd(nil, true))
}

// handler serves good requests and plays f on the bad ones. A request that comes
// behind a fault on the same connection is counted in reused.
func (f *fault) handler(reused *atomic.Int64) ajptest.Handler {
	return func(c *ajptest.Conn) {
		if f.packet > 0 {
			c.Packet = f.packet
		}
		for {
			r, err := c.ReadRequest()
			if err != nil {
				return
			}
			if string(r.URI) != "/bad" {
				if answerGood(c, r) != nil {
					return
				}
				continue
			}
			_, _ = c.FirstBody(r)
			f.ajp(c, r)
			if f.reuse {
				continue
			}
			if rest := c.AwaitClose(); strings.Contains(string(rest), "good") {
				reused.Add(1)
			}
			return
		}
	}
}

// member gives the address of a member that plays f, and its kind.
func (f *fault) member(t *testing.T, reused *atomic.Int64) (string, table.Scheme) {
	if f.ajp != nil {
		return ajptest.New(t, f.handler(reused)).Addr(), table.AJP
	}
	return newHTTPMember(t, f.httpHandler(reused)).addr(), table.HTTP
}

// play sends a good request, the bad one on the same connection, and three good
// ones after it.
func (f *fault) play(t *testing.T) {
	var reused atomic.Int64
	addr, scheme := f.member(t, &reused)
	pool := newPool(enginetest.Member("tomcat1", scheme, addr))
	if f.packet > 0 {
		pool.PacketSize = f.packet
	}
	tab := enginetest.Table(t, pool)
	e, front := enginetest.Start(t, tab)
	c := dial(t, front)
	goodRequest(t, c, "before")
	if f.late {
		e.Publish(impatient(t, pool, f.want == 504))
	}

	request := f.request
	if request == "" {
		request = badPost
	}
	c.send(strings.ReplaceAll(request, "$ID", "bad"))
	r, err := c.read(strings.HasPrefix(request, "HEAD"))
	for err == nil && r.status < 200 {
		r, err = c.read(false)
	}
	f.verdict(t, r, err)
	e.Publish(tab)
	if !f.good {
		c = dial(t, front)
	}
	for i := range 3 {
		goodRequest(t, c, fmt.Sprintf("after%d", i))
	}
	if n := reused.Load(); n > 0 {
		t.Errorf("the connection carried %d requests after the fault", n)
	}
	var faults uint64
	for i := range pool.Members[0].Live.Faults {
		faults += pool.Members[0].Live.Faults[i].Load()
	}
	if blamed := faults > 0; f.want != undone && blamed != (f.want < 0 || f.want >= 500 && !f.good || f.blame) {
		t.Errorf("the member has %d faults on its account", faults)
	}
}

// verdict compares what the client got with what it should have got.
func (f *fault) verdict(t *testing.T, r *reply, err error) {
	t.Helper()
	if r != nil {
		for _, name := range []string{"Injected", "Transfer-Encoding-", "X-Hop"} {
			if len(r.all(name)) > 0 {
				t.Errorf("the client got the field %s: %q", name, r.fields)
			}
		}
	}
	gone := errors.Is(err, errBroken) || errors.Is(err, io.EOF)
	switch {
	case f.want == broken && gone, f.want == either && gone, f.want == undone && gone:
	case err != nil:
		t.Errorf("got %+v, %v; want %d", r, err, f.want)
	case f.want == either && r.status == 502:
	case f.want == undone && string(r.body) == f.body:
	case r.status != f.want:
		t.Errorf("got status %d (%q), want %d", r.status, r.get("Catherd-Reason"), f.want)
	case (r.status < 500 || f.good) && string(r.body) != f.body:
		t.Errorf("got the body %.60q, want %.60q", r.body, f.body)
	case r.status < 500 && r.get("X-Request-Id") != "bad":
		t.Errorf("got the answer of another request: %q", r.fields)
	case r.status >= 500 && !f.good && len(r.all("Catherd-Reason")) != 1:
		t.Errorf("no reason is given: %q", r.fields)
	}
}

// goodRequest asks for /good and insists on its own answer.
func goodRequest(t *testing.T, c *client, id string) {
	t.Helper()
	c.send("GET /good HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + id + "\r\n\r\n")
	r, err := c.read(false)
	if err != nil {
		t.Fatalf("good request %s: %v", id, err)
	}
	if r.status != 200 || r.get("X-Request-Id") != id || string(r.body) != "good "+id {
		t.Fatalf("good request %s: %d %q %.60q", id, r.status, r.fields, r.body)
	}
}

func playFaults(t *testing.T, list []fault, atLeast int) {
	t.Helper()
	if len(list) < atLeast {
		t.Fatalf("%d cases, want at least %d", len(list), atLeast)
	}
	names := map[string]bool{}
	for i := range list {
		f := &list[i]
		if names[f.name] {
			t.Fatalf("name used twice: %s", f.name)
		}
		names[f.name] = true
		t.Run(strings.ReplaceAll(f.name, " ", "_"), f.play)
	}
}
