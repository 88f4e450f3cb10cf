package health

import (
	"fmt"
	"time"
)

// State is what is believed about a member.
type State uint8

// The states of a member's health.
const (
	Checking State = iota // no probe has ended yet; usable
	Up
	Down
)

// String gives the word used in status, logs and metrics.
func (s State) String() string {
	switch s {
	case Up:
		return "up"
	case Down:
		return "down"
	default:
		return "checking"
	}
}

// Verdict is the result of all samples so far. It is a value; copying it is
// the way to keep it.
type Verdict struct {
	State State
	Since time.Time     // when State began
	Text  string        // the newest sample in words: "cping ok", "connect refused"
	Row   int           // samples in a row that say the same as the newest
	Need  int           // how many of them change or changed State
	Early string        // why State is Down although fewer than Need failed; else empty
	Took  time.Duration // of the newest sample
	At    time.Time     // of the newest sample; zero before the first

	// Share is the part of its weight the member gets, in percent: 100, or
	// less in steps of ten while it starts slowly.
	Share int

	// Trip is the time until which the data path avoids the member by itself;
	// zero when it does not.
	Trip time.Time
}

// Usable reports whether new work may go to the member.
func (v Verdict) Usable() bool { return v.State != Down }

// Why gives one sentence without a full stop: "cping ok for 12s",
// "connect refused, 3 of 3 since 14:02:11".
func (v Verdict) Why(now time.Time) string {
	switch v.State {
	case Up:
		text := fmt.Sprintf("%s for %s", v.Text, Span(now.Sub(v.Since)))
		if v.Row > 0 && v.Row < v.Need {
			// A probe failed, but not often enough yet.
			text = fmt.Sprintf("%s, %d of %d before it counts as down", v.Text, v.Row, v.Need)
		}
		if !v.Trip.IsZero() && v.Trip.After(now) {
			text += ", avoided after faults until " + v.Trip.Format("15:04:05")
		}
		if v.Share > 0 && v.Share < 100 {
			text += fmt.Sprintf(", slow start at %d %%", v.Share)
		}
		return text
	case Down:
		if v.Row > 0 && v.Row < v.Need {
			return fmt.Sprintf("%s, %d of %d before it counts as ready", v.Text, v.Row, v.Need)
		}
		since := v.Since.Format("15:04:05")
		if v.Early != "" {
			return fmt.Sprintf("%s %s, since %s", v.Text, v.Early, since)
		}
		return fmt.Sprintf("%s, %d of %d since %s", v.Text, v.Need, v.Need, since)
	default:
		return "not probed yet"
	}
}

// same reports whether two verdicts lead to the same table and, the passage
// of time aside, to the same words.
func (v Verdict) same(o Verdict) bool {
	return v.State == o.State && v.Text == o.Text && v.Share == o.Share && v.Trip.Equal(o.Trip)
}

// Span formats a duration for people: whole seconds below a minute, then
// "3m 20s", "2h 5m", "3d 4h".
func Span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	s := int64(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return pair(s/60, "m", s%60, "s")
	case s < 86400:
		return pair(s/3600, "h", s%3600/60, "m")
	default:
		return pair(s/86400, "d", s%86400/3600, "h")
	}
}

func pair(big int64, bigUnit string, small int64, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d%s", big, bigUnit)
	}
	return fmt.Sprintf("%d%s %d%s", big, bigUnit, small, smallUnit)
}
