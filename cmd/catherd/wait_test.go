package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/overrides"
)

// waitBegin is when the process of these tests was started.
var waitBegin = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func waitStatus(uptime float64, m admin.MemberStatus) *admin.Status {
	m.Name = "tomcat1"
	return &admin.Status{Started: waitBegin, Uptime: uptime,
		Pools: []admin.PoolStatus{{Name: "app", Members: []admin.MemberStatus{m}}}}
}

func waitingFor(state overrides.State, quiet time.Duration) *waiting {
	return &waiting{change: change{state: state, quiet: quiet}, pool: "app", name: "tomcat1"}
}

// When a drain is over: nothing in flight, and no session for the window.
func TestJudgeDrain(t *testing.T) {
	f := func(want int, word string, m admin.MemberStatus) {
		t.Helper()
		w := waitingFor(overrides.Drain, 5*time.Minute)
		if v := w.judge(waitStatus(600, m)); v.now != want || !strings.Contains(v.text, word) {
			t.Errorf("%+v: verdict %d %q, want %d %q", m, v.now, v.text, want, word)
		}
	}
	at := func(s int) time.Time { return waitBegin.Add(time.Duration(s) * time.Second) }
	f(drained, "drained", admin.MemberStatus{State: compile.Drain, LastSession: at(300)})
	f(draining, "1s to go", admin.MemberStatus{State: compile.Drain, LastSession: at(301).Add(-time.Millisecond)})
	f(draining, "2 in flight", admin.MemberStatus{State: compile.Drain, LastSession: at(10), InFlight: 2})
	f(drained, "drained", admin.MemberStatus{State: compile.Drain}) // never one since the start ten minutes ago
	f(drained, "drained", admin.MemberStatus{State: compile.Stop})
	f(drained, "down: connect refused", admin.MemberStatus{State: compile.Down, Why: "connect refused", LastSession: at(599)})
	f(draining, "1 in flight", admin.MemberStatus{State: compile.Down, InFlight: 1, LastSession: at(1)})
	f(notDrained, "drain was taken back, tomcat1 is ready", admin.MemberStatus{State: compile.Ready})
	f(notDrained, "taken back", admin.MemberStatus{State: compile.Shaky})
	// A member that stops by itself needs no waiting for its sessions.
	f(drained, "said that it stops", admin.MemberStatus{State: compile.Leaving, Why: "said that it stops"})
	f(draining, "1 in flight", admin.MemberStatus{State: compile.Leaving, InFlight: 1})
	if v := waitingFor(overrides.Drain, 0).judge(&admin.Status{}); v.now != notDrained {
		t.Errorf("a member that is gone: %+v", v)
	}
	// A process that has just started knows of no session, which proves nothing.
	young := waitStatus(10, admin.MemberStatus{State: compile.Drain})
	if v := waitingFor(overrides.Drain, time.Minute).judge(young); v.now != draining || !strings.Contains(v.text, "no request of a session so far") {
		t.Errorf("ten seconds after the start: %+v", v)
	}
}

// A stop waits for what is in flight; sessions go elsewhere.
func TestJudgeStop(t *testing.T) {
	w := waitingFor(overrides.Stop, time.Hour)
	now := waitBegin.Add(600 * time.Second)
	if v := w.judge(waitStatus(600, admin.MemberStatus{State: compile.Stop, InFlight: 1, LastSession: now})); v.now != draining {
		t.Errorf("one in flight: %+v", v)
	}
	if v := w.judge(waitStatus(601, admin.MemberStatus{State: compile.Stop, LastSession: now})); v.now != drained || v.text != "nothing in flight" {
		t.Errorf("none in flight: %+v", v)
	}
}

// What processes before have left is waited for: they do not know the drain.
func TestJudgeElders(t *testing.T) {
	const url = "ajp://127.0.0.1:8009"
	w := waitingFor(overrides.Drain, time.Minute)
	now := 600.0
	f := func(want int, word string, state compile.State, elders ...admin.Elder) {
		t.Helper()
		s := waitStatus(now, admin.MemberStatus{State: state, URL: url})
		s.Elders = elders
		if v := w.judge(s); v.now != want || !strings.Contains(v.text, word) {
			t.Errorf("%+v: verdict %d %q, want %d %q", elders, v.now, v.text, want, word)
		}
	}
	busy := admin.Elder{Known: true, InFlight: map[string]int64{url: 2}}
	idle := admin.Elder{Known: true, Idle: 3}
	tunnel := admin.Elder{Known: true, InFlight: map[string]int64{"ajp://127.0.0.1:9009": 1}}
	const more = "3 connections of a process before, each good for one request more"
	f(draining, "has not said what it has left", compile.Drain, admin.Elder{})
	f(draining, "2 in flight", compile.Drain, busy, tunnel)
	f(draining, more, compile.Drain, idle)
	now += 59 // the window begins when they have nothing more
	f(draining, "2s to go", compile.Drain, tunnel)
	now++
	f(drained, "drained", compile.Drain, tunnel)
	f(draining, more, compile.Stop, idle)
	f(draining, "2 in flight", compile.Stop, busy)
	f(drained, "drained", compile.Stop, tunnel)
	f(draining, "has not said", compile.Down, admin.Elder{})
	f(draining, "2 in flight", compile.Down, busy)
	f(drained, "down", compile.Down, idle, tunnel)
}

// The end that --for has set is told apart from somebody's taking back.
func TestJudgeForIsOver(t *testing.T) {
	w := waitingFor(overrides.Drain, time.Hour)
	w.period, w.until = 30*time.Second, waitBegin.Add(630*time.Second)
	drain := admin.MemberStatus{State: compile.Drain, SessionsSeen: 40}
	if v := w.judge(waitStatus(600, drain)); v.now != draining {
		t.Fatalf("%+v", v)
	}
	ready := admin.MemberStatus{State: compile.Ready, SessionsSeen: 47, LastSession: waitBegin.Add(629 * time.Second)}
	if v := w.judge(waitStatus(629, ready)); v.now != notDrained || !strings.HasPrefix(v.text, "drain was taken back") {
		t.Errorf("before the time: %+v", v)
	}
	const want = "--for 30s is over and tomcat1 is ready again; 0 in flight, 7 requests of sessions meanwhile, the last 2s ago"
	if v := w.judge(waitStatus(631, ready)); v.now != notDrained || v.text != want {
		t.Errorf("got  %d %s\nwant %d %s", v.now, v.text, notDrained, want)
	}
	// A process that counts anew.
	drain.SessionsSeen = 3
	w.judge(waitStatus(10, drain))
	if w.sessions != 0 {
		t.Errorf("%d requests of sessions after a restart", w.sessions)
	}
}

// Without a terminal there is a line for each number that is new, and no other.
func TestProgressLines(t *testing.T) {
	var talk buffer
	p := progress{e: &env{stderr: &talk}}
	p.step("one", 1, 0)
	p.step("the same, later", 1, 0)
	p.step("another", 1, 4)
	p.step("fewer", 0, 4)
	p.end()
	if got := talk.String(); got != "  one\n  another\n  fewer\n" {
		t.Errorf("%q", got)
	}
	p = progress{e: &env{stderr: &talk, quiet: true}}
	p.step("quiet", 9, 9)
	if strings.Contains(talk.String(), "quiet") {
		t.Error("-q talks")
	}
}

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
