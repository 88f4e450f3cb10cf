package meter

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func TestEdgesRiseByATenthAtMost(t *testing.T) {
	if edges[0] != firstEdge || edges[edgeCount-1] != 60_000_000_000 {
		t.Fatalf("edges go from %d to %d", edges[0], edges[edgeCount-1])
	}
	for i := 1; i < edgeCount; i++ {
		low, high := edges[i-1], edges[i]
		if high <= low {
			t.Errorf("edge %d is %d after %d", i, high, low)
		}
		if high <= 10_000_000_000 && (high-low)*10 > low {
			t.Errorf("bucket %d to %d is wider than a tenth", low, high)
		}
	}
}

func TestBoundsAreEdges(t *testing.T) {
	for i, b := range Bounds {
		ns := int64(b*1e9 + 0.5)
		if got := edges[boundBucket[i]]; got != ns {
			t.Errorf("bound %g s lies in the bucket up to %d ns", b, got)
		}
	}
}

// The table-driven search must agree with the plain one everywhere it can go
// wrong: around each edge and around each power of two.
func TestBucketOf(t *testing.T) {
	check := func(ns int64) {
		want := 0
		for want < edgeCount && edges[want] < ns {
			want++
		}
		if got := bucketOf(ns); got != want {
			t.Errorf("bucketOf(%d) = %d, want %d", ns, got, want)
		}
	}
	for _, e := range edges {
		check(e - 1)
		check(e)
		check(e + 1)
	}
	for n := range 63 {
		for _, d := range []int64{-1, 0, 1} {
			check(int64(1)<<n + d)
			check(int64(1)<<n/4*5 + d)
			check(int64(1)<<n/4*7 + d)
		}
	}
	check(1<<63 - 1)
}

func TestQuantileIsATenthOff(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []int64
	for range 20_000 {
		ns := int64(100_000 * (1 + rnd.ExpFloat64()*500)) // 0.1 ms to about half a second
		all = append(all, ns)
		h.Observe(ns)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		got := h.Quantile(q)
		if off := float64(got-want) / float64(want); off > 0.1 || off < -0.1 {
			t.Errorf("quantile %g = %d, sorted %d, %.1f %% off", q, got, want, off*100)
		}
	}
}

func TestQuantileAtTheEnds(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("empty: %d", got)
	}
	h.Observe(-5)
	h.Observe(120_000_000_000)
	d := h.Snapshot()
	if d.Count != 2 || d.SumNs != 120_000_000_000 || d.Mean() != 60_000_000_000 {
		t.Errorf("count %d, sum %d, mean %d", d.Count, d.SumNs, d.Mean())
	}
	for q, want := range map[float64]int64{-1: 0, 0: 0, 0.5: firstEdge, 1: 60_000_000_000, 2: 60_000_000_000} {
		if got := d.Quantile(q); got != want {
			t.Errorf("quantile %g = %d, want %d", q, got, want)
		}
	}
	c := d.Cumulative()
	for i, n := range c {
		if n != 1 {
			t.Errorf("up to %g s: %d, want the one short observation", Bounds[i], n)
		}
	}
}

func TestCumulativeAgainstCounting(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var h Histogram
	var all []int64
	for range 5_000 {
		ns := int64(rnd.ExpFloat64() * 2e9)
		if rnd.IntN(3) == 0 {
			ns = int64(Bounds[rnd.IntN(len(Bounds))]*1e9 + 0.5) // sits on a bound: belongs below it
		}
		all = append(all, ns)
		h.Observe(ns)
	}
	d := h.Snapshot()
	for i, got := range d.Cumulative() {
		var want uint64
		for _, ns := range all {
			if ns <= int64(Bounds[i]*1e9+0.5) {
				want++
			}
		}
		if got != want {
			t.Errorf("up to %g s: %d, counted %d", Bounds[i], got, want)
		}
	}
}

func TestAddSumsUp(t *testing.T) {
	var a, b, both Histogram
	for i := range int64(1000) {
		h := &a
		if i%3 == 0 {
			h = &b
		}
		h.Observe(i * 1_000_000)
		both.Observe(i * 1_000_000)
	}
	sum, o := a.Snapshot(), b.Snapshot()
	sum.Add(&o)
	if sum != both.Snapshot() {
		t.Errorf("sum of two differs from one that saw all")
	}
}

func TestObserveFromManySides(t *testing.T) {
	var h Histogram
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				h.Observe(int64(g*1000+i) * 10_000)
				if d := h.Snapshot(); d.Count > 4000 {
					t.Errorf("snapshot counts %d", d.Count)
				}
			}
		})
	}
	wg.Wait()
	d := h.Snapshot()
	if want := uint64(4000*3999/2) * 10_000; d.Count != 4000 || d.SumNs != want {
		t.Errorf("count %d, sum %d, want 4000 and %d", d.Count, d.SumNs, want)
	}
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	ns := int64(1)
	for b.Loop() {
		ns = (ns*6364136223846793005 + 1442695040888963407) & (1<<33 - 1)
		h.Observe(ns)
	}
}
