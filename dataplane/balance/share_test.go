package balance

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
)

// poolOf makes a sealed pool of members m0, m1, ... with the given weights.
func poolOf(t testing.TB, policy table.Policy, weights ...uint32) *table.Pool {
	t.Helper()
	p := &table.Pool{Name: "app", Policy: policy}
	for i, w := range weights {
		name := fmt.Sprint("m", i)
		p.Members = append(p.Members, table.Member{Name: name, Route: name, Weight: w})
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPick(t testing.TB, p *table.Pool, r *Request) int {
	t.Helper()
	m, _, why := Pick(p, r)
	if m == nil {
		t.Fatal(why)
	}
	return p.Index(m)
}

// equalWeights checks that got is the weights, times.
func equalWeights(t *testing.T, what string, p *table.Pool, got []int, times int) {
	t.Helper()
	for i, n := range got {
		if want := int(p.Members[i].Weight) * times; n != want {
			t.Errorf("%s: counts %v, member %d should have %d", what, got, i, want)
			return
		}
	}
}

// about checks the shares against the weights, within the given part of them.
func about(t *testing.T, what string, p *table.Pool, got []int, off float64) {
	t.Helper()
	var sum, weight float64
	for i, n := range got {
		sum += float64(n)
		weight += float64(p.Members[i].Weight)
	}
	for i, n := range got {
		want := sum * float64(p.Members[i].Weight) / weight
		if math.Abs(float64(n)-want) > off*want {
			t.Errorf("%s: counts %v, member %d should have about %.0f", what, got, i, want)
		}
	}
}

var weightSets = [][]uint32{{1, 1}, {1, 2, 5}, {7, 3}, {10, 10, 1}, {28, 27, 25, 24, 23, 1}, {100, 50, 75}, {29, 31, 37}}

// Round robin is exact in every window, wherever it begins.
func TestRoundRobinIsExactInEveryWindow(t *testing.T) {
	for _, weights := range weightSets {
		p := poolOf(t, table.RoundRobin, weights...)
		window := 0
		for _, w := range weights {
			window += int(w)
		}
		var order []int
		got := make([]int, len(weights))
		for i := range 50 * window {
			k := mustPick(t, p, &Request{})
			order = append(order, k)
			got[k]++
			if i >= window {
				got[order[i-window]]--
			}
			if i >= window-1 {
				equalWeights(t, fmt.Sprintf("weights %v, window ending at %d", weights, i), p, got, 1)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// The virtual times wrap around in this run.
func TestRoundRobinDoesNotDrift(t *testing.T) {
	p := poolOf(t, table.RoundRobin, 1, 1, 3)
	start := int64(math.MaxInt64 - 10*table.VirtualUnit)
	p.Live.Turn.Store(uint64(start))
	got := make([]int, 3)
	for range 5 * 100_000 {
		got[mustPick(t, p, &Request{})]++
	}
	equalWeights(t, "over the wrap", p, got, 100_000)
	if now := int64(p.Live.Turn.Load()); now > 0 {
		t.Errorf("the time did not wrap: %d", now)
	}
}

// Callers at the same time may disturb the order, never the shares.
func TestRoundRobinFromManySides(t *testing.T) {
	p := poolOf(t, table.RoundRobin, 1, 2, 5)
	got := make([]int, 3)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			mine := make([]int, 3)
			for range 10_000 {
				m, _, _ := Pick(p, &Request{})
				mine[p.Index(m)]++
			}
			mu.Lock()
			defer mu.Unlock()
			for i, n := range mine {
				got[i] += n
			}
		})
	}
	wg.Wait()
	about(t, "eight callers", p, got, 0.02)
}

// With nothing in flight, or equal numbers, every policy gives weighted turns.
func TestIdleMembersTakeWeightedTurns(t *testing.T) {
	for name, policy := range policies {
		if policy == table.Hash {
			continue
		}
		for _, weights := range weightSets {
			p := poolOf(t, policy, weights...)
			window := 0
			for _, w := range weights {
				window += int(w)
			}
			got := make([]int, len(weights))
			for range 10 * window {
				k := mustPick(t, p, &Request{})
				Account(&p.Members[k], 1000, 0)
				got[k]++
			}
			equalWeights(t, fmt.Sprintf("%s, weights %v", name, weights), p, got, 10)
		}
	}
}

func TestTiesRotate(t *testing.T) {
	for name, policy := range policies {
		if policy == table.Hash {
			continue
		}
		p := poolOf(t, policy, 1, 1, 1, 1)
		var order []string
		for range 8 {
			// A session of another pool: fewest-sessions does not count it, so
			// the members stay equal.
			k := mustPick(t, p, &Request{HasSession: true, Session: sticky.Session{Route: []byte("strange")}})
			order = append(order, p.Members[k].Name)
		}
		if got := strings.Join(order, " "); got != "m0 m1 m2 m3 m0 m1 m2 m3" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// events is the ends of requests in flight, by time.
type events []struct {
	at     float64
	member int
}

func (e events) Len() int           { return len(e) }
func (e events) Less(i, k int) bool { return e[i].at < e[k].at }
func (e events) Swap(i, k int)      { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any) {
	*e = append(*e, x.(struct {
		at     float64
		member int
	}))
}
func (e *events) Pop() any { x := (*e)[len(*e)-1]; *e = (*e)[:len(*e)-1]; return x }

// serve runs a closed loop of clients on made-up time: each request lasts
// speed[member] times a random length, and weighs a random number of bytes.
func serve(t *testing.T, p *table.Pool, clients, requests int, speed []float64) (got, bytes []int) {
	rnd := rand.New(rand.NewPCG(5, 6))
	got, bytes = make([]int, len(p.Members)), make([]int, len(p.Members))
	var e events
	now := 0.0
	for n := range requests {
		if n >= clients {
			x := heap.Pop(&e).(struct {
				at     float64
				member int
			})
			now = x.at
			size := uint64(1000 + rnd.IntN(9000))
			bytes[x.member] += int(size)
			p.Members[x.member].Live.Guests.Add(-1)
			p.Members[x.member].Live.Done(200, 0, size, int64(now*1e9), 1, 1)
			Account(&p.Members[x.member], size, int64(now*1e9))
		}
		k := mustPick(t, p, &Request{Now: int64(now * 1e9)})
		got[k]++
		p.Members[k].Live.Guests.Add(1)
		p.Members[k].Live.Begin(int64(now * 1e9))
		s := 0.01
		if speed != nil {
			s *= speed[k]
		}
		heap.Push(&e, struct {
			at     float64
			member int
		}{now + s*(0.5+rnd.Float64()), k})
	}
	return got, bytes
}

// Under load, weights weigh in every policy, with few clients and with many.
func TestSharesUnderLoad(t *testing.T) {
	for name, policy := range policies {
		if policy == table.Hash {
			continue
		}
		for _, clients := range []int{1, 2, 3, 8, 40, 400} {
			p := poolOf(t, policy, 1, 2, 5)
			got, bytes := serve(t, p, clients, 40_000, nil)
			const off = 0.05
			what := fmt.Sprintf("%s, %d clients", name, clients)
			if policy == table.LeastTraffic {
				about(t, what+", bytes", p, bytes, off)
			} else {
				about(t, what, p, got, off)
			}
		}
	}
}

// The slow member gets less from LeastBusy, in the measure of its speed.
func TestLeastBusySparesTheSlow(t *testing.T) {
	p := poolOf(t, table.LeastBusy, 1, 1)
	got, _ := serve(t, p, 20, 40_000, []float64{1, 4})
	if share := float64(got[0]) / float64(got[1]); share < 3 || share > 5 {
		t.Errorf("counts %v: the fast one should have four times as many", got)
	}
}

// A burst is spread although bytes are booked only when requests end.
func TestLeastTrafficSpreadsABurst(t *testing.T) {
	p := poolOf(t, table.LeastTraffic, 1, 1)
	for i, requests := range []int{9, 10} {
		for range requests {
			p.Members[i].Live.Begin(0)
			p.Members[i].Live.Done(200, 0, 1000, 0, 1, 1)
			Account(&p.Members[i], 1000, 0)
		}
	}
	got := make([]int, 2)
	for range 21 {
		k := mustPick(t, p, &Request{})
		p.Members[k].Live.Begin(0)
		got[k]++
	}
	if got[0] != 11 || got[1] != 10 {
		t.Errorf("21 requests at once went %v", got)
	}
}
