package steering

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/steer"
	"github.com/catherd/catherd/dataplane/frontend"
)

// State is what became of an address.
type State string

// The states of an address.
const (
	Steered State = "steered" // the program chooses
	Waiting State = "waiting" // for another process to let go of the listeners
	Alone   State = "alone"   // there is one listener, and nothing to choose
	Off     State = "off"     // not wanted
	Refused State = "refused" // wanted, and it cannot be
)

// generation is where the listeners of this process stand. Each process has a group of
// its own, so one is enough.
const generation = 0

// address is one address. The Steering's lock guards it.
type address struct {
	s      *Steering
	name   string
	round  int   // the plan that was followed last
	group  group // nil unless waiting or steered
	added  int   // listeners that stand in it
	count  int   // listeners
	state  State
	policy steer.Policy
	since  time.Time
	why    string // of what is not steered
	cure   string
}

// Tend implements frontend.Steered.
func (a *address) Tend(fds []int) error {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.round == a.s.round && a.state != Waiting {
		return nil
	}
	return a.follow(fds)
}

// Load implements frontend.Steered.
func (a *address) Load(listener int) frontend.Load {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.state != Steered || listener >= a.count {
		return nil
	}
	return a.group.Load(generation, listener)
}

// Close implements frontend.Steered. What is attached stays: see the package.
func (a *address) Close() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.drop()
	a.s.addresses = slices.DeleteFunc(a.s.addresses, func(x *address) bool { return x == a })
}

// drop gives the group back.
func (a *address) drop() {
	if a.group != nil {
		_ = a.group.Close()
		a.group, a.added = nil, 0
	}
}

// follow does what the plan says. The error is that of a plan which requires what
// cannot be.
func (a *address) follow(fds []int) error {
	a.round, a.count = a.s.round, len(fds)
	plan := a.s.plan
	switch {
	case plan.Mode == Never:
		a.unsteer(fds, Off, plan.Why, "")
		return nil
	case len(fds) == 0 || sameSocket(fds):
		a.unsteer(fds, Alone, "there is one listener, and nothing to choose", "")
		return nil
	}
	err := a.steer(fds, plan.policy())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, steer.ErrElsewhere):
		a.state, a.why, a.cure = Waiting, "the listeners stand in another group still, of a process before", "none is needed: it begins when that one has let go of them"
		return nil
	}
	why, cure := err.Error(), "none is known; Catherd works without it"
	if f := a.s.probe(); !f.Can {
		why, cure = f.Missing, f.Cure
	}
	a.unsteer(fds, Refused, why, cure)
	if plan.Mode == Require {
		return fmt.Errorf("steer %s, as kernel.steering requires: %s: %s", a.name, why, cure)
	}
	a.s.tell("steering off", why, "reason", why, "cure", cure)
	return nil
}

// steer puts the listeners under the program.
func (a *address) steer(fds []int, policy steer.Policy) error {
	if len(fds) > steer.Listeners {
		return fmt.Errorf("%d listeners are more than the %d of a group", len(fds), steer.Listeners)
	}
	if a.group == nil {
		g, err := a.s.make()
		if err != nil {
			return err
		}
		a.group = g
	}
	if a.state != Steered {
		// As long as no listener can be named this leaves the choice to the kernel. It
		// takes the program of a process before off, and with it what keeps the
		// listeners in that one's group.
		if err := a.group.Attach(fds[0]); err != nil {
			return err
		}
	}
	for a.added < len(fds) {
		if err := a.group.Add(generation, a.added, fds[a.added]); err != nil {
			return err
		}
		a.added++
	}
	if err := a.group.Switch(generation, len(fds), policy); err != nil {
		return err
	}
	if a.state != Steered {
		a.since = time.Now()
	}
	if a.state != Steered || a.policy != policy {
		a.s.tell("steering", a.name+" "+policy.String(), "address", a.name, "policy", policy.String(), "listeners", len(fds))
	}
	a.state, a.policy, a.why, a.cure = Steered, policy, "", ""
	return nil
}

// unsteer leaves the choice to the kernel, by the listeners' own hash.
func (a *address) unsteer(fds []int, s State, why, cure string) {
	a.drop()
	// Nothing of another process may choose either: it does not know our acceptors.
	// That there is nothing to take off is no mistake.
	if len(fds) > 0 {
		_ = new(steer.Group).Detach(fds[0])
	}
	a.state, a.why, a.cure = s, why, cure
}

// sameSocket tells whether all descriptors are of one socket.
func sameSocket(fds []int) bool {
	var first uint64
	for i, fd := range fds {
		cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		switch {
		case err != nil:
			return false
		case i == 0:
			first = cookie
		case cookie != first:
			return false
		}
	}
	return true
}
