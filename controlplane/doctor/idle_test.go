package doctor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// closing is a container that closes a connection after so long without a
// packet: one that has not been used after fresh, else after idle; 0 never.
func closing(fresh, idle time.Duration) handler {
	return func(n int, c net.Conn) {
		d := &deadlined{Conn: c, limit: fresh, next: idle}
		(&container{}).serve(n, d)
	}
}

// deadlined is a connection whose first read may take limit, later ones next.
type deadlined struct {
	net.Conn
	limit, next time.Duration
}

func (d *deadlined) Read(b []byte) (int, error) {
	deadline := time.Time{}
	if d.limit > 0 {
		deadline = time.Now().Add(d.limit)
	}
	if err := d.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := d.Conn.Read(b)
	d.limit = d.next
	return n, err
}

func TestIdle(t *testing.T) {
	f := func(s Subject, fresh, idle time.Duration, want, names string) {
		t.Helper()
		r := examineWith(t, s, closing(fresh, idle))
		wants(t, r, want)
		if !strings.Contains(r.Text("", 0, 1000), names) {
			t.Errorf("nothing says %q:\n%s", names, r.Text("", 0, 1000))
		}
	}
	f(Subject{}, 0, 0, "", "idle 3.0 s kept")
	f(Subject{}, 0, 2*time.Second, "keep-alive", `after 2.0 s; we keep them for 60 s. keepAliveTimeout`)
	f(Subject{}, 2*time.Second, 2*time.Second, "keep-alive", "connectionTimeout of the connector")
	f(Subject{}, 2*time.Second, 0, "connection-timeout", "note: ")
	// Beyond what is watched nothing is claimed, with Deep it is.
	f(Subject{}, 0, 20*time.Second, "", "idle 3.0 s kept")
	f(Subject{Deep: true}, 0, 20*time.Second, "keep-alive", `keepAliveTimeout="70000"`)
	// As long as ours is no fault.
	f(Subject{KeepFor: time.Second}, 0, 1100*time.Millisecond, "", "closed after 1.1 s")
	f(Subject{KeepFor: time.Second}, 0, 0, "", "idle 1.2 s kept")
	f(Subject{Deep: true, KeepFor: 10 * time.Second}, 0, 0, "", "idle 11.0 s kept")
}

// A connection that a firewall forgot stays open and leads nowhere.
func TestIdleCut(t *testing.T) {
	r := examineWith(t, Subject{}, func(n int, c net.Conn) {
		var quiet time.Time
		(&container{}).serve(n, &forgetful{Conn: c, last: &quiet})
	})
	wants(t, r, "idle-cut")
}

// forgetful drops what comes after two quiet seconds.
type forgetful struct {
	net.Conn
	last *time.Time
}

func (f *forgetful) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		if err != nil || f.last.IsZero() || time.Since(*f.last) < 2*time.Second {
			*f.last = time.Now()
			return n, err
		}
	}
}

// web is a peer that answers one page after the other.
func web(head string, requests *int) handler {
	var mu sync.Mutex
	return func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			mu.Lock()
			*requests++
			mu.Unlock()
			if req.Host == "wrong.test" {
				_, err = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			} else {
				_, err = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok", head)
			}
			if err != nil {
				return
			}
		}
	}
}

func TestWeb(t *testing.T) {
	f := func(s Subject, head, want string) {
		t.Helper()
		n := 0
		s.Protocol = HTTP
		wants(t, examineWith(t, s, web(head, &n)), want)
		if n > 3+smallCrowd {
			t.Errorf("%d requests for one examination", n)
		}
	}
	f(Subject{Path: page}, "200 OK", "")
	f(Subject{Path: page}, "200 OK\r\nKeep-Alive: timeout=20", "keep-alive")
	f(Subject{Path: page, KeepFor: 15 * time.Second}, "200 OK\r\nKeep-Alive: timeout=20", "")
	f(Subject{Path: page}, "404 Not Found", "not-found")
	f(Subject{Path: page}, "503 Service Unavailable", "unavailable")
	f(Subject{}, "503 Service Unavailable", "")
	f(Subject{Path: page, Host: "wrong.test"}, "200 OK", "host-wrong")
	f(Subject{Path: page}, "302 Found\r\nLocation: https://tomcat.test:8443/", "redirect-secure")
}

func TestAnnounced(t *testing.T) {
	f := func(field string, want time.Duration) {
		t.Helper()
		if got := announced(field); got != want {
			t.Errorf("%q: %s, want %s", field, got, want)
		}
	}
	f("", 0)
	f("timeout=20", 20*time.Second)
	f("max=5, Timeout=7", 7*time.Second)
	f("timeout=-1", 0)
	f("timeout=99999999999999999999", 0)
	f("timeout", 0)
}
