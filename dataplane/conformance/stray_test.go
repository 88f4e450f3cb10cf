package conformance

import (
	"strings"
	"testing"

	"github.com/catherd/catherd/ajp/ajptest"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/table"
)

// strays are what a member sends on a connection that has no request: a second
// answer is what Undertow sent after some bad requests (CVE-2022-1319).
var strays = map[string]struct{ ajp, http string }{
	"a second answer": {
		ajp:  head(200, "Injected", "1") + data("stray") + endOK,
		http: okHead + "Injected: 1\r\nContent-Length: 5\r\n\r\nstray",
	},
	"a second end":    {ajp: endOK, http: "\r\n"},
	"half a packet":   {ajp: "AB\x00", http: "HTTP/1.1 2"},
	"an unasked pong": {ajp: cpong, http: "HTTP/1.1 100 Continue\r\n\r\n"},
}

// TestStrayBytes has a member send bytes nobody asked for after an answer is
// over, when the connection is idle and the next request has not come yet. That
// request must get its own answer, over another connection.
func TestStrayBytes(t *testing.T) {
	for name, bytes := range strays {
		for _, kind := range []string{"ajp", "http"} {
			t.Run(strings.ReplaceAll(name, " ", "_")+"/"+kind, func(t *testing.T) {
				answered, sent := make(chan struct{}), make(chan struct{})
				var addr string
				scheme := table.AJP
				if kind == "ajp" {
					addr = ajptest.New(t, strayAJP(bytes.ajp, answered, sent)).Addr()
				} else {
					scheme = table.HTTP
					addr = newHTTPMember(t, strayHTTP(bytes.http, answered, sent)).addr()
				}
				pool := newPool(enginetest.Member("tomcat1", scheme, addr))
				_, front := enginetest.Start(t, enginetest.Table(t, pool))
				c := dial(t, front)
				goodRequest(t, c, "first")
				close(answered)
				<-sent
				for _, id := range []string{"second", "third", "fourth"} {
					goodRequest(t, c, id)
				}
			})
		}
	}
}

// strayAJP answers every request well, and sends the stray bytes behind the
// answer to the first one of the first connection.
func strayAJP(stray string, answered <-chan struct{}, sent chan<- struct{}) ajptest.Handler {
	return func(c *ajptest.Conn) {
		for n := 1; ; n++ {
			r, err := c.ReadRequest()
			if err != nil || answerGood(c, r) != nil {
				return
			}
			if c.Number == 1 && n == 1 {
				if !c.Wait(answered) {
					return
				}
				_ = c.Send([]byte(stray))
				close(sent)
			}
		}
	}
}

func strayHTTP(stray string, answered <-chan struct{}, sent chan<- struct{}) func(*httpConn) {
	return func(c *httpConn) {
		for n := 1; ; n++ {
			s, err := c.head()
			if err != nil || c.body(s) != nil || c.echo(s) != nil {
				return
			}
			if c.number == 1 && n == 1 {
				<-answered
				_ = c.send(stray)
				close(sent)
			}
		}
	}
}
