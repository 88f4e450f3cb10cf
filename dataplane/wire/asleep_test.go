package wire

import (
	"testing"
	"time"
)

// TestArmWakes: a watchdog that sleeps has a clock that stands. A deadline armed then
// must not be counted from the old time, or it comes early by as long as the sleep.
func TestArmWakes(t *testing.T) {
	w := &Watchdog{start: time.Now().Add(-time.Hour), wake: make(chan struct{}, 1)}
	w.now.Store(int64(time.Minute)) // the last tick was 59 minutes ago
	w.asleep.Store(true)
	d := Deadline{wd: w, set: func(time.Time) error { return nil }}
	d.arm(time.Second)
	if at := time.Duration(d.at.Load()); at < time.Hour+time.Second {
		t.Errorf("armed for %v, an hour and a second is right", at)
	}
	if w.asleep.Load() || !w.touched.Load() || len(w.wake) != 1 {
		t.Errorf("asleep %v, touched %v, %d wake-ups", w.asleep.Load(), w.touched.Load(), len(w.wake))
	}
}

// TestSleepAndArm: the watchdog falls asleep only when no deadline was armed meanwhile.
func TestSleepAndArm(t *testing.T) {
	w := &Watchdog{start: time.Now(), wake: make(chan struct{}, 1)}
	if wait := w.sleep(0); wait != time.Hour || !w.asleep.Load() {
		t.Errorf("without deadlines: %v, asleep %v", wait, w.asleep.Load())
	}
	w.asleep.Store(false)
	if wait := w.sleep(int64(10 * time.Second)); wait != 10*time.Second || !w.asleep.Load() {
		t.Errorf("with a deadline in 10 s: %v, asleep %v", wait, w.asleep.Load())
	}
	w.asleep.Store(false)
	d := Deadline{wd: w, set: func(time.Time) error { return nil }}
	d.arm(time.Second)
	if wait := w.sleep(0); wait != Tick || w.asleep.Load() {
		t.Errorf("with a deadline armed just now: %v, asleep %v", wait, w.asleep.Load())
	}
}
