package health

import (
	"fmt"
	"time"
)

// Why gives one sentence without a full stop: "ping 0.5 ms, health request 200
// for 12s, heard 0.4 s ago", "connect refused, 3 of 3 since 14:02:11; last
// heartbeat 3.4 s ago".
func (v *Verdict) Why(now time.Time) string {
	switch v.State {
	case Up, Shaky:
		return v.whyUsed(now)
	case Down:
		return v.whyDown() + v.lastHeard("; last heartbeat ", now)
	case Leaving:
		text := "said that it stops, at " + v.Stop.Format(clock)
		if !v.At.Before(v.Stop) && v.OK {
			text += ", still answers pings"
		}
		return text
	}
	switch {
	case v.Hold && v.Row > 0:
		return fmt.Sprintf("%s, %d of %d before it takes requests", v.found(), v.Row, v.Need)
	case v.Hold && v.Renewed:
		return "restarted, not probed yet" + v.lastHeard(", heard ", now)
	case v.Hold:
		return "found, not probed yet" + v.lastHeard(", heard ", now)
	case !v.At.IsZero():
		return v.Text + ", once is not enough at the start"
	}
	return "not probed yet"
}

const clock = "15:04:05"

func (v *Verdict) whyUsed(now time.Time) string {
	var text string
	switch {
	case v.Numb != "":
		text = v.Numb + ", asked again"
	case v.Row > 0:
		// A probe failed, but not often enough yet.
		text = fmt.Sprintf("%s, %d of %d before it counts as down", v.Text, v.Row, v.Need)
		if !v.Silent.IsZero() {
			text += ", not heard for " + Span(now.Sub(v.Silent))
		}
	case !v.Silent.IsZero() && !v.Ignored:
		text = "not heard for " + Span(now.Sub(v.Silent)) + ", but answers pings"
	default:
		text = fmt.Sprintf("%s for %s", v.found(), Span(now.Sub(v.Since)))
		if !v.Silent.IsZero() {
			text += ", not heard for " + Span(now.Sub(v.Silent)) + " (ignored)"
		} else {
			text += v.lastHeard(", heard ", now)
		}
	}
	switch {
	case v.Renewed:
		text += "; restarted, being probed"
	case v.Doubt != "":
		text += "; " + v.Doubt + ", being probed"
	}
	if v.Unheard {
		text += ", its heartbeats are not heard"
	}
	if v.Falls > 0 {
		text += fmt.Sprintf("; went down %d times in %s", v.Falls, Span(fallMemory))
	}
	if v.Ready == 0 && v.Busy > 0 && v.Loaded(now) {
		text += fmt.Sprintf(", no thread free (%d busy)", v.Busy)
	}
	if !v.Trip.IsZero() && v.Trip.After(now) {
		text += ", avoided after faults until " + v.Trip.Format(clock)
	}
	if v.Share > 0 && v.Share < 100 {
		text += fmt.Sprintf(", slow start at %d %%", v.Share)
	}
	return text
}

func (v *Verdict) whyDown() string {
	since := v.Since.Format(clock)
	switch {
	case v.OK:
		return fmt.Sprintf("%s, %d of %d before it counts as ready", v.found(), v.Row, v.Need)
	case v.Frozen:
		return v.Early + ", since " + since
	case v.Early != "":
		return fmt.Sprintf("%s %s, since %s", v.Text, v.Early, since)
	}
	return fmt.Sprintf("%s, %d of %d since %s", v.Text, v.Need, v.Need, since)
}

// found is what a good sample has found.
func (v *Verdict) found() string {
	switch {
	case v.Ping == 0:
		return v.Text
	case v.Asked:
		return "ping " + millis(v.Ping) + ", " + v.Text
	}
	return "ping " + millis(v.Ping)
}

// lastHeard says when the newest heartbeat came; nothing when none ever did.
func (v *Verdict) lastHeard(lead string, now time.Time) string {
	if v.Heard.IsZero() {
		return ""
	}
	return lead + ago(now.Sub(v.Heard)) + " ago"
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// ago formats a time that matters by tenths while it is short.
func ago(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	}
	return Span(d)
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
