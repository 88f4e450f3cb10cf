package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// quiet is how long Catherd is left alone after a load of the given length before it is
// looked at: longer than keep_for, and 30 seconds where there is time for it.
func quiet(load time.Duration) time.Duration { return max(min(30*time.Second, load/4), 8*time.Second) }

// verdict examines what is left when the load has gone, and prints the result.
func (r *run) verdict(ctx context.Context) (violations int, err error) {
	rest := time.NewTimer(quiet(r.length()))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case <-r.front.gone(): // entered when it happened
	default:
		if err := r.remains(ctx); err != nil {
			return 0, err
		}
	}
	ledgers, err := read(r.farm)
	if err != nil {
		return 0, err
	}
	sent := r.book.posts.copy()
	for _, text := range audit(sent, ledgers, true) {
		r.book.violate("%s", text)
	}
	l := r.book.look()
	if l.counts[fine] == 0 {
		r.book.violate("not a single request was answered")
	}
	r.say("%d requests: %d fine, %d left by the client, %d unsafe ones lost and %d broken in the middle by %d kills",
		l.requests, l.counts[fine], l.counts[left], l.counts[lost], l.counts[halved], len(l.kills))
	r.say("%d POSTs sent, %d in the ledgers; sessions: %d begun, %d visits kept, %d moved, %d counted twice and %d restored after a kill",
		len(sent), entries(ledgers), l.fates[begun], l.fates[kept], l.fates[moved], l.fates[leapt], l.fates[restored])
	r.say("the slowest took %v: %v", l.slowest.took().Round(time.Millisecond), &l.slowest)
	for _, k := range l.kills {
		r.say("%s was killed from %s to %s", k.member, k.from.Format(clock), k.to.Format(clock))
	}
	l = r.book.look()
	if len(l.texts) > 0 {
		r.say("what was broken, the first %d:\n%s", len(l.texts), strings.Join(l.texts, "\n"))
	}
	if l.violations > 0 {
		lines, err := r.front.logged(l.ids)
		r.say("the access log has of them (%v):\n%s", err, lines)
		for _, m := range r.farm {
			var its []string
			for _, id := range ledgers[m.name()] {
				if slices.Contains(l.ids, id) {
					its = append(its, id)
				}
			}
			r.say("%s has of them in its ledger %q; exceptions in its log:\n%s", m.name(), its, m.troubles())
		}
		r.say("the log of Catherd ends:\n%s", r.front.tail())
		r.say("FAIL: %d promises broken", l.violations)
	} else {
		r.say("PASS")
	}
	return l.violations, nil
}

// remains looks at the quiet process and then ends it.
func (r *run) remains(ctx context.Context) error {
	memory, err := rss(r.front.run.PID)
	if err != nil {
		return err
	}
	// A short run is not warm at a fifth of it: what it takes to get going must not count as growth.
	slack := int64(0)
	if r.length() < 5*time.Minute {
		slack = 96 << 20
	}
	text, ok := flat(r.readings, r.length(), memory, slack)
	r.say("%s", text)
	if !ok {
		r.book.violate("memory grew: %s", text)
	}
	if err := r.leaks(ctx); err != nil {
		return err
	}
	numbers, err := r.front.metrics(ctx)
	if err != nil {
		return err
	}
	// Two signals that come while the process is kept from running are one reload.
	done, refused := numbers[`catherd_config_reloads_total{result="success"}`], numbers[`catherd_config_reloads_total{result="refused"}`]
	text = fmt.Sprintf("%d reloads asked for, %.0f succeeded, %.0f refused, in sync %.0f", r.reloads, done, refused, numbers["catherd_config_in_sync"])
	r.say("%s", text)
	if refused > 0 || r.reloads > 0 && done == 0 || numbers["catherd_config_in_sync"] != 1 {
		r.book.violate("reloads: %s", text)
	}
	if n := int(numbers["catherd_access_records_dropped_total"]); n > 0 {
		r.say("%d access records dropped", n)
	}
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if strings.HasPrefix(name, "catherd_faults_total") || strings.HasPrefix(name, "catherd_retries_total") {
			if numbers[name] > 0 {
				r.say("%s %.0f", name, numbers[name])
			}
		}
	}
	if err := r.front.stop(); err != nil {
		r.book.violate("Catherd did not leave in order after SIGTERM: %v", err)
	}
	return nil
}

// leavePatience is how long connections and goroutines may linger after the load: idle
// connections to members live for keep_for, idle goroutines of the listener for a while.
const leavePatience = 45 * time.Second

// leaks waits until no more is open than before the load, beside the idle connections
// that are kept to each member.
func (r *run) leaks(ctx context.Context) (err error) {
	var open, running int
	small := func() error {
		if open, err = descriptors(r.front.run.PID); err != nil {
			return err
		}
		if running, err = r.countGoroutines(ctx); err != nil {
			return err
		}
		if spare := r.members * keep; open > r.descriptors+spare || running > r.goroutines+spare {
			return errors.New("too many")
		}
		return nil
	}
	late := catalina.Poll(ctx, leavePatience, small)
	if err != nil {
		return fmt.Errorf("look for leaks: %v", err)
	}
	text := fmt.Sprintf("descriptors %d before the load and %d after, goroutines %d and %d", r.descriptors, open, r.goroutines, running)
	r.say("%s", text)
	if late != nil {
		r.book.violate("something leaks: %s", text)
	}
	return nil
}
