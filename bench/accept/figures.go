package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// figures are what the clients of one round have seen.
type figures struct {
	clients, failed      int
	mean, p50, p99, most time.Duration
}

// figure sums up waits, which it sorts.
func figure(waits []time.Duration, failed int) figures {
	f := figures{clients: len(waits) + failed, failed: failed}
	if len(waits) == 0 {
		return f
	}
	slices.Sort(waits)
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	f.mean = sum / time.Duration(len(waits))
	f.p50, f.p99, f.most = rank(waits, 50), rank(waits, 99), waits[len(waits)-1]
	return f
}

// rank is the percentile by the nearest rank: so many of a hundred waited no longer.
func rank(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)*percent+99)/100-1]
}

// medians are the medians of rounds, each figure for itself, and the sums of what is
// counted.
func medians(rounds []figures) (m figures) {
	pick := func(of func(figures) time.Duration) time.Duration {
		var all []time.Duration
		for _, f := range rounds {
			all = append(all, of(f))
		}
		slices.Sort(all)
		return all[(len(all)-1)/2]
	}
	for _, f := range rounds {
		m.clients += f.clients
		m.failed += f.failed
	}
	m.mean = pick(func(f figures) time.Duration { return f.mean })
	m.p50 = pick(func(f figures) time.Duration { return f.p50 })
	m.p99 = pick(func(f figures) time.Duration { return f.p99 })
	m.most = pick(func(f figures) time.Duration { return f.most })
	return m
}

// line writes figures in milliseconds.
func (f figures) line(w io.Writer, name string) {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Fprintf(w, "%-14s%9d%9d%9.2f%9.2f%9.2f%9.2f\n", name, f.clients, f.failed, ms(f.mean), ms(f.p50), ms(f.p99), ms(f.most))
}

// head names the columns of line.
const head = "              clients   failed  mean ms   p50 ms   p99 ms   max ms\n"

// judge compares what was promised: the slowest hundredth waits 30 % less, the mean no
// more, and nobody in vain.
func judge(w io.Writer, hash, steered figures) bool {
	less := func(a, b time.Duration) float64 { return 100 * (1 - float64(b)/float64(a)) }
	ok := hash.failed+steered.failed == 0 && steered.mean <= hash.mean && less(hash.p99, steered.p99) >= 30
	word := "as promised"
	if !ok {
		word = "NOT as promised: p99 at least 30 % less, mean no more, nobody in vain"
	}
	fmt.Fprintf(w, "with steering the p99 is %.0f %% less, the mean %.0f %% less: %s\n",
		less(hash.p99, steered.p99), less(hash.mean, steered.mean), word)
	return ok
}
