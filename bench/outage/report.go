package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// evidence is how many failures, losses and broken promises are shown one by one.
const evidence = 40

// full is an account with what is only shown.
type full struct {
	account
	members []string
	late    time.Duration
	strange int
	untold  int
}

// report prints what users saw. The front's own words about the failures follow.
func (a *full) report(ctx context.Context, out io.Writer, f *front) {
	fmt.Fprintf(out, "\n%-9s %7s %7s %7s %7s %9s %9s %9s  %s\n", "kind", "sent", "ok", "failed", "begun", "p50", "p99", "worst", "failures")
	for k := range kinds {
		fmt.Fprintln(out, a.row(k.String(), func(r *result) bool { return r.kind == k }))
	}
	fmt.Fprintln(out, a.row("GETs", func(r *result) bool { return r.kind != post }))
	fmt.Fprintln(out, a.row("all", func(*result) bool { return true }))
	fmt.Fprintf(out, "\nPOSTs processed twice or wrongly: %d; processed although the client saw a failure: %d\n", len(a.twice), a.untold)
	back := 0
	for i := range a.losses {
		if a.losses[i].back {
			back++
		}
	}
	fmt.Fprintf(out, "sessions lost: %d; counts that went back: %d\n", len(a.losses)-back, back)
	fmt.Fprintf(out, "sent late by at most %v; arrivals without a free browser: %d\n", ms(a.late), a.strange)
	fmt.Fprintf(out, "answers by member: %s\n", a.spread(a.answers(func(*result) bool { return true })))
	a.returns(out)
	a.failures(ctx, out, f)
}

// row is one line of the table.
func (a *full) row(name string, want func(*result) bool) string {
	var waits []time.Duration
	faults := make(map[string]int)
	ok, begun := 0, 0
	for i := range a.results {
		r := &a.results[i]
		if !want(r) {
			continue
		}
		waits = append(waits, r.wait())
		if r.fault == "" {
			ok++
			continue
		}
		faults[r.fault]++
		if r.begun && r.status == 0 || strings.HasSuffix(r.fault, "in the answer") {
			begun++
		}
	}
	slices.Sort(waits)
	at := func(share float64) time.Duration {
		if len(waits) == 0 {
			return 0
		}
		return waits[min(int(share*float64(len(waits))), len(waits)-1)].Round(100 * time.Microsecond)
	}
	var words []string
	for _, fault := range slices.Sorted(maps.Keys(faults)) {
		words = append(words, fmt.Sprintf("%d %s", faults[fault], fault))
	}
	return strings.TrimRight(fmt.Sprintf("%-9s %7d %7d %7d %7d %9v %9v %9v  %s", name, len(waits), ok, len(waits)-ok, begun,
		at(0.5), at(0.99), at(1), strings.Join(words, ", ")), " ")
}

// answers counts good answers by member.
func (a *full) answers(want func(*result) bool) map[string]int {
	counts := make(map[string]int)
	for i := range a.results {
		if r := &a.results[i]; r.fault == "" && want(r) {
			counts[r.node]++
		}
	}
	return counts
}

func (a *full) spread(counts map[string]int) string {
	var words []string
	for _, name := range a.members {
		words = append(words, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(words, ", ")
}

// returns says for every outage when the member was used again and where new sessions
// went from then on.
func (a *full) returns(out io.Writer) {
	for i := range a.outages {
		o := &a.outages[i]
		failed := 0
		for j := range a.results {
			if r := &a.results[j]; r.fault != "" && !r.start.Before(o.from) && (o.next.IsZero() || r.start.Before(o.next)) {
				failed++
			}
		}
		fmt.Fprintf(out, "round %d, %s of %s: %d failed; first answer %v after its return; new sessions then: %s\n",
			o.round, o.what, o.member, failed, ms(a.firstUse(o)), a.spread(a.newSessions(o)))
	}
	share, n := a.returned()
	fmt.Fprintf(out, "of %d new sessions after a return %.0f %% went to the member that had come back\n", n, 100*share)
}

// failures shows the first ones word for word, with what the front has written.
func (a *full) failures(ctx context.Context, out io.Writer, f *front) {
	shown := 0
	var ids []string
	for i := range a.results {
		r := &a.results[i]
		if r.fault == "" {
			continue
		}
		if shown++; shown > evidence {
			fmt.Fprintln(out, "and more")
			break
		}
		ids = append(ids, r.id)
		fmt.Fprintf(out, "FAILED  %s  %s: %s %s (session %q)\n", r.end.Format(clock), a.when(r.start), r.kind, r.evidence(), r.cookie)
	}
	shown = 0
	for _, l := range a.losses {
		if a.alone { // without a cluster every one of them was to be expected
			break
		}
		if shown++; shown > evidence {
			fmt.Fprintln(out, "and more")
			break
		}
		fmt.Fprintf(out, "LOST    %s  %s: %s\n", l.at.Format(clock), a.when(l.at), l.text)
	}
	for i, e := range a.events {
		if i == 2*evidence {
			fmt.Fprintln(out, "and more")
			break
		}
		fmt.Fprintf(out, "EVENT   %s  %s: %s %s: %s\n", e.at.Format(clock), a.when(e.at), e.what, e.member, e.reason)
	}
	for _, text := range f.words(ctx, ids) {
		fmt.Fprintf(out, "%s: %s\n", f.name, text)
	}
}

// clock is how a moment is written.
const clock = "15:04:05.000"
