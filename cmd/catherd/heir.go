package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/handoff"
)

// upgradeWithin bounds an upgrade up to the moment in which the new process serves.
const upgradeWithin = 30 * time.Second

// heir is a process that this one has started to take over from it.
type heir struct {
	cmd   *exec.Cmd
	link  *handoff.Link
	ended chan struct{}
	err   error              // how it ended; valid when ended is closed
	told  controlplane.Tally // what it knows of our counters
	until time.Time          // when it must serve
	name  string             // its version
	owner string             // who asked for it
}

// again is how a process starts another one like itself.
type again struct {
	program string // where its own file is, or what has taken its place
	args    []string
	environ func() []string
}

// system's again. The path is the one that was asked for, not what a link led to: the
// link may lead elsewhere by now.
func ownProgram() *again {
	path, err := os.Executable()
	if err != nil {
		return nil
	}
	if p, err := exec.LookPath(os.Args[0]); err == nil {
		a, errA := os.Stat(p)
		b, errB := os.Stat(path)
		if abs, err := filepath.Abs(p); err == nil && errA == nil && errB == nil && os.SameFile(a, b) {
			path = abs
		}
	}
	return &again{path, os.Args, os.Environ}
}

// upgrade puts another process in the place of this one, for admin.Options. After an
// error nothing has changed.
func (x *process) upgrade(ctx context.Context, u admin.Upgrade) (r admin.UpgradeResult, err error) {
	begin := time.Now()
	if os.Getpid() == 1 {
		return r, &admin.Refusal{Status: http.StatusConflict, What: "this process is the first of its container, which ends with it",
			Cure: "start a new container, and stop this one"}
	}
	if x.ending.Load() {
		return r, &admin.Refusal{Status: http.StatusConflict, What: "this process is ending", Cure: "ask the one that runs next"}
	}
	select {
	case <-x.settled:
	case <-ctx.Done():
		return r, context.Cause(ctx)
	}
	carry, err := x.ctl.HandOver(ctx)
	if err != nil {
		return r, err
	}
	notifyReloading()
	binary := u.Binary
	if binary == "" {
		binary = x.e.again.program
	}
	x.log.Info("upgrade", "owner", u.Owner, "binary", binary)
	h, err := x.raise(ctx, u.Owner, binary, carry)
	if err != nil {
		x.elders.start(x.running, x.count)
		x.front.steerAgain()
		x.ctl.Upgraded(u.Owner, "", err.Error())
		if e := x.ctl.Thaw(context.WithoutCancel(ctx)); e != nil {
			x.log.Debug("thaw", "reason", e.Error())
		}
		notifyReady(x.ctl.Status().Sentence)
		return r, &admin.Refusal{Status: http.StatusConflict, What: err.Error(), Cure: "this process goes on as before"}
	}
	open, _, _ := x.engine.Clients()
	r = admin.UpgradeResult{
		Binary: binary, PID: h.cmd.Process.Pid, Version: h.name, OldPID: os.Getpid(), Old: version,
		Left: open, Took: time.Since(begin).Seconds(),
	}
	x.handed <- h
	return r, nil
}

// raise starts the other process and gives it everything. After an error it is gone.
func (x *process) raise(ctx context.Context, owner, binary string, carry controlplane.Carry) (*heir, error) {
	h, err := x.spawn(binary)
	if err != nil {
		return nil, err
	}
	h.owner = owner
	if err = x.introduce(ctx, h, carry); err != nil {
		return nil, h.end(err)
	}
	// From here on both take connections.
	x.admin.pause()
	if err = x.give(h); err == nil {
		_, err = h.receive(handoff.Taken)
	}
	if err != nil {
		err = h.end(err)
		x.admin.goOn()
		return nil, err
	}
	// There is no way back.
	x.gone.Store(true)
	notifyHandedOver(h.cmd.Process.Pid, x.ctl.Status().Sentence)
	x.admin.letGo()
	x.elders.close()
	_ = h.link.Send(handoff.Message{Kind: handoff.Yours}, nil, answerWithin)
	return h, nil
}

// spawn starts the program with the arguments of this process.
func (x *process) spawn(binary string) (*heir, error) {
	link, theirs, err := handoff.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := &exec.Cmd{Path: binary, Args: x.e.again.args, ExtraFiles: []*os.File{theirs}, Stdout: x.e.stdout, Stderr: x.e.stderr}
	cmd.Env = append(heirEnv(x.e.again.environ()), handoff.Env+"=3") // the first of ExtraFiles
	if err := cmd.Start(); err != nil {
		_ = link.Close()
		return nil, fmt.Errorf("start %s: %v", binary, errors.Unwrap(err))
	}
	h := &heir{cmd: cmd, link: link, ended: make(chan struct{}), until: time.Now().Add(upgradeWithin)}
	go func() {
		h.err = cmd.Wait()
		close(h.ended)
	}()
	return h, nil
}

