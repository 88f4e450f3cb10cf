package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
)

func TestServerTLSNamesFileAndCure(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "one.example")
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	f := func(s compile.TLSSpec, want ...string) {
		t.Helper()
		_, err := serverTLS(s)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v has no %q", err, w)
			}
		}
	}
	f(compile.TLSSpec{Cert: dir + "/no.pem", Key: key}, "no.pem", "no such file", "listen.tls")
	f(compile.TLSSpec{Cert: cert, Key: dir + "/no.key"}, "no.key")
	f(compile.TLSSpec{Cert: key, Key: key}, key, "chain after it")
	f(compile.TLSSpec{Cert: cert, Key: key, ClientCA: key}, key, "no certificate in it")
	c, err := serverTLS(compile.TLSSpec{Cert: cert, Key: key, MinVersion: "1.3", ClientCA: cert})
	if err != nil || c.MinVersion != tls.VersionTLS13 || c.ClientAuth != tls.RequireAndVerifyClientCert || c.ClientCAs == nil {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = serverTLS(compile.TLSSpec{Cert: cert, Key: key})
	if err != nil || c.MinVersion != tls.VersionTLS12 || c.ClientAuth != tls.NoClientCert {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestGroupMemory(t *testing.T) {
	f := func(want int64, files map[string]string) {
		t.Helper()
		got := groupMemory(func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("none")
		})
		if got != want {
			t.Errorf("%v: %d, want %d", files, got, want)
		}
	}
	const own = "/proc/self/cgroup"
	f(0, nil)
	f(0, map[string]string{own: "3:memory:/x\n0::/x\n"})
	f(0, map[string]string{own: "0::/\n"})
	f(0, map[string]string{own: "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"})
	f(1000, map[string]string{own: "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "1000\n", "/sys/fs/cgroup/a/memory.max": "2000\n"})
	f(500, map[string]string{own: "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "1000\n", "/sys/fs/cgroup/a/memory.max": "500\n"})
}

func TestRaiseFiles(t *testing.T) {
	if n := raiseFiles(); n < 64 || n != raiseFiles() {
		t.Errorf("%d descriptors, then %d", n, raiseFiles())
	}
}

// Descriptors that do not reach for a default are mentioned; for a wish, or when
// there are few of them, it is a warning.
func TestFilesLevel(t *testing.T) {
	f := func(text string, files, need uint64, want slog.Level) {
		t.Helper()
		cfg, problems := config.Load("catherd.yaml", []byte(text), func(string) string { return "" }, config.Options{})
		if cfg == nil || problems.HasErrors() {
			t.Fatalf("%v", problems)
		}
		if got := filesNeeded(cfg); got != need {
			t.Errorf("%q needs %d, want %d", text, got, need)
		}
		if got := filesLevel(cfg, files); got != want {
			t.Errorf("%q with %d: %v, want %v", text, files, got, want)
		}
	}
	const backends = "backends: [ajp://127.0.0.1:8009, ajp://127.0.0.1:9009]\n"
	f(backends, 20000, 20000+2*256+ownFiles, slog.LevelInfo)
	f(backends, 4096, 20000+2*256+ownFiles, slog.LevelInfo)
	f(backends, 4095, 20000+2*256+ownFiles, slog.LevelWarn)
	f(backends+"limits: {connections: 20000}", 20000, 20000+2*256+ownFiles, slog.LevelWarn)
	f(backends+"limits: {connections: 0}", 20000, scarceFiles+2*256+ownFiles, slog.LevelInfo)
	f(backends+"limits: {connections: 100}", 1024, 100+2*256+ownFiles, slog.LevelWarn)
}

func TestStatePath(t *testing.T) {
	f := func(flag, dir, socket, want string) {
		t.Helper()
		c := new(config.Config)
		c.Admin.Socket = socket
		e := &env{getenv: func(name string) string { return map[string]string{"STATE_DIRECTORY": dir}[name] }}
		if got, _ := statePath(e, flag, c); got != want {
			t.Errorf("%q %q %q: %q, want %q", flag, dir, socket, got, want)
		}
	}
	f("", "", defaultSocket, "/var/lib/catherd/overrides.json")
	f("", "", "/tmp/a.sock", "/tmp/a.sock.overrides.json")
	f("", "", none, "")
	f("", "/var/lib/x", none, "/var/lib/x/overrides.json")
	f("/tmp/o", "/var/lib/x", none, "/tmp/o")
	f(none, "/var/lib/x", defaultSocket, "")
}

func TestAdminFlag(t *testing.T) {
	f := func(text, want, refusal string) {
		t.Helper()
		got, err := adminFlag(text)
		if got != want || (err == nil) != (refusal == "") || err != nil && !strings.Contains(err.Error(), refusal) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	f("", "", "")
	f("none", "none", "")
	f("9000", "127.0.0.1:9000", "")
	f("localhost:9000", "localhost:9000", "")
	f("[::1]:9000", "[::1]:9000", "")
	f(":9000", "", "open to the network")
	f("0.0.0.0:9000", "", "open to the network")
	f("example.org:9000", "", "open to the network")
	f("127.0.0.1:90000", "", "ports are")
	f("127.0.0.1:http", "", "ports are")
	f("::1", "", "host:port")
}

func TestTextLog(t *testing.T) {
	out := &buffer{}
	var level slog.LevelVar
	log := newLog(&env{stderr: out, getenv: func(string) string { return "" }, terminal: true}, config.Log{Level: "warn", Format: "auto"}, &level)
	log.Info("quiet")
	log.With("pool", "app").Warn("member down", "reason", "connect refused\n{", "n", 3, "empty", "")
	want := "\x1b[33mmember down\x1b[0m  pool=app  reason=\"connect refused\\n{\"  n=3  empty=\"\"\n"
	if got := out.String(); len(got) < 9 || got[9:] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	setLevel(&level, "debug")
	log.Debug("now")
	if !strings.Contains(out.String(), " now\n") {
		t.Error("the level does not change")
	}
}

func TestAges(t *testing.T) {
	f := func(s float64, want string) {
		t.Helper()
		if got := age(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
	f(0, "0s")
	f(59.9, "59s")
	f(60, "1m 0s")
	f(3700, "1h 1m")
	f(90000, "1d 1h")
	if got := since(time.Unix(100, 0), time.Time{}); got != "never" {
		t.Error(got)
	}
	if got := millis(0.0012); got != "1.2 ms" {
		t.Error(got)
	}
	if got := millis(0.041); got != "41 ms" {
		t.Error(got)
	}
}

// A terminal is recognised, and a file is none.
func TestIsTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) {
		t.Error("a file was taken for a terminal")
	}
}

// An error that a verb passes on has the exit code of its cause.
func TestCoded(t *testing.T) {
	f := func(err error, code int, text string) {
		t.Helper()
		if got := coded(err); exitCode(got) != code || (got != nil && got.Error() != text) {
			t.Errorf("%v: %v with code %d, want %q with %d", err, got, exitCode(got), text, code)
		}
	}
	f(nil, exitFine, "")
	f(errors.New("disk full"), exitFailed, "disk full")
	f(misused("what"), exitUsage, "what")
	f(silent(exitUnhealthy), exitUnhealthy, "")
	f(&admin.Refusal{Status: 404, What: "no", Cure: "yes"}, exitFailed, "no: yes")
	f(fmt.Errorf("ask s: %w", admin.ErrNobody), exitNoDaemon, "ask s: no Catherd answers")
	f(fmt.Errorf("ask s: %w", context.Canceled), exitFailed, "interrupted")
}
