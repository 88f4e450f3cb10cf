package controlplane

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
)

const moving = `
listen: 8080
tribes: {group: "228.0.0.4:45564"}
pools:
  app:
    discover: {ajp_ports: [8009, 9009]}
    health: {every: 5s, slow_start: 0s}
`

// onePort answers on one port, whatever the host, and refuses on all others.
type onePort struct {
	mu   sync.Mutex
	port string
}

func (p *onePort) serve(port string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port = port
}

func (p *onePort) Probe(_ context.Context, t health.Target) health.Sample {
	time.Sleep(time.Millisecond) // of the bubble's time
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasSuffix(t.To.Addr, ":"+p.port) {
		return health.Sample{OK: true, Text: "cping ok"}
	}
	return health.Sample{Text: "connect refused", Fail: health.Refused}
}

// serving is the URL of the only member, when it takes requests.
func (w *world) serving() string {
	s := w.c.Status()
	if len(s.Pools[0].Members) != 1 || s.Pools[0].Members[0].State != compile.Ready {
		return s.Sentence
	}
	return s.Pools[0].Members[0].URL
}

// A Tomcat is killed and started again on another of its ports before it is
// missed: the verdict comes last, and nothing is heard after it.
func TestMoveBeforeItIsMissed(t *testing.T) {
	var ears *paperEars
	port := &onePort{port: "8009"}
	play(t, moving, func(o *Options) { o.Prober = port; onPaper(&ears)(o) }, func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 21*time.Second, n)
		w.expect(w.serving(), "ajp://10.0.0.1:8009")
		port.serve("9009")
		w.pass(1500 * time.Millisecond)
		ears.beat(w, 20*time.Second, &node{host: "10.0.0.1", id: 2, began: time.Now()})
		w.expect(w.serving(), "ajp://10.0.0.1:9009")
	})
}
