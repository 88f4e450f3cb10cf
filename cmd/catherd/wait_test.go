package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
)

// On a terminal the waiting shows how far it is, and Ctrl-C says what goes on.
func TestWaitShowsProgress(t *testing.T) {
	p := start(t, "")
	var out, talk buffer
	e := p.env(&out, &talk)
	e.terminal = true
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() { code <- execute(ctx, e, []string{"drain", "tomcat1", "--wait", "--quiet-for", "1h"}) }()
	p.await(t, "progress", func() bool { return strings.Contains(talk.String(), "to go if none comes") })
	cancel()
	if got := <-code; got != exitFailed || !strings.Contains(talk.String(), "tomcat1 still drains") {
		t.Errorf("exit code %d:\n%s", got, talk.String())
	}
	if !strings.HasPrefix(out.String(), "tomcat1 takes no new sessions (by ") {
		t.Errorf("facts: %s", out.String())
	}
}

// The watchdog is fed, and the status line follows the sentence.
func TestWatchdog(t *testing.T) {
	next := systemd(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchdog(ctx, func() string { return "1 of 2 members down" })
	}()
	defer func() {
		cancel()
		<-done
	}()
	for _, want := range []string{"WATCHDOG=1\nSTATUS=1 of 2 members down", "WATCHDOG=1"} {
		if got := next(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
