package meter

import "sync/atomic"

// Decay is a sum that halves at every full minute of the clock. All of them
// halve at the same moments, so two can be compared at any time although no
// timer runs: the halving is worked out when the number is looked at. Minute
// and value share one word, so that an addition is one compare-and-swap and
// can never see the one without the other. The zero value is ready.
type Decay struct {
	word atomic.Uint64 // minute in the upper 20 bits, value in the lower 44
}

const (
	decayBits   = 44
	decayMax    = 1<<decayBits - 1
	decayMinute = 60_000_000_000 // nanoseconds
	decayMask   = 1<<(64-decayBits) - 1
)

// minuteOf numbers the minute of a time; it wraps after two years, which only
// matters to a member without any traffic for two years.
func minuteOf(now int64) uint64 {
	return uint64(now/decayMinute) & decayMask
}

// at is the value that word has in the given minute. A clock that was set back
// a little leaves the value as it is.
func at(word, minute uint64) uint64 {
	age := (minute - word>>decayBits) & decayMask
	if age > decayMask/2 {
		age = 0
	}
	return word & decayMax >> min(age, 63)
}

// Add adds n at the time now, unix nanoseconds. The value stops at 2^44-1.
func (d *Decay) Add(n uint64, now int64) {
	minute := minuteOf(now)
	for {
		old := d.word.Load()
		v := at(old, minute) + min(n, decayMax)
		if d.word.CompareAndSwap(old, minute<<decayBits|min(v, decayMax)) {
			return
		}
	}
}

// Value is the sum at the time now, unix nanoseconds.
func (d *Decay) Value(now int64) uint64 {
	return at(d.word.Load(), minuteOf(now))
}

// Set replaces the sum.
func (d *Decay) Set(n uint64, now int64) {
	d.word.Store(minuteOf(now)<<decayBits | min(n, decayMax))
}
