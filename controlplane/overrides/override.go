package overrides

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is what an operator asks of a member.
type State string

// The states an operator can ask for.
const (
	Ready State = "ready" // everything, also when the file says otherwise
	Drain State = "drain" // its own sessions, no new ones
	Stop  State = "stop"  // nothing at all
)

// ParseState accepts exactly the three words.
func ParseState(s string) (State, error) {
	switch State(s) {
	case Ready, Drain, Stop:
		return State(s), nil
	}
	return "", fmt.Errorf("state %q is none of ready, drain, stop", s)
}

// The weights an operator can ask for; those of the configuration. None is no
// weight: who shall get nothing new is drained.
const (
	MinWeight = 1
	MaxWeight = 10000
)

// CheckWeight refuses what is no weight.
func CheckWeight(n int) error {
	if n < MinWeight || n > MaxWeight {
		return fmt.Errorf("weight %d is not between %d and %d", n, MinWeight, MaxWeight)
	}
	return nil
}

// Override is one operator's wish: a state or a weight, never both. A member
// may have one of each, with owners, reasons and ends of their own.
type Override struct {
	Pool   string    `json:"pool"`
	Member string    `json:"member"`
	State  State     `json:"state,omitempty"`  // "" for a weight
	Weight int       `json:"weight,omitempty"` // MinWeight to MaxWeight; 0 for a state
	Owner  string    `json:"owner"`            // user name, or address and "token"; never empty
	Reason string    `json:"reason,omitempty"` // as given
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
}

// Active reports whether the override holds at that time.
func (o Override) Active(now time.Time) bool { return o.Until.IsZero() || now.Before(o.Until) }

// Kind is what is asked for in one word: the state, or "weight".
func (o Override) Kind() string {
	if o.Weight != 0 {
		return "weight"
	}
	return string(o.State)
}

// String reads like "drain until 14:32 (root, deploy 4.2)" or "weight 3 (root)".
func (o Override) String() string {
	var b strings.Builder
	b.WriteString(o.Kind())
	if o.Weight != 0 {
		b.WriteString(" " + strconv.Itoa(o.Weight))
	}
	if !o.Until.IsZero() {
		format := "15:04"
		if o.Until.Sub(o.Since) >= 20*time.Hour {
			format = "2006-01-02 15:04"
		}
		b.WriteString(" until " + o.Until.Format(format))
	}
	b.WriteString(" (" + o.Owner)
	if o.Reason != "" {
		b.WriteString(", " + o.Reason)
	}
	b.WriteString(")")
	return b.String()
}

// Find returns the state that is asked of a member at that time.
func Find(list []Override, pool, member string, now time.Time) (Override, bool) {
	return find(list, Override{Pool: pool, Member: member}, now)
}

// FindWeight returns the weight that is asked for a member at that time.
func FindWeight(list []Override, pool, member string, now time.Time) (Override, bool) {
	return find(list, Override{Pool: pool, Member: member, Weight: MinWeight}, now)
}

// Any reports whether anything is asked of a member at that time.
func Any(list []Override, pool, member string, now time.Time) bool {
	return slices.ContainsFunc(list, func(o Override) bool { return o.Pool == pool && o.Member == member && o.Active(now) })
}

// find looks for a wish about the same as like.
func find(list []Override, like Override, now time.Time) (Override, bool) {
	for _, o := range list {
		if o.same(like) && o.Active(now) {
			return o, true
		}
	}
	return Override{}, false
}

// same reports whether two wishes are about the same of the same member, so
// that one of them takes the place of the other.
func (o Override) same(x Override) bool {
	return o.Pool == x.Pool && o.Member == x.Member && (o.Weight != 0) == (x.Weight != 0)
}

// Put returns list with o in it, in the place of what was asked of the same
// member before. file is the state the configuration gives the member: asking
// for just that takes the override away. The list is not changed in place and
// stays sorted by pool and member.
func Put(list []Override, o Override, file State) []Override {
	return put(list, o, o.State != file)
}

// PutWeight does for a weight what Put does for a state. o.Weight is not 0;
// with that of the file the override is taken away.
func PutWeight(list []Override, o Override, file int) []Override {
	return put(list, o, o.Weight != file)
}

func put(list []Override, o Override, keep bool) []Override {
	out := make([]Override, 0, len(list)+1)
	for _, x := range list {
		if !x.same(o) {
			out = append(out, x)
		}
	}
	if keep {
		out = append(out, o)
	}
	sortList(out)
	return out
}

// Member names a member.
type Member struct{ Pool, Name string }

// Rename returns list with what was asked of members under their new names. It takes
// the place of what was asked under those names of somebody else. The list is not
// changed in place and stays sorted.
func Rename(list []Override, to map[Member]string) []Override {
	var out []Override
	for _, o := range list {
		if name, ok := to[Member{o.Pool, o.Member}]; ok {
			o.Member = name
			out = append(out, o)
		}
	}
	for _, o := range list {
		if _, ok := to[Member{o.Pool, o.Member}]; !ok && !slices.ContainsFunc(out, o.same) {
			out = append(out, o)
		}
	}
	sortList(out)
	return out
}

// Expire splits list into what still holds and what has ended.
func Expire(list []Override, now time.Time) (kept, gone []Override) {
	for _, o := range list {
		if o.Active(now) {
			kept = append(kept, o)
		} else {
			gone = append(gone, o)
		}
	}
	return kept, gone
}

// NextExpiry returns when the first override of list ends; zero when none
// does.
func NextExpiry(list []Override) time.Time {
	var at time.Time
	for _, o := range list {
		if !o.Until.IsZero() && (at.IsZero() || o.Until.Before(at)) {
			at = o.Until
		}
	}
	return at
}

// sortList sorts by pool and member, the state before the weight.
func sortList(list []Override) {
	slices.SortFunc(list, func(a, b Override) int {
		return cmp.Or(strings.Compare(a.Pool, b.Pool), strings.Compare(a.Member, b.Member), cmp.Compare(a.Weight, b.Weight))
	})
}
