package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/catherd/catherd/bench/tomcat"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/config"
)

// running is a process inside this one, with two pretend Tomcats.
type running struct {
	file, socket string
	url          string // of the clients' side
	signals      chan os.Signal
	ended        chan int // the exit code
	out          *buffer  // what it wrote to stderr
	once         sync.Once
	code         int
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the typical configuration, with more of it at its end. A test that
// ends stops it and looks for goroutines that are left.
func start(t *testing.T, more string, change ...func(*env)) *running {
	t.Helper()
	leak := goleak.IgnoreCurrent()
	dir := t.TempDir()
	sessions := tomcat.NewSessions()
	var members strings.Builder
	var tomcats []*tomcat.Server
	for _, name := range []string{"tomcat1", "tomcat2"} {
		s, err := tomcat.Start(tomcat.Options{Route: name, AJP: "127.0.0.1:0", Sessions: sessions})
		if err != nil {
			t.Fatal(err)
		}
		tomcats = append(tomcats, s)
		members.WriteString("      " + name + ": ajp://" + s.AJPAddr() + "\n")
	}
	p := &running{
		file: filepath.Join(dir, "catherd.yaml"), socket: filepath.Join(dir, "admin.sock"),
		signals: make(chan os.Signal, 4), ended: make(chan int, 1), out: &buffer{},
	}
	free, err := freeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(more, "FRONT", free[0])
	if !strings.Contains(more, "listen:") {
		text = "listen: " + free[0] + "\n" + more
	}
	text += "\npools:\n  app:\n    health: {request: /app/status}\n    members:\n" + members.String() +
		"admin: {listen: \"" + free[1] + "\", socket: \"" + p.socket + "\"}\n"
	if err := os.WriteFile(p.file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e := p.env(io.Discard, p.out)
	e.signals = func() (<-chan os.Signal, func()) { return p.signals, func() {} }
	for _, f := range change {
		f(e)
	}
	go func() { p.ended <- execute(context.Background(), e, []string{"run", "-c", p.file}) }()
	t.Cleanup(func() {
		p.stop()
		for _, s := range tomcats {
			s.Close()
		}
		goleak.VerifyNone(t, leak, cleaner)
	})
	p.await(t, "a probe of each member", func() bool {
		s, _, err := statusAt(p.socket)
		return err == nil && !checking(s)
	})
	return p
}

// await waits for something that is about to happen.
func (p *running) await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s; it said:\n%s", what, p.out)
		}
	}
}

// stop ends the process as a service manager does and returns its exit code.
func (p *running) stop() int {
	p.once.Do(func() {
		p.signals <- syscall.SIGTERM
		p.code = <-p.ended
	})
	return p.code
}

// env is that of a command about this process.
func (p *running) env(out, err io.Writer) *env {
	return &env{stdout: out, stderr: err, getenv: func(name string) string {
		return map[string]string{"CATHERD_SOCKET": p.socket, "KERNEL": os.Getenv("KERNEL")}[name]
	}}
}

// adminURL is that of the admin side, which the log tells.
func (p *running) adminURL(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(p.out.String(), `"status":"`)
	if !ok {
		t.Fatalf("no address in\n%s", p.out)
	}
	url, _, _ := strings.Cut(rest, `"`)
	return url
}

// front is the URL of the first listener, which the log tells.
func (p *running) front(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(p.out.String(), `"listeners":["`)
	if !ok {
		t.Fatalf("no address in\n%s", p.out)
	}
	url, _, _ := strings.Cut(rest, `"`)
	return url
}

func TestServesAndEnds(t *testing.T) {
	p := start(t, "")
	web := &http.Client{Transport: &http.Transport{}}
	resp, err := web.Get(p.front(t) + "/app/counter")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "count=1") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	web.CloseIdleConnections()
	if code := p.stop(); code != exitFine {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(p.socket); err == nil {
		t.Error("the socket was left behind")
	}
}

// A request that takes long is finished by the first signal and cut by the
// second.
func TestSecondSignalCuts(t *testing.T) {
	p := start(t, "shutdown: 1h\n")
	done := make(chan error, 1)
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		resp, err := web.Get(p.front(t) + "/app/fault?do=hang")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	p.await(t, "the request", func() bool {
		s, _, err := statusAt(p.socket)
		return err == nil && s.Pools[0].Members[0].InFlight+s.Pools[0].Members[1].InFlight == 1
	})
	p.signals <- syscall.SIGTERM
	p.await(t, "the drain", func() bool {
		s, _, err := statusAt(p.socket)
		return err == nil && s.Draining
	})
	select {
	case code := <-p.ended:
		t.Fatalf("ended with %d while a request was running", code)
	case err := <-done:
		t.Fatalf("the request ended: %v", err)
	default:
	}
	p.signals <- syscall.SIGTERM
	p.once.Do(func() { p.code = <-p.ended })
	if p.code != exitFine {
		t.Errorf("exit code %d", p.code)
	}
	<-done
	if !strings.Contains(p.out.String(), "connections cut") {
		t.Errorf("it did not say that something was cut:\n%s", p.out)
	}
}

