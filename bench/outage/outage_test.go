package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// build makes the program under test.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "catherd")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/catherd").CombinedOutput(); err != nil {
		t.Fatalf("build catherd: %v\n%s", err, out)
	}
	return program
}

// TestOutage is one clean stop and one kill of real Tomcats under load.
func TestOutage(t *testing.T) {
	var out bytes.Buffer
	broken, err := run(t.Context(), &out, settings{catherd: build(t), tomcat: "10.1.34", schedule: "both", front: catherd,
		rounds: 1, rate: 100, sessions: 100, settle: 1500 * time.Millisecond})
	if err != nil || broken > 0 || !strings.HasSuffix(out.String(), "\nPASS\n") {
		t.Errorf("%d promises broken, %v", broken, err)
	}
	t.Log(out.String())
}

// Whatever becomes of a run, its result ends with a verdict.
func TestEveryResultHasAVerdict(t *testing.T) {
	f := func(front string, broken int, err error, want string) {
		t.Helper()
		if got := ending(front, broken, err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(catherd, 0, nil, "PASS")
	f(catherd, 3, nil, "BROKEN  3 in all")
	f(catherd, 0, errors.New("interrupted\nand more"), "BROKEN  the run did not come to its end: interrupted")
	f("haproxy", 0, nil, "SHOWN   nothing is promised for haproxy")
	var out bytes.Buffer
	s := settings{catherd: filepath.Join(t.TempDir(), "none"), tomcat: "none", schedule: "stop", front: catherd, rounds: 1, rate: 1, sessions: 1, settle: time.Second}
	if _, err := run(t.Context(), &out, s); err == nil || !strings.HasPrefix(out.String(), "BROKEN  ") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%v, and as result %q", err, out.String())
	}
}

// Catherd itself accepts the configurations it is given.
func TestCatherdConfigurations(t *testing.T) {
	program := build(t)
	for _, s := range []settings{{}, {discover: true}, {alone: true}} {
		dir := t.TempDir()
		v := seen{Dir: dir, Listen: "127.0.0.1:8000", Admin: "127.0.0.1:8404", Group: "228.0.0.4:45564",
			Discover: s.discover, Alone: s.alone, Offset: ajpOffset,
			Members: []*catalina.Tomcat{{Options: catalina.Options{Name: "tomcat1", Receiver: 4000, AJP: 8009}}}}
		if err := brands[0].write(v); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "catherd.yaml")
		if out, err := exec.Command(program, "check", file).CombinedOutput(); err != nil {
			text, _ := os.ReadFile(file) // for the message only
			t.Errorf("discover %v, alone %v: %v\n%s\n%s", s.discover, s.alone, err, out, text)
		}
	}
}

// The templates of the other fronts render, and name every member.
func TestConfigurations(t *testing.T) {
	members := []*catalina.Tomcat{{Options: catalina.Options{Name: "tomcat1", Receiver: 4000, AJP: 8009, HTTP: 8080}},
		{Options: catalina.Options{Name: "tomcat2", Receiver: 5000, AJP: 9009, HTTP: 9080}}}
	for _, b := range brands {
		dir := t.TempDir()
		if err := b.write(seen{Dir: dir, Listen: "127.0.0.1:8000", Members: members, Cores: 2}); err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		var all strings.Builder
		for _, file := range b.files {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		for _, want := range []string{"127.0.0.1:8000", "tomcat1", "tomcat2"} {
			if !strings.Contains(all.String(), want) {
				t.Errorf("%s: no %q in\n%s", b.name, want, all.String())
			}
		}
	}
}

// Settings that make no sense are refused before anything starts.
func TestSettings(t *testing.T) {
	good := settings{schedule: "rolling", front: catherd, rounds: 1, rate: 100}
	if err := good.check(); err != nil || good.sessions != 2000 || good.settle != 30*time.Second {
		t.Errorf("%v, %d sessions, %v between two members", err, good.sessions, good.settle)
	}
	for _, change := range []func(*settings){
		func(s *settings) { s.schedule = "burn" },
		func(s *settings) { s.front = "squid" },
		func(s *settings) { s.rounds = 0 },
		func(s *settings) { s.rate = 5001 },
		func(s *settings) { s.front, s.discover = "haproxy", true },
		func(s *settings) { s.alone, s.discover = true, true },
	} {
		bad := good
		change(&bad)
		if err := bad.check(); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
