package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// watched looks at the metrics again and again: a counter that goes back would look like
// a crash to whoever keeps them.
type watched struct {
	reads int
	back  []string // what went back
	last  map[string]float64
}

func (w *watched) run(ctx context.Context, addr string, b *book) {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		text, err := ask(addr, "/metrics")
		b.add(err)
		if err == nil {
			w.look(parse(string(text)))
		}
	}
}

// look compares the counters with those of the last time.
func (w *watched) look(now map[string]float64) {
	w.reads++
	for name, v := range now {
		if was, ok := w.last[name]; ok && v < was {
			w.back = append(w.back, fmt.Sprintf("%s from %v to %v", name, was, v))
		}
	}
	w.last = now
}

// parse takes Catherd's own counters out of a scrape: those of the process begin anew
// with each.
func parse(text string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		kind, _, _ := strings.Cut(name, "{")
		if !ok || !strings.HasPrefix(kind, "catherd_") {
			continue
		}
		for _, end := range []string{"_total", "_count", "_sum", "_bucket"} {
			if v, err := strconv.ParseFloat(value, 64); err == nil && strings.HasSuffix(kind, end) {
				out[name] = v
			}
		}
	}
	return out
}

// requests is the sum of all requests that members were given.
func (w *watched) requests() (n float64) {
	for name, v := range w.last {
		if strings.HasPrefix(name, "catherd_requests_total{") {
			n += v
		}
	}
	return n
}