// heirEnv is the environment without what is meant for this very process
// (sd_listen_fds(3), sd_watchdog_enabled(3)). Without WATCHDOG_PID the watchdog is
// anybody's.
func heirEnv(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		switch name {
		case "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID", handoff.Env:
			return true
		}
		return false
	})
}

// introduce goes up to the moment in which the new process serves.
func (x *process) introduce(ctx context.Context, h *heir, carry controlplane.Carry) error {
	stop := context.AfterFunc(ctx, h.link.Interrupt)
	defer stop()
	state, err := json.Marshal(carry)
	if err != nil {
		return fmt.Errorf("pass on what is known: %v", err)
	}
	offer := handoff.Message{Kind: handoff.Offer, Version: handoff.Version, Program: version, State: state}
	clients, err := x.engine.Sockets()
	if err != nil {
		return err
	}
	var fds []int
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}()
	for _, c := range clients {
		offer.Sockets = append(offer.Sockets, handoff.Socket{Role: handoff.Client, Address: c.Address})
		fds = append(fds, c.FD)
	}
	sockets, more, err := x.admin.sockets()
	if err != nil {
		return err
	}
	offer.Sockets, fds = append(offer.Sockets, sockets...), append(fds, more...)
	sockets, more, err = x.elders.pause()
	offer.Sockets, fds = append(offer.Sockets, sockets...), append(fds, more...)
	if err != nil {
		return fmt.Errorf("pass on the links of processes before: %v", err)
	}
	if err := h.link.Send(offer, fds, answerWithin); err != nil {
		return h.explain(err)
	}
	if _, err := h.receive(handoff.Ready); err != nil {
		return canceled(ctx, err)
	}
	if x.ending.Load() || ctx.Err() != nil {
		return canceled(ctx, errors.New("this process is ending"))
	}
	if err := h.link.Send(handoff.Message{Kind: handoff.Go}, nil, answerWithin); err != nil {
		return h.explain(err)
	}
	m, err := h.receive(handoff.Serving)
	h.name = m.Program
	return canceled(ctx, err)
}

// canceled says when it was the asker who went away.
func canceled(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("whoever asked for it has gone away")
	}
	return err
}

// receive waits for one word.
func (h *heir) receive(want handoff.Kind) (handoff.Message, error) {
	m, _, err := h.link.Receive(max(time.Until(h.until), time.Millisecond))
	switch {
	case err != nil:
		return m, h.explain(err)
	case m.Kind == handoff.Refused:
		return m, fmt.Errorf("the new process refuses: %s", m.Why)
	case m.Kind != want:
		return m, fmt.Errorf("the new process says %q, not %q", m.Kind, want)
	}
	return m, nil
}

// explain says what became of a process that does not answer.
func (h *heir) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the new process did not serve within %s", upgradeWithin)
	}
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-h.ended:
		if h.err != nil {
			return fmt.Errorf("the new process ended before it served (%v): its words are in the log", h.err)
		}
		return errors.New("the new process ended before it served: it is no Catherd, or one that cannot take over")
	case <-late.C:
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the new process does not want to take over: perhaps it is a version that cannot")
	}
	return fmt.Errorf("the new process is not understood: %v", err)
}

// end kills the process, waits for its end, and passes the reason on.
func (h *heir) end(why error) error {
	_ = h.cmd.Process.Kill() // it may have ended
	<-h.ended
	_ = h.link.Close()
	return why
}

// has is what this process, which was replaced, still has; nil as long as it takes
// connections. Connections are read first: one that becomes a request meanwhile must not
// be missed.
func (x *process) has() *admin.Elder {
	if !x.engine.Draining() {
		return nil
	}
	open, _, _ := x.engine.Clients()
	h := &admin.Elder{PID: os.Getpid(), Known: true, Idle: open, InFlight: map[string]int64{}}
	s := x.ctl.Status()
	for i := range s.Pools {
		for k := range s.Pools[i].Members {
			if m := &s.Pools[i].Members[k]; m.InFlight > 0 {
				h.InFlight[m.URL] += m.InFlight
				h.Idle -= m.InFlight
			}
		}
	}
	h.Idle = max(h.Idle, 0)
	return h
}

// give tells the new process what was counted since the last time, and what is left.
func (x *process) give(h *heir) error {
	now := x.ctl.Tally()
	c := counted{Tally: now.Since(h.told)}
	if h.told == nil {
		c.Events, c.Owner = x.ctl.Events(0), h.owner
	} else if c.Has = x.has(); c.Has == nil && len(c.Tally) == 0 {
		return nil
	}
	h.told = now
	state, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("pass on counters: %v", err)
	}
	if err := h.link.Send(handoff.Message{Kind: handoff.Counts, State: state}, nil, answerWithin); err != nil {
		return h.explain(err)
	}
	return nil
}