// On a terminal people read a block, and no JSON.
func TestBanner(t *testing.T) {
	p := start(t, "", func(e *env) { e.terminal = true })
	p.await(t, "the block", func() bool { return strings.Contains(p.out.String(), "\nready in ") })
	p.stop()
	text := p.out.String()
	f := func(want string) {
		t.Helper()
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	f("catherd unversioned   config " + p.file + " (")
	f("  serving   http://127.")
	f("  status    http://127.")
	f("  pool app  tomcat1 ajp 127.0.0.1:")
	f("(route tomcat1)   ready in ")
	f("            tomcat2 ajp 127.0.0.1:")
	if strings.Contains(text, "{") {
		t.Errorf("JSON on a terminal:\n%s", text)
	}
}

// The socket's place may not be writable: then everything else works.
func TestNoPlaceForTheSocket(t *testing.T) {
	var warned buffer
	a := &adminSide{
		log: slog.New(slog.NewTextHandler(&warned, nil)), server: admin.New(admin.Options{Metrics: prometheus.NewRegistry()}),
		getenv: func(string) string { return "" },
	}
	defer a.close()
	c := new(config.Config)
	c.Admin.Listen, c.Admin.Socket = none, "/sys/catherd/admin.sock" // nobody may make a folder there, root included
	if err := a.open(c); err != nil || a.socket != none || !strings.Contains(warned.String(), "--socket") {
		t.Errorf("%v, socket %q, warned: %s", err, a.socket, warned.String())
	}
	if a.address() != "" {
		t.Error("an address without a listener")
	}
}

// The admin address follows a reload, and stays when the new one is taken.
func TestAdminAddressFollows(t *testing.T) {
	free, err := freeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	var told buffer
	a := &adminSide{
		log: slog.New(slog.NewTextHandler(&told, nil)), server: admin.New(admin.Options{Metrics: prometheus.NewRegistry()}),
		getenv: func(string) string { return "" },
	}
	defer a.close()
	c := new(config.Config)
	c.Admin.Listen, c.Admin.Socket = free[0], none
	if err := a.open(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", free[1])
	if err != nil {
		t.Fatal(err)
	}
	c.Admin.Listen = free[1]
	a.follow(c)
	if got := a.address(); got != "http://"+free[0]+"/" || !strings.Contains(told.String(), "unchanged") {
		t.Errorf("address %s, told: %s", got, told.String())
	}
	l.Close()
	a.follow(c)
	if got := a.address(); got != "http://"+free[1]+"/" {
		t.Errorf("address %s", got)
	}
	c.Admin.Listen = none
	a.follow(c)
	if _, err := net.Dial("tcp", free[1]); err == nil || a.address() != "" {
		t.Error("it still listens")
	}
}

// Without the right to the default place, the socket is in the user's folder.
func TestUserSocket(t *testing.T) {
	dir := t.TempDir()
	getenv := func(name string) string { return map[string]string{"XDG_RUNTIME_DIR": dir}[name] }
	own := filepath.Join(dir, "catherd", "admin.sock")
	if got := userSocket(getenv); got != own {
		t.Errorf("%s, want %s", got, own)
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := dial(&env{getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]string{true: defaultSocket, false: own}[exists(defaultSocket)]; c.Socket() != want {
		t.Errorf("%s, want %s", c.Socket(), want)
	}
}

// systemd listens where a service manager does, and returns what reads the next
// message that is sent there.
func systemd(t *testing.T) (next func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		b := make([]byte, 4096)
		if err := l.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

// systemd is told what happens, in its words.
func TestNotify(t *testing.T) {
	heard := systemd(t)
	next := func(want ...string) {
		t.Helper()
		got := heard()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%q lacks %q", got, w)
			}
		}
	}
	p := start(t, "")
	next("READY=1", "STATUS=all well")
	p.signals <- syscall.SIGHUP
	next("RELOADING=1", "MONOTONIC_USEC=")
	next("READY=1")
	p.stop()
	next("STOPPING=1")
}

func TestStartedByMistake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	free, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := func(want string, code int, args ...string) {
		t.Helper()
		leak := goleak.IgnoreCurrent()
		var out bytes.Buffer
		e := &env{stdout: io.Discard, stderr: &out, getenv: func(string) string { return "" },
			signals: func() (<-chan os.Signal, func()) { return nil, func() {} }}
		if got := execute(t.Context(), e, append([]string{"run", "--state", "none"}, args...)); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit code %d, want %d and %q in\n%s", args, got, code, want, out.String())
		}
		goleak.VerifyNone(t, leak, cleaner)
	}
	socket := filepath.Join(dir, "s")
	f("another program listens there", exitFailed, "--socket", socket, "--admin", "none", "--listen", l.Addr().String(), "ajp://127.0.0.1:1")
	f("perhaps Catherd itself", exitFailed, "--socket", socket, "--admin", l.Addr().String(), "--listen", free[0], "ajp://127.0.0.1:1")
	f("something that is no socket", exitFailed, "--socket", dir, "--admin", "none", "--listen", free[0], "ajp://127.0.0.1:1")
	if err := os.WriteFile(filepath.Join(dir, "overrides"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("read overrides", exitFailed, "--socket", socket, "--admin", "none", "--listen", free[0], "--state", filepath.Join(dir, "overrides"), "ajp://127.0.0.1:1")
}

func TestTLSListener(t *testing.T) {
	dir := t.TempDir()
	first := writePair(t, dir, "one.example")
	p := start(t, "listen: {address: \"FRONT\", tls: {cert: "+dir+"/cert.pem, key: "+dir+"/key.pem}}\n")
	addr := strings.TrimPrefix(p.front(t), "https://")
	name := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("protocol %q", got)
		}
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := name(); got != "one.example" {
		t.Errorf("certificate of %s", got)
	}
	if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	// A new certificate counts from the next connection after a reload.
	writePair(t, dir, "two.example")
	p.signals <- syscall.SIGHUP
	p.await(t, "the reload", func() bool { return strings.Contains(p.out.String(), "reload applied") })
	if got := name(); got != "two.example" {
		t.Errorf("certificate of %s after the reload", got)
	}
	// One that does not fit its key changes nothing.
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), first, 0o600); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGHUP
	p.await(t, "the refusal", func() bool { return strings.Contains(p.out.String(), "reload refused") })
	if got := name(); got != "two.example" {
		t.Errorf("certificate of %s after a refused reload", got)
	}
}
