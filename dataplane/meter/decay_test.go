package meter

import "testing"

func TestDecayHalvesByTheMinute(t *testing.T) {
	const minute = int64(decayMinute)
	var d Decay
	d.Add(800, 10*minute)
	d.Add(200, 10*minute+minute-1)
	for _, c := range []struct {
		now  int64
		want uint64
	}{
		{10 * minute, 1000},
		{11 * minute, 500},
		{12*minute + 5, 250},
		{20 * minute, 0},
		{9 * minute, 1000}, // the clock was set back
		{10*minute + 200*minute, 0},
	} {
		if got := d.Value(c.now); got != c.want {
			t.Errorf("minute %d: %d, want %d", c.now/minute, got, c.want)
		}
	}
	d.Add(100, 11*minute)
	if got := d.Value(11 * minute); got != 600 {
		t.Errorf("500 and 100 are %d", got)
	}
	d.Set(7, 30*minute)
	if got := d.Value(30 * minute); got != 7 {
		t.Errorf("set to 7: %d", got)
	}
}

func TestDecayStopsAtItsLimit(t *testing.T) {
	var d Decay
	d.Add(1<<63, 0)
	d.Add(1<<63, 0)
	if got := d.Value(0); got != decayMax {
		t.Errorf("value %d", got)
	}
	d.Set(1<<60, 0)
	if got := d.Value(0); got != decayMax {
		t.Errorf("set value %d", got)
	}
}

func TestDecayOverTheWrapOfMinutes(t *testing.T) {
	var d Decay
	last := int64(decayMask) * decayMinute
	d.Add(100, last)
	if got := d.Value(last + decayMinute); got != 50 {
		t.Errorf("one minute later: %d", got)
	}
}
