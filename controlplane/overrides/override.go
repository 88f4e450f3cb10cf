package overrides

import (
	"fmt"
	"slices"
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

// Override is one operator's wish.
type Override struct {
	Pool   string    `json:"pool"`
	Member string    `json:"member"`
	State  State     `json:"state"`
	Owner  string    `json:"owner"`            // user name, or address and "token"; never empty
	Reason string    `json:"reason,omitempty"` // as given
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
}

// Active reports whether the override holds at that time.
func (o Override) Active(now time.Time) bool { return o.Until.IsZero() || now.Before(o.Until) }

// String reads like "drain until 14:32 (root, deploy 4.2)".
func (o Override) String() string {
	var b strings.Builder
	b.WriteString(string(o.State))
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

// Find returns the override of a member that holds at that time.
func Find(list []Override, pool, member string, now time.Time) (Override, bool) {
	for _, o := range list {
		if o.Pool == pool && o.Member == member && o.Active(now) {
			return o, true
		}
	}
	return Override{}, false
}

// Put returns list with o in it, in the place of what was asked of the same
// member before. file is the state the configuration gives the member: asking
// for just that takes the override away. The list is not changed in place and
// stays sorted by pool and member.
func Put(list []Override, o Override, file State) []Override {
	out := make([]Override, 0, len(list)+1)
	for _, x := range list {
		if x.Pool != o.Pool || x.Member != o.Member {
			out = append(out, x)
		}
	}
	if o.State != file {
		out = append(out, o)
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

func sortList(list []Override) {
	slices.SortFunc(list, func(a, b Override) int {
		if c := strings.Compare(a.Pool, b.Pool); c != 0 {
			return c
		}
		return strings.Compare(a.Member, b.Member)
	})
}
