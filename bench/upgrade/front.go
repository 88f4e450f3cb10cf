package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/bench/freeport"
	"github.com/catherd/catherd/bench/tomcat"
)

// front is Catherd: one process after the other.
type front struct {
	dir, program  string
	listen, admin string // host:port
	pids          []int  // of all processes, the newest last
}

// newFront writes the configuration and starts the first process.
func newFront(ctx context.Context, dir string, s settings, farm []*tomcat.Server) (*front, error) {
	program, err := filepath.Abs(s.catherd)
	if err != nil {
		return nil, fmt.Errorf("find %q: %v", s.catherd, err)
	}
	f := &front{dir: dir, program: program}
	ports, err := freeport.Find("127.0.0.1", 2)
	if err != nil {
		return nil, err
	}
	f.listen, f.admin = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	if err := os.WriteFile(f.file("catherd.yaml"), []byte(f.text(s, farm)), 0o644); err != nil {
		return nil, fmt.Errorf("write configuration: %v", err)
	}
	log, err := os.Create(f.file("catherd.log"))
	if err != nil {
		return nil, fmt.Errorf("create log: %v", err)
	}
	defer log.Close() // the children have their own descriptors
	// Processes whose parent has ended become ours, so that they can be waited for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the parent of orphans: %v", err)
	}
	cmd := exec.Command(program, "run", "-c", f.file("catherd.yaml"), "--state", "none")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start catherd: %v (make build)", err)
	}
	f.pids = []int{cmd.Process.Pid}
	_ = cmd.Process.Release() // waited for with the others
	if err := catalina.Poll(ctx, 15*time.Second, func() error { _, err := ask(f.listen, "/app/status"); return err }); err != nil {
		f.stop()
		return nil, fmt.Errorf("start catherd: %v; its log ends:\n%s", err, f.tail())
	}
	return f, nil
}

func (f *front) file(name string) string { return filepath.Join(f.dir, name) }

func (f *front) text(s settings, farm []*tomcat.Server) string {
	var b strings.Builder
	fmt.Fprintf(&b, "engine: %s\nlisten: %s\nshutdown: {drain: 10m}\nlimits: {idle_timeout: 10m}\n", s.engine, f.listen)
	fmt.Fprintf(&b, "admin: {listen: %q, socket: %s}\npools:\n  app:\n    members:\n", f.admin, f.file("admin.sock"))
	for i, m := range farm {
		fmt.Fprintf(&b, "      tomcat%d: {url: \"ajp://%s\", http: \"http://%s\"}\n", i+1, m.AJPAddr(), m.HTTPAddr())
	}
	return b.String()
}

// upgraded is what the command says.
type upgraded struct {
	PID  int     `json:"pid"`
	Old  int     `json:"old_pid"`
	Left int     `json:"old_connections"`
	Took float64 `json:"took_seconds"`
}

// upgrade has the process replaced, by another program if one is named.
func (f *front) upgrade(ctx context.Context, binary string) (u upgraded, err error) {
	args := []string{"upgrade", "-o", "json", "--socket", f.file("admin.sock")}
	if binary != "" {
		args = append(args, "--binary", binary)
	}
	out, err := exec.CommandContext(ctx, f.program, args...).Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return u, fmt.Errorf("catherd upgrade: %v: %s", err, e.Stderr)
	}
	if err == nil {
		err = json.Unmarshal(out, &u)
	}
	if err != nil {
		return u, fmt.Errorf("catherd upgrade: %v", err)
	}
	f.pids = append(f.pids, u.PID)
	return u, nil
}

// ended waits that long for the processes but the newest to end, and tells how many
// have not.
func (f *front) ended(within time.Duration) (left int) {
	for until := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		left = 0
		for _, pid := range f.pids[:len(f.pids)-1] {
			if !collect(pid) {
				left++
			}
		}
		if left == 0 || time.Now().After(until) {
			return left
		}
	}
}

// collect reports whether a process has ended. It waits for those that are ours; others
// are a parent's that has not ended.
func collect(pid int) bool {
	_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return unix.Kill(pid, 0) != nil
}

// stop ends everything. It reports whether the newest process ended by itself.
func (f *front) stop() bool {
	last := len(f.pids) - 1
	_ = unix.Kill(f.pids[last], unix.SIGTERM)
	_ = unix.Kill(f.pids[last], unix.SIGINT) // and does not wait for anybody
	own := true
	for i := last; i >= 0; i-- {
		for until := time.Now().Add(5 * time.Second); !collect(f.pids[i]); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(until) {
				_ = unix.Kill(f.pids[i], unix.SIGKILL)
				own = own && i != last
			}
		}
	}
	return own
}

// said are the words in the log that mean a mistake of the program.
func (f *front) said() (out []string) {
	b, err := os.ReadFile(f.file("catherd.log"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, word := range []string{"panic", "DATA RACE", "fatal error", "counters of the process before are lost"} {
		if strings.Contains(string(b), word) {
			out = append(out, word)
		}
	}
	return out
}

// tail is the end of its log.
func (f *front) tail() string { return catalina.Tail(f.file("catherd.log")) }
