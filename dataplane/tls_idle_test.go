//go:build !race

package dataplane_test

import (
	"crypto/tls"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/catherd/catherd/dataplane/enginetest"
)

// A TLS connection between two requests holds no read buffer of ours.
func TestIdleTLSConnectionsAreSmall(t *testing.T) {
	const conns, each = 300, 34 << 10 // both ends are in this process, package tls is most of it
	addr := startTLS(t)
	inUse := func() int64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc + s.StackInuse)
	}
	cfg := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
	b := make([]byte, 4096)
	var open []*tls.Conn
	ask := func(c *tls.Conn) {
		if _, err := io.WriteString(c, "GET /app HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(b); n == 0 {
			t.Fatal(err)
		}
	}
	idle := func() {
		nc := enginetest.Dial(t, addr)
		_ = nc.SetDeadline(time.Now().Add(time.Minute))
		c := tls.Client(nc, cfg)
		ask(c)
		open = append(open, c)
	}
	for range 20 {
		idle()
	}
	before := inUse()
	for range conns {
		idle()
	}
	per := (inUse() - before) / conns
	t.Logf("%d bytes for each", per)
	if per > each {
		t.Errorf("an idle connection takes %d bytes", per)
	}
	for _, c := range open[:20] { // and is served again
		ask(c)
	}
}
