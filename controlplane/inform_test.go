package controlplane

import (
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/tribes"
)

// A member is missed by the groups that can be heard: one that is not joined
// silences no other, and one that was joined a moment ago is waited for.
func TestListening(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sight := func(group string, joined bool, ago time.Duration) tribes.GroupSight {
		return tribes.GroupSight{Group: group, DropAfter: 3 * time.Second, Facts: tribes.Facts{Joined: joined, Since: now.Add(-ago)}}
	}
	old, fresh, broken := sight("a", true, time.Minute), sight("b", true, time.Second), sight("c", false, time.Minute)
	f := func(group string, want bool, groups ...tribes.GroupSight) {
		t.Helper()
		if got := listening(groups, group, now); got != want {
			t.Errorf("group %q: listening %t", group, got)
		}
	}
	f("", false)
	f("", true, old)
	f("", true, old, broken)
	f("", false, old, fresh)
	f("", false, broken)
	f("a", true, old, fresh, broken)
	f("b", false, old, fresh, broken)
	f("c", false, old, fresh, broken)
}

// What a group is heard to say on two interfaces is one story, the newest.
func TestGatherTakesTheNewestWord(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	node := func(state tribes.State, ago, suspect time.Duration) tribes.Node {
		return tribes.Node{Receiver: receiver("10.0.0.1:4000"), State: state, LastHeard: now.Add(-ago), SuspectAt: now.Add(-suspect)}
	}
	alive, silent := node(tribes.Alive, time.Second, time.Hour), node(tribes.Silent, time.Minute, time.Minute)
	for _, order := range [][]tribes.Node{{alive, silent}, {silent, alive}} {
		got := gather([]tribes.GroupSight{{Group: "a", Nodes: order[:1]}, {Group: "a", Nodes: order[1:]}})
		r := got[sight{"a", alive.Receiver}]
		if len(got) != 1 || r.State != tribes.Alive || !r.suspect.Equal(silent.SuspectAt) {
			t.Errorf("%d nodes, %s, suspect %s", len(got), r.State, r.suspect)
		}
	}
}
