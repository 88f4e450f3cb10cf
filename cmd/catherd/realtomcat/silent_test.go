package realtomcat

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/controlplane/doctor"
)

// queueFull: what a dead connector does not take stays in its queue until nothing fits.
func (w *ward) queueFull(t *testing.T) {
	for range 20 {
		c, err := net.DialTimeout("tcp", w.addr["dead-full"], 500*time.Millisecond)
		if err != nil {
			break
		}
		defer c.Close()
	}
	s := doctor.Subject{Protocol: doctor.AJP, Addr: w.addr["dead-full"], Connect: 300 * time.Millisecond}
	if r := doctor.Examine(t.Context(), s); !r.Has("filtered") {
		t.Errorf("full queue: %s", r.Text("", 0, 100))
	}
}

// silentFor says that a connector accepts and is silent now, and that the finding names
// the attribute.
func (w *ward) silentFor(t *testing.T, connector, attribute string) {
	t.Helper()
	s := doctor.Subject{Protocol: doctor.AJP, Addr: w.addr[connector], Patience: time.Second, Ping: time.Second}
	if r := doctor.Examine(t.Context(), s); !r.Has("silent") || !strings.Contains(r.Findings[0].String(), attribute) {
		t.Errorf("%s: %s", connector, r.Text("", 0, 100))
	}
}

// wellAgain says that it was silent for no other reason.
func (w *ward) wellAgain(t *testing.T, connector string) {
	t.Helper()
	s := doctor.Subject{Protocol: doctor.AJP, Addr: w.addr[connector], Patience: patience, Ping: patience, Max: 2}
	if r := doctor.Examine(t.Context(), leisure(s)); !r.OK() {
		t.Errorf("%s afterwards: %s", connector, r.Text("", 0, 100))
	}
}

// hold opens connections that have been served once, and sends something on each.
func (w *ward) hold(t *testing.T, connector string, n int, send []byte) (release func()) {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := net.DialTimeout("tcp", w.addr[connector], patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
		_ = c.SetDeadline(time.Now().Add(patience))
		var pong [5]byte
		if _, err := c.Write(ajp.AppendCPing(nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, pong[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(send); err != nil {
			t.Fatal(err)
		}
		if len(send) > 0 { // the answer begins, so a thread is at it
			if _, err := io.ReadFull(c, pong[:]); err != nil || ajp.Type(pong[4]) != ajp.SendHeaders {
				t.Fatalf("answer % x, %v", pong, err)
			}
		}
	}
	return func() {
		for _, c := range all {
			c.Close()
		}
	}
}

// connectionsFull: maxConnections are open already.
func (w *ward) connectionsFull(t *testing.T) {
	release := w.hold(t, "few", 3, nil)
	w.silentFor(t, "few", "maxConnections")
	release()
	w.wellAgain(t, "few")
}

// threadsFull: every thread waits for a body that was announced.
func (w *ward) threadsFull(t *testing.T) {
	r := ajp.Request{Line: ajp.Line{Method: []byte("GET"), Protocol: []byte("HTTP/1.1"), URI: []byte("/app/status"),
		RemoteAddr: []byte("127.0.0.1"), ServerName: []byte("localhost"), ServerPort: 80}}
	r.Headers = []ajp.HeaderField{{Name: []byte("content-length"), Value: []byte("1"), Code: ajp.ReqContentLength}}
	head, err := r.Append(nil, ajp.DefaultPacket)
	if err != nil {
		t.Fatal(err)
	}
	release := w.hold(t, "threads", 3, head)
	w.silentFor(t, "threads", "maxThreads")
	release()
	w.wellAgain(t, "threads")
}

// operate is a page that lets a connector do what JMX offers.
const operate = `<%@ page import="java.lang.management.ManagementFactory,javax.management.*" %><%
MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
for (ObjectName n : beans.queryNames(new ObjectName("Catalina:type=Connector,*"), null)) {
  if (request.getParameter("port").equals(n.getKeyProperty("port"))) {
    beans.invoke(n, request.getParameter("do"), null, null);
    out.print("done");
  }
}
%>`

// paused: the connector takes no requests for a while.
func (w *ward) paused(t *testing.T) {
	_, port, _ := strings.Cut(w.addr["allowing"], ":")
	do := func(what string) {
		t.Helper()
		resp, err := http.Get("http://" + w.HTTPAddr() + "/ops/connector.jsp?port=" + port + "&do=" + what)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "done" {
			t.Fatalf("%s: %s %s, %v", what, resp.Status, text, err)
		}
	}
	do("pause")
	w.silentFor(t, "allowing", "paused")
	do("resume")
	w.wellAgain(t, "allowing")
}

// frozen: a stopped process accepts through its kernel and says nothing.
func (w *ward) frozen(t *testing.T) {
	if err := w.Pause(); err != nil {
		t.Fatal(err)
	}
	s := doctor.Subject{Protocol: doctor.AJP, Addr: w.AJPAddr(), Patience: time.Second}
	if r := doctor.Examine(t.Context(), s); !r.Has("silent") {
		t.Errorf("frozen: %s", r.Text("", 0, 100))
	}
	if err := w.Resume(); err != nil {
		t.Fatal(err)
	}
	s.Patience, s.Ping = patience, patience
	if r := doctor.Examine(t.Context(), leisure(s)); !r.OK() {
		t.Errorf("thawed: %s", r.Text("", 0, 100))
	}
}
