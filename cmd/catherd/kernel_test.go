package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/tomcat"
	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/kernel"
)

// pretendAt makes a process of this binary a pretend Tomcat at an address.
const pretendAt = "CATHERD_TEST_TOMCAT"

// pretend serves until its input ends, or it is killed.
func pretend(at string) {
	s, err := tomcat.Start(tomcat.Options{Route: "victim", AJP: at})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("at " + s.AJPAddr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// victim starts a Tomcat that can be killed like one, and returns its address.
func victim(t *testing.T) (p *exec.Cmd, at string) {
	t.Helper()
	p = exec.Command(os.Args[0])
	p.Env = append(os.Environ(), pretendAt+"=127.0.0.1:0")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = p.Wait() // killed, mostly
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	at, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
	if err != nil || !ok {
		t.Fatalf("pretend Tomcat: %q, %v", line, err)
	}
	return p, at
}

// kept is how many connections the test leaves idle.
const kept = 64

// killed runs Catherd with a member that has 64 kept connections and a spare one, and
// kills the member; then does something. It returns what was told of it.
func killed(t *testing.T, env string, then func(p *running)) (status *admin.MemberStatus, events string, took time.Duration) {
	t.Helper()
	process, at := victim(t)
	spare, err := tomcat.Start(tomcat.Options{Route: "spare", AJP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spare.Close() })
	free, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &running{
		file: filepath.Join(dir, "catherd.yaml"), socket: filepath.Join(dir, "admin.sock"),
		signals: make(chan os.Signal, 4), ended: make(chan int, 1), out: &buffer{}, url: "http://" + free[0],
	}
	// Probes are a minute apart: whatever comes sooner has a cause.
	text := "listen: " + free[0] + "\nadmin: {listen: none, socket: \"" + p.socket + "\"}\npools:\n  app:\n    health: {every: 60s}\n    connections: {keep: 64}\n    members:\n" +
		"      victim: ajp://" + at + "\n      spare: {url: \"ajp://" + spare.AJPAddr() + "\", role: standby}\n"
	if err := os.WriteFile(p.file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e := p.env(io.Discard, p.out)
	e.signals = func() (<-chan os.Signal, func()) { return p.signals, func() {} }
	of := e.getenv
	e.getenv = func(name string) string {
		if name == "KERNEL" && env != "" {
			return env
		}
		return of(name)
	}
	go func() { p.ended <- execute(context.Background(), e, []string{"run", "-c", p.file}) }()
	t.Cleanup(func() { p.stop() })
	member := func() *admin.MemberStatus {
		if s, _, err := statusAt(p.socket); err == nil {
			if status = s.Member("app", "victim"); status != nil {
				return status
			}
		}
		return &admin.MemberStatus{}
	}
	p.await(t, "a probe of the member", func() bool { return member().State == compile.Ready && !status.Checked.IsZero() })
	attached := func() bool {
		s, _, err := statusAt(p.socket)
		return err == nil && len(s.Kernel) > 0 && s.Kernel[0].Missing != "it has not begun"
	}
	p.await(t, "the kernel's events, or why there are none", attached)

	var wg sync.WaitGroup
	for range kept {
		wg.Go(func() { p.get(t, "/app/slow?ms=300") })
	}
	wg.Wait()
	p.await(t, "kept connections", func() bool { return member().Connections.Idle >= kept })

	began := time.Now()
	if err := process.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	then(p)
	p.await(t, "the member is down, and without connections", func() bool {
		s := member()
		return s.State == compile.Down && s.Connections.Idle == 0
	})
	list, err := admin.NewClient(p.socket).Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range list {
		if ev.Member == "victim" {
			events += eventText(ev) + "\n"
		}
		if ev.Kind == admin.MemberDown {
			took = ev.At.Sub(began)
		}
	}
	p.get(t, "/app/status?code=200")
	return status, events, took
}

// get asks the balancer, and wants a good answer.
func (p *running) get(t *testing.T, path string) {
	t.Helper()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := web.Get(p.url + path)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", path, resp.Status)
	}
}

// told reports whether the kernel's events can be had here.
func told() bool {
	for _, f := range bpf.Probe() {
		if f.Name == kernel.Events {
			return f.Can && os.Getenv("KERNEL") != "off"
		}
	}
	return false
}

// A Tomcat that is killed while nobody asks it for anything is out because the kernel
// says so: no request meets it, and no probe would have come for a minute.
func TestKilledMemberIsOutByTheKernel(t *testing.T) {
	if !told() {
		t.Log("no events can be had here: a request has to find out")
		TestKilledMemberIsOutWithoutTheKernel(t)
		return
	}
	s, events, took := killed(t, "", func(*running) {})
	if !strings.Contains(s.Why, " after kernel: ") || !strings.Contains(events, "member down") {
		t.Errorf("%s\n%s", s.Why, events)
	}
	if s.Connections.Idle != 0 || s.Faults != 0 || s.Requests != kept {
		t.Errorf("%d idle, %d faults, %d requests", s.Connections.Idle, s.Faults, s.Requests)
	}
	t.Logf("down %v after the signal was sent: %s", took, s.Why)
}

// Without the kernel's events the first request finds out; it is answered by another
// member all the same.
func TestKilledMemberIsOutWithoutTheKernel(t *testing.T) {
	s, events, took := killed(t, "off", func(p *running) { p.get(t, "/app/status?code=200") })
	if strings.Contains(events, "kernel") || s.Faults == 0 {
		t.Errorf("%d faults: %s\n%s", s.Faults, s.Why, events)
	}
	t.Logf("down %v after the signal was sent: %s", took, s.Why)
}

// catherd kernel says what is, with a running process and without one.
func TestKernelCommand(t *testing.T) {
	p := start(t, "kernel: {events: never}\n")
	var out, stderr bytes.Buffer
	show := func(args ...string) {
		t.Helper()
		out.Reset()
		stderr.Reset()
		if code := execute(t.Context(), p.env(&out, &stderr), append([]string{"kernel"}, args...)); code != exitFine {
			t.Fatalf("kernel %q: exit code %d: %s", args, code, stderr.String())
		}
	}
	show()
	for _, want := range []string{"PROGRAM", "events", "off", " in the ", "in the kernel"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	var f kernelFact
	show("-o", "json")
	if err := json.Unmarshal(out.Bytes(), &f); err != nil || !f.Running || len(f.Programs) == 0 {
		t.Errorf("%v, %+v", err, f)
	}
	p.stop()
	// Nobody runs at this socket: an error where it was named, else what could run.
	if code := execute(t.Context(), p.env(&out, &stderr), []string{"--socket", p.socket, "kernel"}); code == exitFine {
		t.Error("a process that is not there has answered")
	}
	show("-o", "json")
	f = kernelFact{}
	if err := json.Unmarshal(out.Bytes(), &f); err != nil || f.Running || len(f.Programs) < 4 {
		t.Errorf("%v, %+v", err, f)
	}
	for _, s := range f.Programs {
		if s.State == kernel.Missing && s.Cure == "" || s.Purpose == "" {
			t.Errorf("%+v", s)
		}
	}
	if code := execute(t.Context(), p.env(&out, &stderr), []string{"kernel", "tidy"}); code != exitUsage {
		t.Errorf("kernel tidy: exit code %d", code)
	}
}
