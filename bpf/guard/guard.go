package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf/link"
)

// Guard is one set of rules at work on any number of interfaces.
type Guard struct {
	mu    sync.Mutex // guards all below; never held while packets are judged
	rules Rules
	objs  *objectObjects
	at    map[int]*attachment // by interface index
	past  map[string]Count    // what the rules before this set counted, by name
}

// attachment is one interface.
type attachment struct {
	mode Mode
	link link.Link
}

// New loads the rules, attached to nothing yet. An error matches
// bpf.ErrPermission or bpf.ErrUnsupported where that is the reason.
func New(r Rules) (*Guard, error) {
	r.Deny = distinct(r.Deny)
	objs, err := load(r, nil)
	if err != nil {
		return nil, err
	}
	return &Guard{rules: r, objs: objs, at: map[int]*attachment{}, past: map[string]Count{}}, nil
}

// Rules returns the rules at work.
func (g *Guard) Rules() Rules {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rules
}

// Set puts other rules to work. On every interface they take the place of the
// old ones between two packets. After an error the old ones are at work
// everywhere.
func (g *Guard) Set(r Rules) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.objs == nil {
		return errClosed
	}
	r.Deny = distinct(r.Deny)
	fresh, err := load(r, g.objs.CatherdDue)
	if err != nil {
		return err
	}
	// Critical: from here until all are updated two sets are at work.
	var done []*attachment
	for index, a := range g.at {
		if err := a.link.Update(a.mode.program(fresh)); err != nil {
			errs := []error{fmt.Errorf("change the guard of interface %d: %v", index, err)}
			for _, d := range done {
				errs = append(errs, d.link.Update(d.mode.program(g.objs)))
			}
			fresh.Close()
			return errors.Join(errs...)
		}
		done = append(done, a)
	}
	// What the old set counted is final now.
	for _, c := range g.countsLocked().Rules {
		g.past[c.Name] = c
	}
	g.objs.Close()
	g.objs, g.rules = fresh, r
	return nil
}

// distinct returns the prefixes without repeats, so that each has one counter.
// What is no prefix stays, for Check to see.
func distinct(prefixes []netip.Prefix) []netip.Prefix {
	seen := map[netip.Prefix]bool{}
	var out []netip.Prefix
	for _, p := range prefixes {
		if p.IsValid() {
			p = p.Masked()
		}
		if !seen[p] {
			out = append(out, p)
		}
		seen[p] = true
	}
	return out
}

var errClosed = errors.New("the guard is closed")

// Close takes the guard off all interfaces.
func (g *Guard) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	for index, a := range g.at {
		if err := a.link.Close(); err != nil {
			errs = append(errs, fmt.Errorf("take the guard off interface %d: %v", index, err))
		}
	}
	clear(g.at)
	if g.objs != nil {
		errs = append(errs, g.objs.Close())
		g.objs = nil
	}
	return errors.Join(errs...)
}
