package lookup

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf/link"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Table is the rules at work in one network namespace.
type Table struct {
	mu   sync.Mutex // guards all below
	objs *objectObjects
	link *link.NetNsLink
	past Counts // of the rules before
}

// Counts is what became of connections that a rule names.
type Counts struct {
	Given  uint64 // to a listener of the rule's set
	Nobody uint64 // left to the kernel, because no listener of the set was open
}

// Attach puts rules to work in the network namespace of the caller. sets are
// descriptors of listeners; one of each set is enough where the listeners form
// a group (SO_REUSEPORT), more stand in when it is closed. An error matches
// bpf.ErrPermission or bpf.ErrUnsupported where that is the reason.
func Attach(rules []Rule, sets [][]int) (*Table, error) {
	objs, err := load(rules, sets)
	if err != nil {
		return nil, err
	}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		objs.Close()
		return nil, fmt.Errorf("open the network namespace: %v", err)
	}
	defer ns.Close()
	l, err := link.AttachNetNs(int(ns.Fd()), objs.CatherdLookup)
	if err != nil {
		objs.Close()
		return nil, kern.Explain("attach the lookup of listeners", err)
	}
	return &Table{objs: objs, link: l}, nil
}

func load(rules []Rule, sets [][]int) (*objectObjects, error) {
	compiled, err := compile(rules, len(sets))
	if err != nil {
		return nil, err
	}
	objs := new(objectObjects)
	err = kern.Load("load the lookup of listeners", loadObject, objs, kern.Options{Sizes: map[string]kern.Size{
		objectMapCatherdWide: {Key: unsafe.Sizeof(prefixKey{}), Value: unsafe.Sizeof(ranges{})},
		objectMapCatherdLstn: {Key: 4, Value: 8},
	}})
	if err != nil {
		return nil, err
	}
	if err := fill(&objs.objectMaps, compiled, sets); err != nil {
		objs.Close()
		return nil, err
	}
	return objs, nil
}

func fill(maps *objectMaps, compiled map[netip.Prefix]ranges, sets [][]int) error {
	for p, v := range compiled {
		key := prefixKey{kern.Bits(p), kern.AddressOf(p.Addr())}
		if err := maps.CatherdWide.Put(key, v); err != nil {
			return kern.Explain(fmt.Sprintf("listen at %q", p), err)
		}
	}
	for i, set := range sets {
		if len(set) > maxListeners {
			return fmt.Errorf("set %d has %d listeners: %d is the most", i, len(set), maxListeners)
		}
		for j, fd := range set {
			if err := maps.CatherdLstn.Put(uint32(i*maxListeners+j), uint64(fd)); err != nil {
				return kern.Explain(fmt.Sprintf("take listener %d of set %d", j, i), err)
			}
		}
	}
	return nil
}

// Set puts other rules and listeners in the place of the old ones, between two
// connections. After an error the old ones are at work.
func (t *Table) Set(rules []Rule, sets [][]int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.objs == nil {
		return errors.New("the lookup of listeners is closed")
	}
	fresh, err := load(rules, sets)
	if err != nil {
		return err
	}
	if err := t.link.Update(fresh.CatherdLookup); err != nil {
		fresh.Close()
		return kern.Explain("change the lookup of listeners", err)
	}
	t.past = t.counts()
	t.objs.Close()
	t.objs = fresh
	return nil
}

// Counts reads the counters, of all rules since Attach.
func (t *Table) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts()
}

func (t *Table) counts() Counts {
	c := t.past
	if t.objs == nil {
		return c
	}
	for i, to := range []*uint64{&c.Given, &c.Nobody} {
		var cpus []uint64
		if t.objs.CatherdGiven.Lookup(uint32(i), &cpus) != nil {
			continue
		}
		for _, n := range cpus {
			*to += n
		}
	}
	return c
}

// Costs returns how often the program ran and how long.
func (t *Table) Costs() []kern.Cost {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.objs == nil {
		return nil
	}
	return kern.CostOf(t.objs.CatherdLookup)
}

// Close takes the rules off. Connections that were accepted stay.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.objs == nil {
		return nil
	}
	t.past = t.counts()
	err := errors.Join(t.link.Close(), t.objs.Close())
	t.objs = nil
	return err
}

// Probe says whether listening wide can be had here, by loading the program.
func Probe() kern.Feature {
	objs, err := load(nil, nil)
	if err == nil {
		objs.Close()
	}
	return kern.FeatureOf("lookup", "lets one listener take whole prefixes and ranges of ports",
		"CAP_BPF and CAP_NET_ADMIN", "5.12", err)
}
