package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/catherd/catherd/bench/load"
)

// account is everything that was seen.
type account struct {
	busy                       load.Counts // clients without a pause
	busyFirst                  error
	arrivals, patient, scrapes book
	watch                      watched
	words                      int // of the WebSocket
	wordsErr                   error
	bytes                      int64 // of the download
	downloadErr                error
	upgrades                   []upgraded
	crash                      error // of the upgrade to a program that crashes
	left                       int   // processes that should have ended
	clean                      bool  // the last one ended by itself
	seconds                    float64
	said                       []string // in the log that no process should say
	wanted                     int
}

// judge says which promises were broken.
func (a *account) judge() (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if a.busy.Failed > 0 || a.busyFirst != nil {
		say("%d requests of busy clients failed: %v", a.busy.Failed, a.busyFirst)
	}
	for name, b := range map[string]*book{"new connections": &a.arrivals, "patient clients": &a.patient, "scrapes": &a.scrapes} {
		if good, bad, resets, first := b.read(); bad > 0 || good == 0 {
			say("%s: %d failed of %d, %d of them by a reset: %v", name, bad, good+bad, resets, first)
		}
	}
	if a.wordsErr != nil || a.words == 0 {
		say("the WebSocket ended after %d words: %v", a.words, a.wordsErr)
	}
	if a.downloadErr != nil {
		say("the download ended after %d bytes: %v", a.bytes, a.downloadErr)
	}
	if len(a.upgrades) != a.wanted {
		say("%d upgrades, and %d were asked for", len(a.upgrades), a.wanted)
	}
	if a.crash == nil {
		say("the upgrade to a program that crashes was not refused")
	}
	for _, text := range a.watch.back {
		say("a counter went back: %s", text)
	}
	// Every answered request has been counted by some process, and passed on.
	good, _, _, _ := a.arrivals.read()
	more, _, _, _ := a.patient.read()
	if seen, least := a.watch.requests(), float64(a.busy.Requests)+float64(good+more); seen < least {
		say("the metrics know of %.0f requests, and %.0f were answered", seen, least)
	}
	for _, text := range a.said {
		say("a process has said: %s", text)
	}
	if a.left > 0 {
		say("%d processes that were replaced have not ended", a.left)
	}
	if !a.clean {
		say("the last process did not end by itself")
	}
	return broken
}

func (a *account) report(out io.Writer) {
	line := func(name string, b *book) {
		good, bad, resets, _ := b.read()
		fmt.Fprintf(out, "%-18s %d answered, %d failed, %d resets\n", name, good, bad, resets)
	}
	fmt.Fprintf(out, "%-18s %d answered, %d failed, %d connections closed politely, %.0f requests/s\n", "busy clients",
		a.busy.Requests, a.busy.Failed, a.busy.Reopened, float64(a.busy.Requests)/a.seconds)
	line("new connections", &a.arrivals)
	line("patient clients", &a.patient)
	line("scrapes", &a.scrapes)
	fmt.Fprintf(out, "%-18s %d words came back\n", "WebSocket", a.words)
	fmt.Fprintf(out, "%-18s %d bytes, digest verified\n", "download", a.bytes)
	fmt.Fprintf(out, "%-18s %.0f in the metrics at the end, none ever went back: %t\n", "requests", a.watch.requests(), len(a.watch.back) == 0)
	var took []float64
	for _, u := range a.upgrades {
		took = append(took, u.Took)
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		ms := func(s float64) string {
			return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
		}
		fmt.Fprintf(out, "%-18s %d, %s (median), %s (longest)\n", "upgrades", n, ms(took[n/2]), ms(took[n-1]))
	}
	fmt.Fprintf(out, "%-18s %v\n", "crash at start", a.crash)
}
