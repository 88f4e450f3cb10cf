package lookup

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// The room of a table, as in lookup.c.
const (
	maxRanges    = 16 // of one prefix, those of the prefixes around it included
	maxListeners = 16 // of one set
	maxSets      = 64
	maxPrefixes  = 65536
)

// Rule gives the connections to a range of ports on the addresses of a prefix to
// a set of listeners.
type Rule struct {
	Addr        netip.Prefix
	First, Last uint16 // both included; Last 0: First alone
	Set         int    // index into the sets given with the rules
}

// The structures of lookup.c; their sizes are compared when it is loaded.
type (
	prefixKey struct {
		Bits    uint32
		Address kern.Address
	}
	portRange struct{ First, Last, Set, _ uint16 }
	ranges    struct {
		Count uint32
		Range [maxRanges]portRange
	}
)

// compile returns what the program finds for every prefix. It finds only the
// longest that fits, so each has the ranges of those around it as well, behind
// its own; where ranges overlap, the longer prefix and then the earlier rule wins.
func compile(rules []Rule, sets int) (map[netip.Prefix]ranges, error) {
	if sets > maxSets {
		return nil, fmt.Errorf("%d sets of listeners: %d is the most", sets, maxSets)
	}
	rules = slices.Clone(rules)
	for i := range rules {
		r := &rules[i]
		if r.Last == 0 {
			r.Last = r.First
		}
		if !r.Addr.IsValid() || r.First == 0 || r.Last < r.First || r.Set < 0 || r.Set >= sets {
			return nil, fmt.Errorf("ports %d-%d of %q to set %d: not a rule", r.First, r.Last, r.Addr, r.Set)
		}
		r.Addr = r.Addr.Masked()
	}
	// The longest first; rules of the same length stay in order.
	slices.SortStableFunc(rules, func(a, b Rule) int { return b.Addr.Bits() - a.Addr.Bits() })
	out := map[netip.Prefix]ranges{}
	for _, r := range rules {
		if _, done := out[r.Addr]; done {
			continue
		}
		var v ranges
		for _, o := range rules {
			if o.Addr.Bits() > r.Addr.Bits() || !o.Addr.Contains(r.Addr.Addr()) {
				continue
			}
			if v.Count == maxRanges {
				return nil, fmt.Errorf("more than %d ranges of ports for %q", maxRanges, r.Addr)
			}
			v.Range[v.Count] = portRange{First: o.First, Last: o.Last, Set: uint16(o.Set)}
			v.Count++
		}
		out[r.Addr] = v
	}
	if len(out) > maxPrefixes {
		return nil, fmt.Errorf("%d prefixes: %d is the most", len(out), maxPrefixes)
	}
	return out, nil
}
