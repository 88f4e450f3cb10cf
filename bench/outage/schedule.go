package main

import (
	"context"
	"fmt"
	"time"

	"github.com/catherd/catherd/bench/catalina"
)

// schedules are the words of -schedule.
var schedules = []string{"stop", "kill", "both", "freeze", "rolling"}

// backPatience is how long a front may leave a member that answers again without work;
// after that the run goes on and the report says so.
const backPatience = 60 * time.Second

// disturber does to the members what the schedule says.
type disturber struct {
	settings
	farm    *farm
	book    *book
	say     func(format string, args ...any)
	outages []outage
}

// run goes through all rounds. It never leaves a member away: a round that has begun is
// finished even when ctx ends, so that the ledgers are complete.
func (d *disturber) run(ctx context.Context) error {
	turn := 0 // the members take turns through all rounds
	for round := 1; round <= d.rounds; round++ {
		for _, step := range d.steps() {
			if err := d.rest(ctx); err != nil {
				return err
			}
			t := d.farm.tomcats[turn%size]
			turn++
			o, err := d.once(context.WithoutCancel(ctx), round, t, step)
			if err != nil {
				return fmt.Errorf("round %d, %s of %s: %v", round, o.what, o.member, err)
			}
			d.outages = append(d.outages, o)
			d.tell(&o)
		}
	}
	// The last one has its time in which new sessions are counted, too.
	err := d.rest(ctx)
	d.outages[len(d.outages)-1].next = time.Now()
	return err
}

// step is one disturbance of a round; freeze is 0 unless that is what it is.
type step struct {
	what   string
	freeze time.Duration
}

func (d *disturber) steps() (steps []step) {
	switch d.schedule {
	case "freeze":
		for _, f := range d.freezes {
			steps = append(steps, step{fmt.Sprintf("freeze %v", f), f})
		}
		return steps
	case "both":
		return []step{{what: "stop"}, {what: "kill"}}
	case "rolling":
		return []step{{what: "stop"}, {what: "stop"}, {what: "stop"}}
	}
	return []step{{what: d.schedule}}
}

// once is one disturbance, from the first signal until the front uses the member again.
func (d *disturber) once(ctx context.Context, round int, t *catalina.Tomcat, s step) (o outage, err error) {
	o = outage{round: round, what: s.what, member: t.Name, from: time.Now()}
	if n := len(d.outages); n > 0 {
		d.outages[n-1].next = o.from
	}
	switch s.what {
	case "stop":
		err = t.Stop()
	case "kill":
		t.Kill()
	default:
		err = t.Pause()
	}
	o.gone = time.Now()
	if err != nil {
		return o, err
	}
	if o.frozen() {
		pause(ctx, s.freeze)
		o.back = time.Now()
		err = t.Resume()
	} else {
		err = t.Start(ctx)
		o.back = time.Now()
	}
	if err != nil {
		return o, err
	}
	used := func() error {
		if d.book.usedSince(t.Name, o.back) {
			return nil
		}
		return fmt.Errorf("%s answers and is given no work", t.Name)
	}
	if err := catalina.Poll(ctx, backPatience, used); err != nil {
		return o, nil // the report says so
	}
	o.used = time.Now()
	return o, nil
}

func (d *disturber) tell(o *outage) {
	used := "and was not used again"
	if !o.used.IsZero() {
		used = fmt.Sprintf("and was used after %v", ms(o.used.Sub(o.back)))
	}
	d.say("round %d: %s of %s took %v; it answered %v after that %s", o.round, o.what, o.member,
		ms(o.gone.Sub(o.from)), ms(o.back.Sub(o.gone)), used)
}

// rest is the quiet time between two disturbances.
func (d *disturber) rest(ctx context.Context) error {
	pause(ctx, d.settle)
	return ctx.Err()
}

// pause waits, shorter when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
