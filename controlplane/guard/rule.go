package guard

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Kind is what a rule does.
type Kind string

// The kinds of rules that operators make.
const (
	Deny  Kind = "deny"
	Allow Kind = "allow"
)

// maxRules bounds what operators add; more belongs into the file.
const maxRules = 1024

// Rule is what an operator says of one prefix while the process runs.
type Rule struct {
	Kind   Kind         `json:"rule"`
	Prefix netip.Prefix `json:"prefix"`
	Owner  string       `json:"owner"` // never empty
	Reason string       `json:"reason,omitempty"`
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until,omitzero"` // zero: until it is removed
}

// String reads like "deny 192.0.2.0/24 until 14:32 (root, scanner)".
func (r Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Kind, r.Prefix)
	if !r.Until.IsZero() {
		format := "15:04:05"
		if r.Until.Sub(r.Since) >= 20*time.Hour {
			format = "2006-01-02 15:04"
		}
		b.WriteString(" until " + r.Until.Format(format))
	}
	b.WriteString(" (" + r.Owner)
	if r.Reason != "" {
		b.WriteString(", " + r.Reason)
	}
	b.WriteString(")")
	return b.String()
}

func (r Rule) check() error {
	switch {
	case r.Kind != Deny && r.Kind != Allow:
		return fmt.Errorf("rule %q is neither deny nor allow", string(r.Kind))
	case !r.Prefix.IsValid() || r.Prefix != r.Prefix.Masked() || r.Prefix.Addr().Is4In6():
		return fmt.Errorf("%q is no prefix", r.Prefix)
	case r.Owner == "":
		return errors.New("no owner")
	}
	return nil
}

// put returns list with r in the place of what was said of the same prefix before.
// The list is not changed in place and stays sorted.
func put(list []Rule, r Rule) []Rule {
	out := append(without(list, r.Prefix), r)
	slices.SortFunc(out, func(a, b Rule) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	return out
}

// without returns list without what is said of a prefix.
func without(list []Rule, p netip.Prefix) []Rule {
	out := make([]Rule, 0, len(list)+1)
	for _, x := range list {
		if x.Prefix != p {
			out = append(out, x)
		}
	}
	return out
}

// find returns what is said of a prefix, nil for nothing.
func find(list []Rule, p netip.Prefix) *Rule {
	for i := range list {
		if list[i].Prefix == p {
			return &list[i]
		}
	}
	return nil
}

// expire splits list into what holds and what has ended.
func expire(list []Rule, now time.Time) (kept, gone []Rule) {
	for _, r := range list {
		if !r.Until.IsZero() && !now.Before(r.Until) {
			gone = append(gone, r)
		} else {
			kept = append(kept, r)
		}
	}
	return kept, gone
}

// ParsePrefix reads an address or a network as the file writes them. Bits beyond the
// length are dropped.
func ParsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, aerr := netip.ParseAddr(text); err != nil && aerr == nil && a.Zone() == "" {
		a = a.Unmap()
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or network: write for example 10.0.0.7, 10.0.0.0/8 or 2001:db8::/48", text)
	}
	return p.Masked(), nil
}
