package realtomcat

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
)

// patience bounds every wait for a state. Nothing here needs a tenth of it on a machine
// that has nothing else to do.
const patience = 30 * time.Second

// balancer is one running catherd.
type balancer struct {
	t      *testing.T
	addr   string // host:port of the listener
	log    string // file
	access string // file, "" when the configuration has no access log
	api    *admin.Client
	run    *catalina.Process
}

// balance runs catherd with a configuration file of that text. LISTEN in it becomes a
// free port, ACCESSLOG the name of a file. It is killed with the test if the test has not
// stopped it.
func balance(t *testing.T, text string) *balancer {
	t.Helper()
	return balanceBy(t, text)
}

// balanceBy is balance with the program started by another one, which has to become it.
func balanceBy(t *testing.T, text string, by ...string) *balancer {
	t.Helper()
	dir := t.TempDir()
	b := &balancer{t: t, log: filepath.Join(dir, "log"), api: admin.NewClient(filepath.Join(dir, "admin.sock"))}
	if strings.Contains(text, "ACCESSLOG") {
		b.access = filepath.Join(dir, "access.log")
		text = strings.ReplaceAll(text, "ACCESSLOG", b.access)
	}
	text = strings.ReplaceAll(text, "LISTEN", strconv.Itoa(freePort(t)))
	config := filepath.Join(dir, "catherd.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(b.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the child has its own descriptor
	// The address of the API is a fixed port: parallel processes only use sockets.
	args := append(by, program, "run", "-c", config, "--admin", "none", "--state", "none",
		"--socket", filepath.Join(dir, "admin.sock"))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// No CATHERD_AJP_SECRET of the caller. KERNEL=off is for all.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "KERNEL=" + os.Getenv("KERNEL")}
	if b.run, err = catalina.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.run.Signal(syscall.SIGKILL) // one that has ended needs none
		<-b.run.Done()
	})
	b.until("serving", func() bool {
		for _, line := range b.lines() {
			if line["msg"] == "serving" {
				b.addr = strings.TrimPrefix(line["listeners"].([]any)[0].(string), "http://")
			}
		}
		return b.addr != ""
	})
	return b
}

// until asks again and again until the answer is yes. It fails the test when the
// process ends or patience does.
func (b *balancer) until(what string, yes func() bool) {
	b.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-b.run.Done():
			b.t.Fatalf("waiting for %q: catherd ended: %v; its log:\n%s", what, b.run.Err(), b.text())
		case <-deadline.C:
			b.t.Fatalf("waiting for %q: not within %v; catherd's log:\n%s", what, patience, b.text())
		case <-again.C:
		}
	}
}

// text is the log.
func (b *balancer) text() string {
	text, err := os.ReadFile(b.log)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// lines are the complete lines of the log.
func (b *balancer) lines() []map[string]any { return jsonLines(b.t, b.log) }

func jsonLines(t *testing.T, file string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("line %q of %s is no JSON: %v", line, filepath.Base(file), err)
		}
		out = append(out, fields)
	}
	return out
}

// logged waits for a log line about a pool whose reason has all the words.
func (b *balancer) logged(pool string, words ...string) {
	b.t.Helper()
	b.until("log line about "+pool+" with "+strings.Join(words, ", "), func() bool {
		for _, line := range b.lines() {
			reason, _ := line["reason"].(string)
			if line["pool"] == pool && hasAll(reason, words) {
				return true
			}
		}
		return false
	})
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// status asks the running process.
func (b *balancer) status() *admin.Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := b.api.Status(ctx)
	if err != nil {
		b.t.Fatalf("status: %v; catherd's log:\n%s", err, b.text())
	}
	return s
}

// member waits until a member is as wanted and returns it.
func (b *balancer) member(pool, name, what string, yes func(*admin.MemberStatus) bool) admin.MemberStatus {
	b.t.Helper()
	var last *admin.MemberStatus
	b.until(pool+"/"+name+" "+what, func() bool {
		s := b.status()
		if last = s.Member(pool, name); last == nil {
			b.t.Fatalf("no member %s/%s in the status", pool, name)
		}
		return yes(last)
	})
	return *last
}

// inState waits for a member's state and returns its reason.
func (b *balancer) inState(pool, name string, state compile.State) string {
	b.t.Helper()
	return b.member(pool, name, "is "+string(state), func(m *admin.MemberStatus) bool { return m.State == state }).Why
}

// stop asks the process to leave and requires that it leaves with exit code 0.
func (b *balancer) stop() {
	b.t.Helper()
	if err := b.run.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatalf("SIGTERM to catherd: %v", err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.run.Done():
	case <-timer.C:
		b.t.Fatalf("catherd is still there %v after SIGTERM; its log:\n%s", patience, b.text())
	}
	if err := b.run.Err(); err != nil {
		b.t.Errorf("catherd ended with %v after SIGTERM; its log:\n%s", err, b.text())
	}
}
