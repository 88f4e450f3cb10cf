package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catherd/catherd/controlplane/config"
)

// run is the demo with this test binary in Catherd's place.
func run(t *testing.T, mode string, s settings) (string, error) {
	t.Helper()
	t.Setenv(balancerMode, mode)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.catherd, s.anyPorts = self, true
	var out bytes.Buffer
	err = demo(t.Context(), &out, s)
	return out.String(), err
}

// TestCatherd is `make demo` on free ports: the program of this repository in front of
// real clustered Tomcats, then of pretended ones.
func TestCatherd(t *testing.T) {
	program := filepath.Join(t.TempDir(), "catherd")
	if text, err := exec.Command("go", "build", "-o", program, "../../cmd/catherd").CombinedOutput(); err != nil {
		t.Fatalf("build catherd: %v\n%s", err, text)
	}
	f := func(pretend bool, want string) {
		t.Helper()
		var out bytes.Buffer
		err := demo(t.Context(), &out, settings{check: true, anyPorts: true, pretend: pretend, catherd: program})
		if err != nil || !strings.HasSuffix(out.String(), "\nok\n") || !strings.Contains(out.String(), want) {
			t.Errorf("%v\n%s", err, &out)
		}
	}
	f(false, "two clustered Tomcats")
	f(true, "two pretend Tomcats")
}

func TestCheckWithPretendTomcats(t *testing.T) {
	out, err := run(t, "sticky", settings{check: true, pretend: true})
	if err != nil || !strings.HasSuffix(out, "\nok\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckFindsLostStickiness(t *testing.T) {
	out, err := run(t, "blind", settings{check: true, pretend: true})
	if err == nil || !strings.Contains(err.Error(), "did not stick") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFrontThatEnds(t *testing.T) {
	out, err := run(t, "gone", settings{check: true, pretend: true})
	if err == nil || !strings.Contains(err.Error(), "the process ended") || !strings.Contains(err.Error(), "leaving") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestStopWhileStarting interrupts a start that would never end: no error, all gone.
func TestStopWhileStarting(t *testing.T) {
	t.Setenv(balancerMode, "mute")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := &signalWriter{on: "starting", fire: cancel}
	if err := demo(ctx, out, settings{catherd: self, anyPorts: true, pretend: true}); err != nil {
		t.Error(err)
	}
}

// TestWatch interrupts the demo once it has explained itself.
func TestWatch(t *testing.T) {
	t.Setenv(balancerMode, "sticky")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := &signalWriter{on: "Ctrl-C", fire: cancel}
	if err := demo(ctx, out, settings{catherd: self, anyPorts: true, pretend: true}); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"/app/counter.jsp", "do=die", "drain --socket", "stopping"} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("no %q in\n%s", want, &out.text)
		}
	}
}

// signalWriter calls fire when it has seen a word.
type signalWriter struct {
	text bytes.Buffer
	on   string
	fire func()
}

func (w *signalWriter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.on) {
		w.fire()
	}
	return len(p), nil
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if err := portsFree(port); err == nil {
		t.Error("a taken port was found free")
	}
}

// TestConfigurationIsValid loads what the demo writes with the program's own loader.
func TestConfigurationIsValid(t *testing.T) {
	f := func(farm *farm, s settings) {
		t.Helper()
		front, err := plan(t.TempDir(), s)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "catherd.yaml")
		if err := os.WriteFile(path, []byte(front.text(farm)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, problems := config.LoadFile(path); problems.HasErrors() || problems.HasWarnings() {
			t.Errorf("%v in\n%s", problems, front.text(farm))
		}
	}
	pretended := pretendFarm(settings{})
	f(pretended, settings{anyPorts: true})
	clustered := pretendFarm(settings{})
	clustered.group = "228.0.0.4:45564"
	f(clustered, settings{anyPorts: true})
}
