package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// growth is how much resident memory may grow from minute 2 to the end.
const growth = 1.2

// reading is one look at the process.
type reading struct {
	at  time.Duration // since the load began
	rss int64         // bytes
}

// rss reads resident memory in bytes: the second field of /proc/PID/statm, in pages.
func rss(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("read memory of process %d: unexpected form %q", pid, b)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// descriptors counts the open files of a process.
func descriptors(pid int) (int, error) {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	return len(entries), err
}

// around is the median of the readings within half a window of at; 0 without any.
func around(readings []reading, at, window time.Duration) int64 {
	var near []int64
	for _, r := range readings {
		if r.at >= at-window/2 && r.at <= at+window/2 {
			near = append(near, r.rss)
		}
	}
	if len(near) == 0 {
		return 0
	}
	slices.Sort(near)
	return near[len(near)/2]
}

// flat judges the readings of a load of the given length: what memory was at minute 2 (of
// a shorter load at a fifth of it, and at least slack bytes) against what it was at the
// end of the load and after, when the load had been gone for a while.
func flat(readings []reading, length time.Duration, after, slack int64) (text string, ok bool) {
	early, window := 2*time.Minute, 10*time.Second
	if length < 5*time.Minute {
		early, window = length/5, max(length/10, 3*time.Second)
	}
	base := around(readings, early, window)
	end := around(readings, length-window/2, window)
	limit := max(int64(float64(base)*growth), slack)
	text = fmt.Sprintf("rss %s at %v, %s at the end of the load, %s when quiet (limit %s)",
		mib(base), early.Round(time.Second), mib(end), mib(after), mib(limit))
	return text, base > 0 && end <= limit && after <= limit
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
