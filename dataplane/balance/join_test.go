package balance

import (
	"testing"

	"github.com/catherd/catherd/dataplane/table"
)

// grown is the pool of a next table: the same members with their numbers, and
// one more.
func grown(t *testing.T, p *table.Pool, weight uint32) *table.Pool {
	t.Helper()
	next := &table.Pool{Name: p.Name, Policy: p.Policy, Live: p.Live}
	next.Members = append(next.Members, p.Members...)
	next.Members = append(next.Members, table.Member{Name: "young", Weight: weight})
	if err := next.Seal(); err != nil {
		t.Fatal(err)
	}
	return next
}

// A member that joins gets its share at once: no more, no less.
func TestNewcomerIsNotFlooded(t *testing.T) {
	for name, policy := range policies {
		if policy == table.Hash {
			continue // has no memory to catch up with
		}
		const now = 1000 * second
		p := poolOf(t, policy, 2, 4)
		Join(p, now)
		work := func(p *table.Pool, n int) []int {
			got := make([]int, len(p.Members))
			for range n {
				k := mustPick(t, p, &Request{Now: now})
				Account(&p.Members[k], 1000, now)
				got[k]++
			}
			return got
		}
		work(p, 6_000)
		p = grown(t, p, 3)
		Join(p, now)
		got := work(p, 9)
		for i, want := range []int{2, 4, 3} {
			if d := got[i] - want; d < -1 || d > 1 {
				t.Errorf("%s: the first nine requests went %v, fair is [2 4 3]", name, got)
			}
		}
		about(t, name+" after the join", p, work(p, 9_000), 0.01)
	}
}

// A member that comes back has no claim to what it missed.
func TestReturningMemberIsNotFlooded(t *testing.T) {
	for name, policy := range policies {
		if policy == table.Hash {
			continue
		}
		p := poolOf(t, policy, 1, 1)
		Join(p, 0)
		p.Members[0].Take = table.Nothing
		Join(p, 0)
		for i := range 5_000 {
			now := int64(i) * second / 10
			Account(&p.Members[mustPick(t, p, &Request{Now: now})], 1000, now)
		}
		const now = 501 * second
		p.Members[0].Take = table.Everything
		Join(p, now)
		got := make([]int, 2)
		for range 20 {
			k := mustPick(t, p, &Request{Now: now})
			Account(&p.Members[k], 1000, now)
			got[k]++
		}
		if d := got[0] - got[1]; d < -2 || d > 2 {
			t.Errorf("%s: the first twenty went %v", name, got)
		}
	}
}

// The turns themselves need no Join: a member that was away only for the data
// path, by a trip or a farther distance, starts at the pool's time.
func TestTrippedMemberIsNotFlooded(t *testing.T) {
	for _, away := range []int{10, 1_000, 300_000} {
		p := poolOf(t, table.RoundRobin, 1, 1, 2)
		p.Members[0].Live.Trip(second)
		for range away {
			mustPick(t, p, &Request{})
		}
		got := make([]int, 3)
		for range 400 {
			got[mustPick(t, p, &Request{Now: second})]++
		}
		for i, want := range []int{100, 100, 200} {
			if d := got[i] - want; d < -2 || d > 2 {
				t.Errorf("after %d requests without it: %v", away, got)
			}
		}
	}
}

// A time that has gone stale over a wrap can look like any other. Far ahead it
// does not count; near ahead it costs the member a bounded wait.
func TestStaleTimeDoesNotStarve(t *testing.T) {
	for _, ahead := range []int64{maxAhead + 1, 1 << 50, 1<<63 - 1, -1 << 63, -1} {
		p := poolOf(t, table.RoundRobin, 1, 1)
		p.Live.Turn.Store(1 << 62)
		now := int64(p.Live.Turn.Load())
		p.Members[0].Live.Score.Store(now + ahead)
		p.Members[1].Live.Score.Store(now)
		got := make([]int, 2)
		for range 100 {
			got[mustPick(t, p, &Request{})]++
		}
		equalWeights(t, "stale by a wrap", p, got, 50)
	}
	p := poolOf(t, table.RoundRobin, 1, 1)
	p.Members[0].Live.Score.Store(maxAhead)
	got := make([]int, 2)
	for range 264 {
		got[mustPick(t, p, &Request{})]++
	}
	equalWeights(t, "64 rounds ahead", p, []int{got[0] + 32, got[1] - 32}, 132)
}

func TestJoinLeavesOthersAlone(t *testing.T) {
	p := poolOf(t, table.FewestSessions, 1, 1)
	Join(p, 0)
	for range 7 {
		mustPick(t, p, &Request{})
	}
	scores := [2]int64{p.Members[0].Live.Score.Load(), p.Members[1].Live.Score.Load()}
	starts := [2]uint64{p.Members[0].Live.Starts.Value(0), p.Members[1].Live.Starts.Value(0)}
	Join(p, 0)
	if now := [2]int64{p.Members[0].Live.Score.Load(), p.Members[1].Live.Score.Load()}; now != scores {
		t.Errorf("scores %v became %v", scores, now)
	}
	if now := [2]uint64{p.Members[0].Live.Starts.Value(0), p.Members[1].Live.Starts.Value(0)}; now != starts {
		t.Errorf("starts %v became %v", starts, now)
	}
	p.Members[1].Take = table.OnlySessions
	Join(p, 0)
	if p.Members[1].Live.InRotation.Load() || !p.Members[0].Live.InRotation.Load() {
		t.Error("a draining member stayed in rotation, or the other did not")
	}
}
