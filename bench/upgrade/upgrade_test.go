package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catherd/catherd/bench/load"
)

// TestUpgrade is the program in short, for both engines.
func TestUpgrade(t *testing.T) {
	program := filepath.Join(t.TempDir(), "catherd")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/catherd").CombinedOutput(); err != nil {
		t.Fatalf("build catherd: %v\n%s", err, out)
	}
	for _, engine := range []string{"auto", "std"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			broken, err := run(t.Context(), &out, settings{catherd: program, engine: engine, upgrades: 5, every: 500 * time.Millisecond,
				clients: 8, rate: 50, patient: 16, megs: 8})
			if err != nil || broken > 0 || !strings.Contains(out.String(), "PASS") {
				t.Errorf("%d promises were broken, %v\n%s", broken, err, out.String())
			}
			t.Log(out.String())
		})
	}
}

// fine is an account in which nothing is broken.
func fine() *account {
	a := &account{busy: load.Counts{Requests: 10}, words: 1, bytes: 1, upgrades: []upgraded{{}}, wanted: 1,
		crash: errors.New("refused"), clean: true}
	for _, b := range []*book{&a.arrivals, &a.patient, &a.scrapes} {
		b.add(nil)
	}
	a.watch.look(map[string]float64{`catherd_requests_total{a="b"}`: 12})
	return a
}

func TestJudge(t *testing.T) {
	if got := fine().judge(); len(got) != 0 {
		t.Fatalf("%q", got)
	}
	for want, spoil := range map[string]func(a *account){
		"busy clients failed":            func(a *account) { a.busy.Failed = 1 },
		"new connections: 1 failed of 2": func(a *account) { a.arrivals.add(errors.New("x")) },
		"1 of them by a reset":           func(a *account) { a.patient.add(syscall.ECONNRESET) },
		"scrapes: 0 failed of 0":         func(a *account) { a.scrapes.good = 0 },
		"the WebSocket ended":            func(a *account) { a.wordsErr = errors.New("x") },
		"the download ended":             func(a *account) { a.downloadErr = errors.New("x") },
		"0 upgrades, and 1":              func(a *account) { a.upgrades = nil },
		"crashes was not refused":        func(a *account) { a.crash = nil },
		"went back: catherd_requests":    func(a *account) { a.watch.look(map[string]float64{`catherd_requests_total{a="b"}`: 11}) },
		"know of 12 requests, and 13":    func(a *account) { a.busy.Requests = 11 },
		"1 processes that were replaced": func(a *account) { a.left = 1 },
		"did not end by itself":          func(a *account) { a.clean = false },
		"a process has said: panic":      func(a *account) { a.said = []string{"panic"} },
	} {
		a := fine()
		spoil(a)
		if got := a.judge(); !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestParse(t *testing.T) {
	got := parse("# HELP catherd_x_total x\ncatherd_x_total{a=\"b\"} x\ncatherd_up 1\ngo_x_total 4\ncatherd_y_total 5\n")
	if len(got) != 1 || got["catherd_y_total"] != 5 {
		t.Errorf("%v", got)
	}
}
