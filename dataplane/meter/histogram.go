package meter

import (
	"math/bits"
	"sort"
	"sync/atomic"
)

// Layout of a Histogram. Every power of ten from 0.1 ms to 10 s is cut at
// 1.0, 1.1 ... 2.5, 2.75 ... 5, 5.5 ... 10, so that no bucket is wider than
// a tenth of its lower edge and that all the decimal bounds people like in
// Prometheus (1, 2.5, 5) are edges. Above 10 s the cuts are coarser.
const (
	firstEdge  = 100_000 // nanoseconds, 0.1 ms
	decades    = 5
	perDecade  = 35
	coarse     = 13 // edges above 10 s
	edgeCount  = 1 + decades*perDecade + coarse
	bucketsAll = edgeCount + 1 // the last one has no upper edge
)

// edges holds the inclusive upper edges in nanoseconds, rising.
var edges = makeEdges()

// edgeStart tells for the top three bits of a value at which edge the search
// begins; from there at most a few steps are left.
var edgeStart = makeEdgeStart()

func makeEdges() (e [edgeCount]int64) {
	n := 0
	put := func(v int64) { e[n] = v; n++ }
	unit := int64(firstEdge)
	put(unit)
	for range decades {
		for i := int64(11); i <= 25; i++ {
			put(unit / 10 * i)
		}
		for i := int64(11); i <= 20; i++ {
			put(unit / 4 * i)
		}
		for i := int64(11); i <= 20; i++ {
			put(unit / 2 * i)
		}
		unit *= 10
	}
	const second = int64(1_000_000_000)
	for _, s := range [coarse]int64{12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 55, 60} {
		put(s * second)
	}
	return e
}

// slot is the row of edgeStart that a value belongs to: its length in bits and
// the two bits below the leading one. It rises with the value.
func slot(v uint64) int {
	n := bits.Len64(v)
	if n < 3 {
		return 0
	}
	return n<<2 | int(v>>(n-3)&3)
}

func makeEdgeStart() (s [256 + 4]uint8) {
	for i := range s {
		n, top := i>>2, uint64(i&3)
		if n < 3 || n > 63 {
			continue
		}
		low := int64((4 | top) << (n - 3)) // smallest value of this slot
		s[i] = uint8(sort.Search(edgeCount, func(k int) bool { return edges[k] >= low }))
	}
	return s
}

// bucketOf is the index of the first edge that is not below ns.
func bucketOf(ns int64) int {
	if ns <= firstEdge {
		return 0
	}
	if ns > edges[edgeCount-1] {
		return edgeCount
	}
	i := int(edgeStart[slot(uint64(ns))])
	for edges[i] < ns {
		i++
	}
	return i
}

// Histogram counts durations in fixed memory. Any number of goroutines may
// Observe and read at the same time. The zero value is ready.
type Histogram struct {
	sum    atomic.Uint64 // nanoseconds
	counts [bucketsAll]atomic.Uint64
}

// Observe counts one duration in nanoseconds. A negative one, which a clock
// set back can produce, counts as zero. It costs two atomic additions.
func (h *Histogram) Observe(ns int64) {
	if ns < 0 {
		ns = 0
	}
	h.counts[bucketOf(ns)].Add(1)
	h.sum.Add(uint64(ns))
}

// Snapshot copies the numbers. Observations that run meanwhile may be in or
// not, but Count always equals the sum of the buckets.
func (h *Histogram) Snapshot() Distribution {
	var d Distribution
	for i := range h.counts {
		n := h.counts[i].Load()
		d.counts[i] = n
		d.Count += n
	}
	d.SumNs = h.sum.Load()
	return d
}

// Quantile is Snapshot().Quantile(q).
func (h *Histogram) Quantile(q float64) int64 {
	d := h.Snapshot()
	return d.Quantile(q)
}

// Distribution is a Histogram at one moment.
type Distribution struct {
	Count uint64 // observations
	SumNs uint64 // nanoseconds

	counts [bucketsAll]uint64
}

// Bounds are the upper bounds in seconds that a Prometheus histogram of ours
// has, without +Inf. Each is an edge, so the counts below it are exact.
var Bounds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// boundBucket holds the index of the last bucket below each of Bounds.
var boundBucket = func() []int {
	var b []int
	for _, s := range Bounds {
		b = append(b, bucketOf(int64(s*1e9+0.5)))
	}
	return b
}()

// Cumulative returns, for each of Bounds, how many observations were not
// greater. What is above the last bound is Count minus the last element.
func (d *Distribution) Cumulative() []uint64 {
	out := make([]uint64, len(Bounds))
	var sum uint64
	i := 0
	for k, last := range boundBucket {
		for ; i <= last; i++ {
			sum += d.counts[i]
		}
		out[k] = sum
	}
	return out
}

// Quantile estimates the duration in nanoseconds below which the share q (0 to
// 1) of the observations lies, at most 10 % off between 0.1 ms and 10 s. It is
// 0 without observations, and 60 s for everything longer.
func (d *Distribution) Quantile(q float64) int64 {
	if d.Count == 0 {
		return 0
	}
	q = min(max(q, 0), 1)
	rank := q * float64(d.Count)
	var below float64
	last := int64(0)
	for i, n := range d.counts {
		if n == 0 {
			continue
		}
		if i == edgeCount {
			return edges[edgeCount-1]
		}
		low := int64(0)
		if i > 0 {
			low = edges[i-1]
		}
		last = edges[i]
		if below+float64(n) >= rank {
			in := (rank - below) / float64(n)
			return low + int64(in*float64(edges[i]-low))
		}
		below += float64(n)
	}
	return last
}

// Mean is the average in nanoseconds, 0 without observations.
func (d *Distribution) Mean() int64 {
	if d.Count == 0 {
		return 0
	}
	return int64(d.SumNs / d.Count)
}

// Add puts the observations of o on top of d, to sum up several members.
func (d *Distribution) Add(o *Distribution) {
	d.Count += o.Count
	d.SumNs += o.SumNs
	for i, n := range o.counts {
		d.counts[i] += n
	}
}
