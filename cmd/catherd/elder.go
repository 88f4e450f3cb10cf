package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane"
	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/handoff"
	"github.com/catherd/catherd/dataplane/frontend"
)

// elder is the process that this one takes over from. A nil elder is none, and all its
// methods do nothing then.
type elder struct {
	link    *handoff.Link
	program string // its version
	sockets []handoff.Socket
	fds     []int // of sockets; -1: somebody has it
	carry   controlplane.Carry
}

// counted is the state of a message of handoff.Counts.
type counted struct {
	Tally  controlplane.Tally `json:"tally"`
	Events []admin.Event      `json:"events,omitempty"`
	Owner  string             `json:"owner,omitempty"` // of the upgrade; in the first one
	Has    *admin.Elder       `json:"has,omitempty"`   // when it takes no more connections
}

const (
	// answerWithin is how long either side has for a message that takes no work.
	answerWithin = 10 * time.Second
	// lookFor is how long a new process waits for answers of all members that the
	// one before had in use. Those that are heard need two heartbeats and more.
	lookFor = 5 * time.Second
)

// meet finds the process that has started this one to take over.
func meet(e *env) (*elder, error) {
	link, err := handoff.Inherit(e.getenv)
	if link == nil || err != nil {
		return nil, err
	}
	_ = os.Unsetenv(handoff.Env) // not for what this process starts
	m, fds, err := link.Receive(answerWithin)
	if err != nil {
		_ = link.Close()
		return nil, fmt.Errorf("take over: %v", err)
	}
	o := &elder{link: link, program: m.Program, sockets: m.Sockets, fds: fds}
	if m.Kind != handoff.Offer || m.Version != handoff.Version {
		err = fmt.Errorf("take over: the process before speaks version %d, this one version %d: stop it and start this one", m.Version, handoff.Version)
	} else if err = json.Unmarshal(m.State, &o.carry); err != nil {
		err = fmt.Errorf("take over: what the process before knows is not understood: %v", err)
	}
	if err != nil {
		o.refuse(err)
		o.close()
		return nil, err
	}
	return o, nil
}

// clients takes out the sockets of clients.
func (o *elder) clients() (list []frontend.Socket) {
	if o == nil {
		return nil
	}
	for i, s := range o.sockets {
		if s.Role == handoff.Client && o.fds[i] >= 0 {
			list = append(list, frontend.Socket{Address: s.Address, FD: o.fds[i]})
			o.fds[i] = -1
		}
	}
	return list
}

// listener takes out the socket of a role and an address; nil when there is none.
func (o *elder) listener(role handoff.Role, address string) (net.Listener, error) {
	if o == nil {
		return nil, nil
	}
	i := slices.Index(o.sockets, handoff.Socket{Role: role, Address: address})
	if i < 0 || o.fds[i] < 0 {
		return nil, nil
	}
	f := os.NewFile(uintptr(o.fds[i]), address)
	o.fds[i] = -1
	defer f.Close() // the listener has a duplicate
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take over %s: %v", address, err)
	}
	return l, nil
}

// known is what it knows; nil without an elder.
func (o *elder) known() *controlplane.Carry {
	if o == nil {
		return nil
	}
	return &o.carry
}

// refuse tells it why it has to go on. It may have gone, and then it knows.
func (o *elder) refuse(why error) {
	if o != nil {
		_ = o.link.Send(handoff.Message{Kind: handoff.Refused, Why: why.Error()}, nil, answerWithin)
	}
}

func (o *elder) close() {
	if o == nil {
		return
	}
	_ = o.link.Close()
	for _, fd := range o.fds {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	o.fds = nil
}

// links takes out its own link and those of its elders.
func (o *elder) links() (list []*handoff.Link) {
	list = append(list, o.link)
	for i, s := range o.sockets {
		if s.Role != handoff.Elder || o.fds[i] < 0 {
			continue
		}
		if l, err := handoff.Continue(o.fds[i]); err == nil {
			list = append(list, l)
		}
		o.fds[i] = -1
	}
	return list
}

// cleanUp ends the sockets that nobody listens on from now on.
func (o *elder) cleanUp() {
	for i, s := range o.sockets {
		if o.fds[i] < 0 {
			continue
		}
		_ = unix.Close(o.fds[i])
		o.fds[i] = -1
		if s.Role == handoff.Admin {
			_ = os.Remove(s.Address)
		}
	}
}

// takeOver makes this process the one that serves. After an error nothing has
// changed, and it has to end.
func (x *process) takeOver(ctx context.Context) error {
	o := x.elder
	if err := x.reach(ctx); err != nil {
		o.refuse(err)
		return err
	}
	if err := o.answer(handoff.Ready, handoff.Go); err != nil {
		return err
	}
	if err := x.engine.Accept(); err != nil {
		o.refuse(err)
		return failed("take over: %v", err)
	}
	// It may end at any time from here on: somebody must serve. What it does when it
	// wants to go on is to kill this process.
	if err := o.send(handoff.Serving); err == nil {
		if m, _, err := o.link.Receive(answerWithin); err == nil && m.Kind == handoff.Counts {
			x.count(&m)
		}
	}
	if err := x.ctl.Thaw(ctx); err != nil {
		return err
	}
	x.elders.add(o.links()) // before somebody asks whether a member may be stopped
	x.admin.serve()
	if err := o.send(handoff.Taken); err == nil {
		_, _, _ = o.link.Receive(answerWithin) // yours; one that has ended says nothing
	}
	x.elders.start(ctx, x.count)
	o.cleanUp()
	return nil
}

// reach waits until the members that are in use have answered this process as well.
func (x *process) reach(ctx context.Context) error {
	for until := time.Now().Add(lookFor); ; {
		done, lacks := x.ctl.Fit()
		switch over := !time.Now().Before(until); {
		case lacks == "" && (done || over):
			return nil
		case done || over:
			return failed("take over: no member of pool %s has answered this process, and one serves the other: look at its log", lacks)
		}
		if !pause(ctx, 5*time.Millisecond) {
			return failed("take over: interrupted")
		}
	}
}

func (o *elder) send(k handoff.Kind) error {
	return o.link.Send(handoff.Message{Kind: k, Program: version}, nil, answerWithin)
}

// answer says one word and waits for another one.
func (o *elder) answer(say, want handoff.Kind) error {
	err := o.send(say)
	var m handoff.Message
	if err == nil {
		m, _, err = o.link.Receive(answerWithin)
	}
	switch {
	case errors.Is(err, io.EOF):
		return failed("take over: the process before has ended, or thought better of it")
	case err != nil:
		return failed("take over: %v", err)
	case m.Kind != want:
		return failed("take over: the process before says %q, not %q", m.Kind, want)
	}
	return nil
}

// count adds what the process before has counted, and returns what it has, if it says so.
func (x *process) count(m *handoff.Message) *admin.Elder {
	var c counted
	if err := json.Unmarshal(m.State, &c); err != nil {
		x.log.Warn("counters of the process before are lost", "reason", err.Error())
		return nil
	}
	x.ctl.Precede(c.Events)
	x.ctl.Count(c.Tally)
	if c.Owner != "" {
		x.ctl.Upgraded(c.Owner, fmt.Sprintf("from %s to %s, pid %d", x.elder.program, version, os.Getpid()), "")
	}
	return c.Has
}
