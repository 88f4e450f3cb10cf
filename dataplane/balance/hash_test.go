package balance

import (
	"fmt"
	"testing"

	"github.com/catherd/catherd/dataplane/table"
)

func hashAll(t *testing.T, p *table.Pool, keys int) (owner []string, got []int) {
	got = make([]int, len(p.Members))
	for i := range keys {
		k := mustPick(t, p, &Request{HashKey: fmt.Appendf(nil, "10.%d.%d.%d", i>>16, i>>8&255, i&255)})
		got[k]++
		owner = append(owner, p.Members[k].Name)
	}
	return owner, got
}

func TestHashSharesByWeight(t *testing.T) {
	for _, weights := range [][]uint32{{1, 1, 1}, {1, 2, 5}, {100, 50}} {
		p := poolOf(t, table.Hash, weights...)
		_, got := hashAll(t, p, 20_000)
		about(t, fmt.Sprint(weights), p, got, 0.05)
	}
}

// When members come, go, or change their weight, only keys that one of the
// changed members wins or loses may move.
func TestHashMovesOnlyWhatMust(t *testing.T) {
	for _, weights := range [][]uint32{{3, 3, 3, 3}, {1, 2, 5, 4}} {
		before, _ := hashAll(t, poolOf(t, table.Hash, weights...), 5_000)

		less := poolOf(t, table.Hash, weights...)
		less.Members[1].Take = table.Nothing
		after, _ := hashAll(t, less, 5_000)
		for i := range before {
			if (before[i] != after[i]) != (before[i] == "m1") {
				t.Fatalf("%v without m1: key %d went from %s to %s", weights, i, before[i], after[i])
			}
		}

		more, _ := hashAll(t, poolOf(t, table.Hash, append(weights[:4:4], 3)...), 5_000)
		for i := range before {
			if before[i] != more[i] && more[i] != "m4" {
				t.Fatalf("%v and m4: key %d went from %s to %s", weights, i, before[i], more[i])
			}
		}

		heavier := append([]uint32(nil), weights...)
		heavier[2] *= 2
		grown, _ := hashAll(t, poolOf(t, table.Hash, heavier...), 5_000)
		moved := 0
		for i := range before {
			if before[i] != grown[i] {
				moved++
				if grown[i] != "m2" {
					t.Fatalf("%v with heavier m2: key %d went from %s to %s", weights, i, before[i], grown[i])
				}
			}
		}
		if moved == 0 {
			t.Errorf("%v: a heavier member won nothing", weights)
		}
	}
}

// The order of the members and what else is in the pool do not matter.
func TestHashKnowsNamesOnly(t *testing.T) {
	one := poolOf(t, table.Hash, 1, 1, 1)
	two := &table.Pool{Name: "other", Policy: table.Hash}
	for _, i := range []int{2, 0, 1} {
		m := one.Members[i]
		m.Live = nil
		two.Members = append(two.Members, m)
	}
	if err := two.Seal(); err != nil {
		t.Fatal(err)
	}
	a, _ := hashAll(t, one, 500)
	b, _ := hashAll(t, two, 500)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("key %d: %s and %s", i, a[i], b[i])
		}
	}
}
