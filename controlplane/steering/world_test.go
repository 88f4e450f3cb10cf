package steering

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/bpf/steer"
	"github.com/catherd/catherd/dataplane"
	"github.com/catherd/catherd/dataplane/enginetest"
	"github.com/catherd/catherd/dataplane/frontend"
)

// able skips what needs the program, only where the kernel does not let it.
func able(t *testing.T) {
	t.Helper()
	g, err := steer.New()
	if errors.Is(err, bpf.ErrPermission) || errors.Is(err, bpf.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = g.Close()
}

// served is an engine under a Steering, with an address of its own.
type served struct {
	*testing.T
	s    *Steering
	e    *dataplane.Engine
	addr *net.TCPAddr
	log  *bytes.Buffer
}

func start(t *testing.T, loops int, p Plan) served {
	t.Helper()
	w := served{T: t, log: new(bytes.Buffer)}
	w.s = New(p, slog.New(slog.NewTextHandler(w.log, nil)))
	e, err := dataplane.New(enginetest.Limits, loops, func(msg, what string) { t.Logf("warning: %s: %s", msg, what) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Publish(enginetest.Table(t, enginetest.Pool()))
	e.SetSteering(w.s)
	addrs, err := e.Listen([]frontend.Spec{{Address: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	w.e, w.addr = e, addrs[0].(*net.TCPAddr)
	return w
}

// hold keeps a loop busy until the returned function is called.
func (w served) hold(loop int) (release func()) {
	w.Helper()
	held, over := make(chan struct{}), make(chan struct{})
	if !w.e.Do(loop, func() { close(held); <-over }) {
		w.Fatalf("there is no loop %d", loop)
	}
	<-held
	var once bool
	release = func() {
		if !once {
			once = true
			close(over)
		}
	}
	w.Cleanup(release)
	return release
}

func (w served) dial() net.Conn {
	w.Helper()
	c, err := net.Dial("tcp4", w.addr.String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a request and waits for the beginning of the answer.
func (w served) ask(c net.Conn) {
	w.Helper()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		w.Fatal(err)
	}
	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 503" {
		w.Fatalf("answer %q, %v", b, err)
	}
}

// status is that of the only address.
func (w served) status() Status {
	w.Helper()
	all := w.s.Status()
	if len(all) != 1 {
		w.Fatalf("%d addresses: %+v", len(all), all)
	}
	return all[0]
}

func (w served) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			w.Fatalf("not in 10 s: %s: %+v", what, w.s.Status())
		}
		_ = w.e.Steer()
	}
}

// queues are how many connections wait at each listener of the address, by proc(5)
// (net/tcp, rx_queue of a listening socket).
func (w served) queues() (n []int) {
	w.Helper()
	data, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		w.Fatal(err)
	}
	port := fmt.Sprintf(":%04X", w.addr.Port)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasSuffix(f[1], port) || f[3] != "0A" {
			continue
		}
		_, rx, _ := strings.Cut(f[4], ":")
		v, err := strconv.ParseUint(rx, 16, 32)
		if err != nil {
			w.Fatal(err)
		}
		n = append(n, int(v))
	}
	slices.Sort(n)
	return n
}

// group opens so many listeners of one address.
func listeners(t *testing.T, n int) (fds []int) {
	t.Helper()
	address := "127.0.0.1:0"
	for range n {
		c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
		}}
		c.SetMultipathTCP(false)
		l, err := c.Listen(context.Background(), "tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		address = l.Addr().String()
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) }); err != nil {
			t.Fatal(err)
		}
	}
	return fds
}
