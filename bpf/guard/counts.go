package guard

import (
	"fmt"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Count is what one rule met. Bytes are those of whole packets.
type Count struct {
	Name           string // "connections", "deny 192.0.2.0/24", ...
	Drops          bool   // the rule drops what it meets, unless DryRun
	Packets, Bytes uint64
}

// Counts is what all rules met since the guard was made, changes of rules
// included, in a fixed order: the built-in ones, then the deny list as given.
type Counts struct {
	DryRun bool
	Rules  []Count
}

// The built-in counters, by index.
var builtin = []Count{
	{Name: "connections"},
	{Name: "connections too fast", Drops: true},
	{Name: "allowed"},
	{Name: "hiding fragments", Drops: true},
	{Name: "group"},
	{Name: "group not a member", Drops: true},
	{Name: "group too fast", Drops: true},
	{Name: "group flood", Drops: true},
}

// Dropped returns the packets that all rules together dropped, or would have.
func (c Counts) Dropped() (n uint64) {
	for _, r := range c.Rules {
		if r.Drops {
			n += r.Packets
		}
	}
	return n
}

// Of returns the count of the rule of a name, the zero Count where there is none.
func (c Counts) Of(name string) Count {
	for _, r := range c.Rules {
		if r.Name == name {
			return r
		}
	}
	return Count{}
}

// Counts reads the counters. A counter that cannot be read is as it was when
// the rules were last changed.
func (g *Guard) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.countsLocked()
}

func (g *Guard) countsLocked() Counts {
	c := Counts{DryRun: g.rules.DryRun, Rules: make([]Count, 0, len(builtin)+len(g.rules.Deny))}
	c.Rules = append(c.Rules, builtin...)
	for _, p := range g.rules.Deny {
		c.Rules = append(c.Rules, Count{Name: fmt.Sprintf("deny %s", p), Drops: true})
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		index := uint32(i)
		if i >= len(builtin) {
			index += firstRule - uint32(len(builtin))
		}
		r.Packets, r.Bytes = g.past[r.Name].Packets, g.past[r.Name].Bytes
		if g.objs == nil {
			continue
		}
		var cpus []countValue
		if err := g.objs.CatherdCounts.Lookup(index, &cpus); err != nil {
			continue
		}
		for _, v := range cpus {
			r.Packets += v.Packets
			r.Bytes += v.Bytes
		}
	}
	return c
}

// Probe says whether the guard can run here, by loading it.
func Probe() kern.Feature {
	g, err := New(Rules{})
	if err == nil {
		g.Close()
	}
	return kern.FeatureOf("guard", "drops floods and denied sources before they cost anything",
		"CAP_BPF and CAP_NET_ADMIN", "5.12", err)
}
