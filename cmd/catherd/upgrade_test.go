package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/tomcat"
)

// reign is a balancer in processes of their own, one after the other.
type reign struct {
	*testing.T
	dir, file, socket string
	front, other      string // addresses of clients
	admin             string
	browser           *http.Client
	cookie            string
}

// newReign starts the first process with two pretend Tomcats behind it.
func newReign(t *testing.T, env ...string) *reign {
	t.Helper()
	free, err := freeAddresses(3)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := &reign{T: t, dir: dir, file: filepath.Join(dir, "catherd.yaml"), socket: filepath.Join(dir, "admin.sock"),
		front: free[0], other: free[1], admin: free[2],
		browser: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	sessions := tomcat.NewSessions()
	text := "listen: " + r.front + "\nadmin: {listen: \"" + r.admin + "\", socket: \"" + r.socket + "\"}\npools:\n  app:\n    members:\n"
	for _, name := range []string{"tomcat1", "tomcat2"} {
		s, err := tomcat.Start(tomcat.Options{Route: name, AJP: "127.0.0.1:0", Sessions: sessions})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		text += "      " + name + ": ajp://" + s.AJPAddr() + "\n"
	}
	if err := os.WriteFile(r.file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// Processes whose parent has ended become ours, so that their end can be seen.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("catherd", "run", "-c", r.file)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := cmd.Process.Pid
	_ = cmd.Process.Release() // waited for as all the others
	t.Cleanup(func() { r.end(first) })
	r.until("the first process serves", func() bool {
		s, _, err := statusAt(r.socket)
		return err == nil && !checking(s)
	})
	return r
}

// until waits for something that is about to happen.
func (r *reign) until(what string, f func() bool) {
	r.Helper()
	for deadline := time.Now().Add(15 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("waited for: %s; the log:\n%s", what, r.log())
		}
	}
}

func (r *reign) log() string {
	text, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// end stops the process that serves, and waits for it and for the first one.
func (r *reign) end(first int) {
	pids := []int{first}
	if s, _, err := statusAt(r.socket); err == nil && s.PID != first {
		pids = append(pids, s.PID)
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGTERM)
	}
	for _, pid := range pids {
		r.until("all processes have ended", func() bool { return over(pid) })
	}
	if _, err := os.Stat(r.socket); err == nil {
		r.Errorf("the socket was left behind; the log:\n%s", r.log())
	}
}

// over reports whether a child has ended.
func over(pid int) bool {
	_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return unix.Kill(pid, 0) != nil
}

// does runs a command against it, wants an exit code, and returns all output.
func (r *reign) does(code int, args ...string) string {
	r.Helper()
	var out bytes.Buffer
	e := &env{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
	if got := execute(r.Context(), e, append(args, "--socket", r.socket)); got != code {
		r.Fatalf("%v: exit code %d, want %d: %s\nthe log:\n%s", args, got, code, out.String(), r.log())
	}
	return out.String()
}

func (r *reign) pid() int {
	r.Helper()
	s, _, err := statusAt(r.socket)
	if err != nil {
		r.Fatal(err)
	}
	return s.PID
}

// get asks the balancer, in one session.
func (r *reign) get(url string) string {
	r.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Cookie", r.cookie)
	resp, err := r.browser.Do(req)
	if err != nil {
		r.Fatalf("%v; the log:\n%s", err, r.log())
	}
	defer resp.Body.Close()
	if c := resp.Header.Get("Set-Cookie"); c != "" {
		r.cookie, _, _ = strings.Cut(c, ";")
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp.Status + "\n" + string(body)
}

func (r *reign) want(text string, words ...string) {
	r.Helper()
	for _, w := range words {
		if !regexp.MustCompile(`(?m)` + w).MatchString(text) {
			r.Errorf("no %q in\n%s", w, text)
		}
	}
}

// change replaces a text in the configuration.
func (r *reign) change(from, to string) {
	r.Helper()
	text, err := os.ReadFile(r.file)
	if err != nil || !bytes.Contains(text, []byte(from)) {
		r.Fatalf("no %q in the file, %v", from, err)
	}
	if err := os.WriteFile(r.file, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o644); err != nil {
		r.Fatal(err)
	}
}

// The next process knows what the one before knew, and works by the file as it is now.
func TestUpgradeCarriesOver(t *testing.T) {
	r := newReign(t)
	counter := "http://" + r.front + "/app/counter"
	r.want(r.get(counter), "count=1 ")
	r.does(exitFine, "drain", "tomcat1", "--reason", "deploy 4.2")
	r.does(exitFine, "weight", "tomcat2", "7")
	old := r.pid()
	r.want(r.does(exitFine, "upgrade"), `^unversioned serves \(pid \d+\) in the place of unversioned \(pid \d+\), after \d+ ms$`)
	now := r.pid()
	if now == old {
		t.Fatal("the same process answers")
	}
	r.want(r.does(exitFine, "status"), `tomcat1  drain .*deploy 4\.2`, "^catherd unversioned")
	r.want(r.does(exitFine, "members"), `tomcat2 .* 7 `)
	r.want(r.does(exitFine, "events"), `upgraded .* by root`, `override set`)
	r.want(r.get(counter), "count=2 ")
	// The browser's connection stayed with the old process, which tells what it counts
	// a moment later.
	both := regexp.MustCompile(`(?m)^catherd_requests_total\{member="tomcat[12]",pool="app",status="2xx"\} 2$`)
	r.until("the requests of both processes are counted", func() bool { return both.MatchString(r.get("http://" + r.admin + "/metrics")) })
	r.until("the old process has ended", func() bool { return over(old) })

	// A listener is added and one is dropped.
	r.change("listen: "+r.front, "listen: "+r.other)
	r.want(r.does(exitFine, "upgrade", "-o", "json"), `"pid": \d+`, `"old_pid": `+fmt.Sprint(now))
	r.want(r.get("http://"+r.other+"/app/counter"), "count=3 ")
	r.until("the address is free", func() bool {
		c, err := net.Dial("tcp", r.front)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	r.until("the second process has ended", func() bool { return over(now) })

	// What was asked of the processes before can be taken back, and is kept on disk
	// by whoever serves.
	r.does(exitFine, "ready", "tomcat1")
	kept, err := os.ReadFile(r.socket + ".overrides.json")
	if err != nil || bytes.Contains(kept, []byte("drain")) || !bytes.Contains(kept, []byte(`"weight": 7`)) {
		t.Errorf("kept: %s, %v", kept, err)
	}
}

// A Tomcat that a process before still uses is not safe to stop.
func TestStopAfterUpgrade(t *testing.T) {
	r := newReign(t)
	connect := func() net.Conn {
		c, err := net.Dial("tcp", r.front)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	say := func(c net.Conn, text string) {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	idle, busy := connect(), connect()
	say(idle, "GET /app/status HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || resp.Close {
		t.Fatal(resp, err)
	}
	say(busy, "POST /app/upload HTTP/1.1\r\nHost: a\r\nCookie: JSESSIONID=F.tomcat1\r\nContent-Length: 6\r\n\r\nbeg")
	elder := func(idle, inFlight int64) func() bool {
		return func() bool {
			s, _, err := statusAt(r.socket)
			if err != nil {
				t.Fatal(err)
			}
			m := s.Member("app", "tomcat1")
			return len(s.Elders) == 1 && s.Elders[0].Known && s.Elders[0].Idle == idle && s.Elders[0].InFlight[m.URL] == inFlight
		}
	}
	r.until("the upload is on its way", func() bool {
		s, _, err := statusAt(r.socket)
		return err == nil && s.Member("app", "tomcat1").InFlight == 1
	})
	old := r.pid()
	r.does(exitFine, "upgrade")
	r.until("the old process has said what is left", elder(1, 1))
	const not = `^not safe to stop after .*: `
	r.want(r.does(exitFailed, "stop", "tomcat1", "--wait", "--deadline", "1ms"), not+"1 in flight, .*1 connection of a process before")
	say(busy, "end")
	r.until("the upload has ended", elder(1, 0))
	r.want(r.does(exitFailed, "stop", "tomcat1", "--wait", "--deadline", "1ms"), not+"0 in flight, .*1 connection of a process before")
	_ = idle.Close()
	r.want(r.does(exitFine, "stop", "tomcat1", "--wait"), "^nothing in flight after .*; safe to stop")
	r.until("the old process has ended", func() bool { return over(old) })
}

// A process that cannot serve takes nothing over, and nobody notices.
func TestUpgradeThatFails(t *testing.T) {
	r := newReign(t)
	pid, counter := r.pid(), "http://"+r.front+"/app/counter"
	refused := func(why string, args ...string) {
		t.Helper()
		r.want(r.does(exitFailed, append([]string{"upgrade"}, args...)...), why)
		r.want(r.get(counter), "^200 OK")
		if got := r.pid(); got != pid {
			t.Fatalf("pid %d answers, not %d", got, pid)
		}
	}
	refused(`ended before it served \(exit status 1\)`, "--binary", "/bin/false")
	refused(`it is no Catherd`, "--binary", "/bin/true")
	refused(`no such file`, "--binary", filepath.Join(r.dir, "nothing"))
	refused(`permission denied`, "--binary", r.file)
	r.change("pools:", "polls:")
	refused(`the new process refuses: .*catherd\.yaml:\d+`)
	r.change("polls:", "pools:")
	r.change("listen: "+r.front, "listen: ["+r.front+", \"192.0.2.77:8080\"]")
	refused(`the new process refuses: .*192\.0\.2\.77:8080`)
	r.change("listen: ["+r.front+", \"192.0.2.77:8080\"]", "listen: "+r.front)
	r.want(r.does(exitFine, "events"), "not upgraded .*exit status 1")
	// Operators and the file are heard again.
	r.does(exitFine, "drain", "tomcat1")
	r.does(exitFine, "reload")
	r.want(r.does(exitFine, "upgrade"), " serves ")
	r.want(r.does(exitFine, "status"), "tomcat1  drain ")
}

// tryUpgrade has a process replaced as a document shows it.
func tryUpgrade(t *testing.T, args []string) {
	program, err := exec.LookPath("catherd")
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		if a == "./catherd-next" {
			args[i] = program
		}
	}
	r := newReign(t)
	r.want(r.does(exitFine, args...), " serves ")
}

// No request over the network starts a program.
func TestUpgradeIsLocal(t *testing.T) {
	p := start(t, "")
	resp, err := http.Post(p.adminURL(t)+"api/v1/upgrade", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusForbidden {
		t.Error(resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
}

// systemd learns which process the service is, in the right order.
func TestUpgradeTellsSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	next := func() string {
		b := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	await := func(begin string) string {
		t.Helper()
		for range 200 {
			if text := next(); strings.HasPrefix(text, begin) {
				return text
			} else if strings.HasPrefix(text, "STOPPING=1") {
				t.Fatalf("got %q before %q", text, begin)
			}
		}
		t.Fatalf("%q has not come", begin)
		return ""
	}
	r := newReign(t, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000")
	await("READY=1\n")
	r.does(exitFailed, "upgrade", "--binary", "/bin/false")
	await("RELOADING=1\n")
	await("READY=1\n")
	old := r.pid()
	r.does(exitFine, "upgrade")
	await("RELOADING=1\n")
	if text, want := await("MAINPID="), fmt.Sprintf("MAINPID=%d\nREADY=1\n", r.pid()); !strings.HasPrefix(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
	await("READY=1\n") // the new process itself
	r.until("the old process has ended", func() bool { return over(old) })
	await("WATCHDOG=1") // its own: WATCHDOG_PID is not the old one's
}

// Sockets that systemd has opened are used, and passed on.
func TestSocketActivation(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	s, err := tomcat.Start(tomcat.Options{Route: "a", AJP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	r := &reign{T: t, dir: dir, socket: filepath.Join(dir, "admin.sock"),
		browser: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	// systemd knows the number of the process before it starts the program.
	cmd := exec.Command("sh", "-c", "LISTEN_PID=$$ exec catherd run --admin none --socket "+r.socket+" --listen "+addr+" ajp://"+s.AJPAddr())
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{f}
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := cmd.Process.Pid
	_ = cmd.Process.Release()
	_ = f.Close()
	t.Cleanup(func() { r.end(first) })
	r.until("it serves", func() bool { _, _, err := statusAt(r.socket); return err == nil })
	r.want(r.get("http://"+addr+"/app/status"), "^200 OK")
	r.does(exitFine, "upgrade")
	r.until("the first process has ended", func() bool { return over(first) })
	r.want(r.get("http://"+addr+"/app/status"), "^200 OK")
}

// A program that does nothing is given up after a while.
func TestHeirThatSaysNothing(t *testing.T) {
	x := &process{e: &env{stdout: io.Discard, stderr: io.Discard, again: &again{args: []string{"sleep", "1000"}, environ: os.Environ}}}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	h, err := x.spawn(sleep)
	if err != nil {
		t.Fatal(err)
	}
	h.until = time.Now()
	_, err = h.receive("ready")
	if err == nil || !strings.Contains(err.Error(), "did not serve within 30s") {
		t.Error(err)
	}
	_ = h.end(err)
	if err := h.cmd.Process.Signal(unix.Signal(0)); err == nil {
		t.Error("it runs on")
	}
}

func TestHeirEnv(t *testing.T) {
	got := heirEnv([]string{"A=1", "WATCHDOG_PID=5", "LISTEN_FDS=2", "WATCHDOG_USEC=7", "CATHERD_UPGRADE_FD=3", "LISTEN_PID=5"})
	if strings.Join(got, " ") != "A=1 WATCHDOG_USEC=7" {
		t.Error(got)
	}
}
