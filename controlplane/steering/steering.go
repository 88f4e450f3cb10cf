package steering

import (
	"log/slog"
	"sync"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/bpf/steer"
	"github.com/catherd/catherd/dataplane/frontend"
)

// group is what is used of steer.Group.
type group interface {
	Attach(fd int) error
	Detach(fd int) error
	Add(generation, index, fd int) error
	Switch(generation, listeners int, policy steer.Policy) error
	Load(generation, index int) *steer.Load
	Counts() (steer.Counts, error)
	Close() error
}

// Steering steers the addresses of a process. Its methods may be called from any
// goroutine.
type Steering struct {
	log   *slog.Logger
	make  func() (group, error)
	probe func() bpf.Feature

	mu        sync.Mutex // guards what is below, and all addresses
	plan      Plan
	round     int // rises with the plan
	addresses []*address
	told      string // what was logged last
}

// New makes a Steering that wants what plan says.
func New(plan Plan, log *slog.Logger) *Steering {
	return &Steering{
		log: log, plan: plan, probe: steer.Probe,
		make: func() (group, error) { return steer.New() },
	}
}

// Set changes what is wanted, and returns what was wanted before. Addresses follow when
// they are opened or looked after.
func (s *Steering) Set(p Plan) (before Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.plan
	if p != before {
		s.plan = p
		s.round++
	}
	return before
}

// Again has every address put under its program once more, because another process may
// have put one of its own in its place. Addresses follow when they are looked after.
func (s *Steering) Again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.addresses {
		if a.state == Steered {
			a.state = Waiting
		}
	}
}

// Open implements frontend.Steering.
func (s *Steering) Open(name string, fds []int) (frontend.Steered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &address{s: s, name: name, round: s.round - 1}
	if err := a.follow(fds); err != nil {
		a.drop()
		return nil, err
	}
	s.addresses = append(s.addresses, a)
	return a, nil
}

// tell logs what is new. The same trouble of another address is not. s.mu is held.
func (s *Steering) tell(msg, about string, attrs ...any) {
	if about == s.told {
		return
	}
	s.told = about
	s.log.Info(msg, attrs...)
}
