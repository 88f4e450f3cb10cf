package health

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// walk plays random inputs to a machine and holds every state against what
// must always be true.
type walk struct {
	*testing.T
	rand *rand.Rand
	m    Machine
	now  time.Time
	log  []string
}

func (w *walk) say(text string) { w.log = append(w.log, w.now.Format("05.000 ")+text) }

func (w *walk) fail(text string) {
	w.Helper()
	w.Fatalf("%s after\n%s", text, strings.Join(w.log[max(0, len(w.log)-12):], "\n"))
}

// input is one random step. It returns its kind; 255 for a sample.
func (w *walk) input(allowed []Kind, good bool) (kind Kind, s Sample) {
	if w.rand.IntN(3) > 0 || len(allowed) == 0 {
		if due := w.m.Due(); due.After(w.now) {
			w.now = due
		}
		took := time.Duration(w.rand.IntN(400)) * time.Millisecond
		w.now = w.now.Add(took)
		s = Sample{At: w.now, Took: took, Text: "ok", OK: good || w.rand.IntN(3) > 0, Fail: Fail(w.rand.IntN(5)), Request: w.rand.IntN(2) == 0}
		w.say("sample " + s.Text)
		w.m.Sample(s)
		return 255, s
	}
	w.now = w.now.Add(time.Duration(w.rand.IntN(3000)) * time.Millisecond)
	e := Event{Kind: allowed[w.rand.IntN(len(allowed))], At: w.now, Why: "why", Owed: 1 + w.rand.IntN(9), Sign: Sign(w.rand.IntN(3)), Count: 1 + w.rand.IntN(4)}
	e.Since = w.now.Add(-time.Duration(w.rand.IntN(9000)) * time.Millisecond)
	e.Alive = time.Duration(w.rand.IntN(90)) * time.Second
	w.say("event " + string(rune('a'+e.Kind)))
	w.m.Input(e)
	return e.Kind, s
}

// always holds whatever came before.
func (w *walk) always(set Settings) Verdict {
	w.Helper()
	m, v := &w.m, w.m.Verdict(w.now)
	switch {
	case m.Due().IsZero():
		w.fail("there is no next probe")
	case m.Due().After(w.now.Add(set.Every + guard)):
		w.fail("the next probe is further away than the interval")
	case m.bad > 0 && m.good > 0:
		w.fail("good and bad at the same time")
	case v.Share < 10 || v.Share > 100 || v.Share%10 != 0:
		w.fail("odd share")
	case m.hold && m.state != Checking, m.frozen && m.state != Down, m.early != "" && m.state != Down, m.numb != "" && m.state != Up, m.mute && m.state != Down:
		w.fail("a fact of another state")
	case v.Hopeless() != "" && v.State != Shaky && v.State != Down:
		w.fail("nothing speaks against it and its requests are taken away")
	case m.mute && (m.last.OK || !m.last.Fail.silent()):
		w.fail("it answers and is mute")
	case m.seen && (m.state != Up || m.doubt == ""), !m.lone.IsZero() && !m.seen:
		w.fail("the kernel's doubt is about nothing")
	case m.quiet > m.bad:
		w.fail("silent more often than bad")
	case m.state == Leaving && m.stop.IsZero():
		w.fail("it leaves and has not said so")
	case v.OnlySessions && v.State != Shaky:
		w.fail("only sessions, and not shaky")
	case v.Why(w.now) == "" || strings.ContainsAny(v.Why(w.now), "\n\x00"):
		w.fail("no sentence")
	case m.set.UpAfter <= maxProof && m.proof > maxProof, m.proof < 1:
		w.fail("a proof that takes too long")
	}
	if at := m.Step(w.now); !at.IsZero() && !at.After(w.now) {
		w.fail("a step that is due for ever")
	}
	return v
}

func begin(t *testing.T, seed uint64, s Settings) *walk {
	w := &walk{T: t, rand: rand.New(rand.NewPCG(seed, 1)), now: noon}
	w.m = NewMachine(s, w.now)
	return w
}

var some = Settings{Every: 5 * time.Second, Connect: time.Second, Timeout: time.Second, DownAfter: 3, UpAfter: 2, SlowStart: ByAge}

func TestAlways(t *testing.T) {
	every := []Kind{Heard, Silent, NotHeard, PlannedStop, Suspect, Reborn, Beacon, Fault, Owes, Answered, Asked, Deaf, Kernel}
	for seed := range uint64(300) {
		s := some
		s.Lost, s.Prove = Lost(seed%3), seed%2 == 0
		w := begin(t, seed, s)
		row, was := 0, Checking
		for range 300 {
			kind, sample := w.input(every, false)
			v := w.always(s)
			if kind == 255 && !w.m.Worthless(sample.began()) {
				if row++; !sample.OK {
					row = 0
				}
			}
			now := w.m.state
			switch {
			case now == Leaving && was != Leaving && kind != PlannedStop:
				w.fail("leaving without a planned stop")
			case now == Down && was != Down && (kind != 255 || sample.OK):
				w.fail("down without a failed probe")
			case now == Up && was == Down && (kind != 255 || row == 0):
				w.fail("up without a good probe")
			case was == Down && now == Checking && kind != Reborn:
				w.fail("nothing known any more without another JVM")
			case v.Frozen && now == Down && !v.OKAt.IsZero() && v.Fail == Late && !v.LastResort():
				w.fail("a frozen member is no last resort")
			}
			was = now
		}
	}
}

// Silence, heartbeats that come and go, forged stops and questions never take
// a member out that answers.
func TestSilenceAloneTakesNobodyOut(t *testing.T) {
	words := []Kind{Heard, Silent, NotHeard, Suspect, Reborn, Beacon, Fault, Owes, Answered, Asked, Deaf, Kernel}
	for seed := range uint64(200) {
		s := some
		s.Lost = Lost(seed % 3)
		w := begin(t, seed, s)
		for range 300 {
			w.input(words, true)
			if v := w.always(s); !v.Usable() {
				w.fail("a member that answers every probe is not usable")
			}
		}
	}
}

// Whatever has happened, a member that answers from now on is back within a
// bounded number of probes.
func TestEverybodyComesBack(t *testing.T) {
	every := []Kind{Heard, Silent, PlannedStop, Suspect, Reborn, Fault, Owes, Kernel}
	for seed := range uint64(200) {
		w := begin(t, seed, some)
		for range 100 {
			w.input(every, false)
		}
		begin := w.now
		for n := 0; ; n++ {
			w.input(nil, true)
			if v := w.m.Verdict(w.now); v.Usable() {
				break
			}
			if n > 60 || w.now.Sub(begin) > time.Minute {
				w.fail("it answers and is not back")
			}
		}
	}
}
