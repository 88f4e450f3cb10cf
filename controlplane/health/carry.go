package health

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/catherd/catherd/dataplane/meter"
	"github.com/catherd/catherd/dataplane/table"
)

// Carried is what one process passes on to the next about a member. It is written in
// words: the two may be different versions of the program.
type Carried struct {
	State  string    `json:"state"` // up, down or leaving; anything else is checked anew
	Since  time.Time `json:"since"`
	Text   string    `json:"text"` // of the newest sample
	OK     bool      `json:"ok"`
	Fail   string    `json:"fail,omitempty"` // its kind when it was not; see failWords
	Row    int       `json:"row"`            // samples in a row that say the same
	Early  string    `json:"early,omitempty"`
	Numb   string    `json:"numb,omitempty"`   // up, but it gave no pong
	Frozen bool      `json:"frozen,omitempty"` // down, because it gave none
	Mute   bool      `json:"mute,omitempty"`   // down, and nobody answers
	At     time.Time `json:"at"`
	OKAt   time.Time `json:"ok_at"`
	Took   float64   `json:"took_seconds"`
	Share  int       `json:"share"` // percent
	Heard  time.Time `json:"heard"`
	Silent time.Time `json:"silent"`
	Stop   time.Time `json:"stop"`
}

// failWords are the kinds of failures that say more than that something is odd.
var failWords = map[string]Fail{"refused": Refused, "closed": Closed, "late": Late, "status": BadStatus}

func (f Fail) word() string {
	for word, kind := range failWords {
		if kind == f {
			return word
		}
	}
	return ""
}

// Carry is what is worth passing on of a verdict.
func (v *Verdict) Carry() Carried {
	state := v.State
	if state == Shaky {
		state = Up
	}
	return Carried{
		State: state.String(), Since: v.Since, Text: v.Text, OK: v.OK, Row: v.Row, Early: v.Early, At: v.At, OKAt: v.OKAt,
		Fail: v.Fail.word(), Numb: v.Numb, Frozen: v.Frozen && v.State == Down, Mute: v.Mute,
		Took: v.Took.Seconds(), Share: v.Share, Heard: v.Heard, Silent: v.Silent, Stop: v.Stop,
	}
}

// Resume begins where another process has left off. The next probe is due at once all
// the same, and it is weighed as any other.
func (m *Machine) Resume(c Carried, now time.Time) {
	if c.At.IsZero() || c.At.After(now) || c.Since.After(now) {
		return // never probed, or the clock was set back
	}
	took := min(max(c.Took, 0), time.Hour.Seconds())
	s := Sample{At: c.At, Took: time.Duration(took * float64(time.Second)), OK: c.OK, Text: oneLine(c.Text)}
	if !c.OK {
		s.Fail = failWords[c.Fail]
	}
	row := max(c.Row, 1)
	switch c.State {
	case Up.String():
		m.enter(Up, c.Since)
		m.resumeShare(c.Share, now)
		row = min(row, max(m.set.DownAfter-1, 1))
		if s.Fail == Late {
			m.numb = oneLine(c.Numb)
		}
	case Down.String():
		m.enter(Down, c.Since)
		m.early, m.proof = oneLine(c.Early), m.set.UpAfter
		if c.OK {
			row = min(row, max(m.proof-1, 1))
		}
		m.frozen = c.Frozen && (c.OK || s.Fail == Late)
		if c.Mute && s.Fail.silent() {
			m.mute, m.quiet = true, row
		}
	case Leaving.String():
		m.enter(Leaving, c.Since)
		if m.stop = c.Stop; m.stop.IsZero() {
			m.stop = c.Since
		}
	default:
		return
	}
	m.last, m.okAt = s, c.OKAt
	if c.OK {
		m.good = row
	} else {
		m.bad = row
	}
	m.heard, m.silent = c.Heard, c.Silent
}

// resumeShare goes on with a slow start.
func (m *Machine) resumeShare(share int, now time.Time) {
	if share <= 0 || share >= 100 {
		return
	}
	if m.ramp = m.set.SlowStart; m.ramp == ByAge {
		m.ramp = youngRamp
	}
	m.slow = now.Add(-m.ramp * time.Duration(max(share-10, 0)) / 100)
}

// oneLine is text without control characters, which would break a log.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
}

// Carry tells the runner what another process believed. Each entry is used when its
// member is first watched.
func (r *Runner) Carry(all map[table.ID]Carried) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.carried = all
}

// resume gives a new machine what was carried for it. r.mu is held.
func (r *Runner) resume(id table.ID, m *Machine, now time.Time) {
	if c, ok := r.carried[id]; ok {
		delete(r.carried, id)
		m.Resume(c, now)
	}
}

// Counters calls f with every number of n that only rises.
func (n *Probes) Counters(f func(meter.Counter, *atomic.Uint64)) {
	f(meter.Counter{Name: "ok"}, &n.OK)
	f(meter.Counter{Name: "failed"}, &n.Failed)
	n.OKSeconds.Counters("ok seconds", f)
	n.FailedSeconds.Counters("failed seconds", f)
}
