package conformance

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

const (
	mixedClients = 16
	mixedRounds  = 60
)

// TestMixed lets many clients ask one member at the same time, some of them for
// answers that misbehave. Nobody may ever get the bytes of another one, and the
// good requests must all succeed.
func TestMixed(t *testing.T) {
	bad := badAnswers()
	member := ajptest.New(t, mixedHandler(bad))
	pool := newPool(enginetest.Member("tomcat1", table.AJP, member.Addr()))
	pool.Conns.Max = 8 // fewer than clients, so that connections change hands
	_, front := enginetest.Start(t, enginetest.Table(t, pool))

	var wg sync.WaitGroup
	for n := range mixedClients {
		wg.Go(func() {
			c := dial(t, front)
			for i := range mixedRounds {
				id := fmt.Sprintf("c%d-%d", n, i)
				if err := mixedRequest(c, id, (n*7+i*3)%10 < 4, (n+i)%len(bad)); err != nil {
					t.Errorf("request %s: %v", id, err)
					return
				}
				if c.spent {
					c = dial(t, front)
				}
			}
		})
	}
	wg.Wait()
	counts := map[string]int{}
	for _, e := range member.Requests() {
		if counts[e.ID]++; counts[e.ID] > 1 {
			t.Errorf("request %s was delivered twice", e.ID)
		}
	}
	if want := mixedClients * mixedRounds; len(counts) != want {
		t.Errorf("the member saw %d requests, want %d", len(counts), want)
	}
}

// mixedRequest asks for one answer and checks that it is this request's. spent
// is set when the connection cannot carry another one.
func mixedRequest(c *client, id string, bad bool, which int) error {
	path := "/good"
	if bad {
		path = fmt.Sprintf("/bad/%d", which)
	}
	body := strings.Repeat(id+" ", 100)
	if _, err := fmt.Fprintf(c.c, "POST %s HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", path, id, len(body), body); err != nil {
		return err
	}
	r, err := c.read(false)
	if bad && (errors.Is(err, errBroken) || errors.Is(err, io.EOF)) {
		c.spent = true
		if r == nil {
			return nil
		}
	} else if err != nil {
		return err
	}
	if bad && r.status == 502 {
		return nil
	}
	if got := r.get("X-Request-Id"); r.status != 200 && !bad || got != id {
		return fmt.Errorf("got status %d with the id %q", r.status, got)
	}
	if whole := "good " + body; bad && !strings.HasPrefix(whole, string(r.body)) || !bad && string(r.body) != whole {
		return fmt.Errorf("got the body %.80q", r.body)
	}
	// An answer that was whole before the member misbehaved may be followed by a
	// reset of its connection at any time.
	c.spent = c.spent || bad
	return nil
}

// badAnswers are ways to spoil an answer made of a head, a body and an end. They
// say which bytes to send, and whether a reset follows.
func badAnswers() []func(head, body, end string) (answer string, reset bool) {
	return []func(head, body, end string) (string, bool){
		func(head, body, end string) (string, bool) { return "", true },
		func(head, body, end string) (string, bool) { return head, true },
		func(head, body, end string) (string, bool) { return head[:10], false },
		func(head, body, end string) (string, bool) { return head + body[:len(body)/2], false },
		func(head, body, end string) (string, bool) { return head + body + end[:3], true },
		func(head, body, end string) (string, bool) { return head + body + end + head + body + end, false },
		func(head, body, end string) (string, bool) { return head + head + body + end, false },
		func(head, body, end string) (string, bool) { return body + head + end, false },
		func(head, body, end string) (string, bool) { return head + body + "XX" + end, false },
		func(head, body, end string) (string, bool) { return cpong + head + body + end, false },
		func(head, body, end string) (string, bool) { return head + body + end + "A", false },
		func(head, body, end string) (string, bool) { return head + flush + body[:20], true },
	}
}

func mixedHandler(bad []func(head, body, end string) (string, bool)) ajptest.Handler {
	return func(c *ajptest.Conn) {
		for {
			r, err := c.ReadRequest()
			if err != nil {
				return
			}
			got, err := c.ReadBody(r)
			if err != nil {
				return
			}
			body := "good " + string(got)
			h := string(ajp.AppendSendHeaders(nil, 200, "200", echoFields(r, ajp.Field("Content-Length", strconv.Itoa(len(body))))...))
			var which int
			if n, _ := fmt.Sscanf(string(r.URI), "/bad/%d", &which); n == 0 {
				if c.Send([]byte(h+data(body)+endOK)) != nil {
					return
				}
				continue
			}
			answer, reset := bad[which](h, data(body), endOK)
			_ = c.Send([]byte(answer))
			if reset {
				c.Reset()
			} else {
				c.CloseWrite()
				c.AwaitClose()
			}
			return
		}
	}
}
