package health

import "time"

// State is what is believed about a member.
type State uint8

// The states of a member's health.
const (
	Checking State = iota // nothing has vouched for it yet; see Verdict.Hold
	Up
	Down
	Shaky   // in use, but something speaks against it
	Leaving // it has said that it stops: it takes nothing
)

// String gives the word used in status, logs and metrics.
func (s State) String() string {
	return [...]string{"checking", "up", "down", "shaky", "leaving"}[min(s, Leaving)]
}

// Verdict is the result of all that was learned so far. It is a value; copying
// it is the way to keep it.
type Verdict struct {
	State State
	Since time.Time     // when State began; Shaky counts as Up
	Text  string        // the newest sample in words: "cping ok", "connect refused"
	OK    bool          // whether that was a good one
	Fail  Fail          // its kind when it was not
	Row   int           // samples in a row that say the same as the newest
	Need  int           // how many of them change or changed State
	Early string        // why State is Down although fewer than Need failed; else empty
	Took  time.Duration // of the newest sample
	Ping  time.Duration // of the newest sample; zero when it was not measured
	Asked bool          // the newest sample was the answer to a real request
	At    time.Time     // of the newest sample; zero before the first
	OKAt  time.Time     // of the newest good one; zero when there was none

	// Hold says that the member takes nothing although it is not down: it is
	// new or restarted, and was not seen to answer yet.
	Hold bool
	// OnlySessions says that it is not heard and that this means: no new
	// sessions.
	OnlySessions bool
	// Frozen says that it gave no pong while it owed answers: requests that wait
	// for it may be repeated elsewhere. It is Down for it, or Shaky as long as Numb
	// says so, until the next ping.
	Frozen bool
	Numb   string // in words; empty when it is not so

	// Mute says that it is Down and its probes find nobody who answers.
	Mute bool

	// Share is the part of its weight the member gets, in percent: 100, or
	// less in steps of ten while it starts slowly.
	Share int

	// Trip is the time until which the data path avoids the member by itself;
	// zero when it does not.
	Trip time.Time

	Heard   time.Time // newest heartbeat; zero when there never was one
	Silent  time.Time // its heartbeats are missed since then; zero: they come
	Unheard bool      // they should be heard and never were
	Ignored bool      // silence means nothing here
	Doubt   string    // what somebody says about it and a probe is to settle
	Seen    bool      // Doubt is the kernel's word: it is settled in a moment and changes nothing until then
	Renewed bool      // another JVM than before, not yet seen to answer
	Falls   int       // falls that make it flap; 0 when it does not
	Stop    time.Time // when it said that it stops; zero: it did not
	Beacon  time.Time // newest beacon; zero: never
	Ready   int       // free threads, by the beacon
	Busy    int       // working threads, by the beacon
}

// Usable reports whether new work may go to the member.
func (v *Verdict) Usable() bool {
	return v.State != Down && v.State != Leaving && !v.Hold
}

// Hopeless says why requests that wait for the member wait in vain, so that they
// may be repeated elsewhere; it is empty when they may be answered yet.
func (v *Verdict) Hopeless() string {
	switch {
	case v.Numb != "":
		return v.Numb
	case v.Frozen:
		return v.Early
	case v.Mute && v.Early != "":
		return v.Text + " " + v.Early
	case v.Mute:
		return v.Text
	}
	return ""
}

// LastResort reports whether a member that is down is better than none:
// something answers there, if badly, or it has answered before and may do so
// late. Where nobody listens a request can only fail.
func (v *Verdict) LastResort() bool {
	return v.State == Down && (v.OK || v.Fail == BadStatus || v.Fail == Late && !v.OKAt.IsZero())
}

// Verdict returns what is believed at that time.
func (m *Machine) Verdict(now time.Time) Verdict {
	v := Verdict{
		State: m.state, Since: m.since, Text: m.last.Text, OK: m.last.OK, Fail: m.last.Fail,
		Took: m.last.Took, Ping: m.last.Ping, Asked: m.last.Request, At: m.last.At, OKAt: m.okAt,
		Hold: m.hold, Frozen: m.frozen || m.numb != "", Numb: m.numb, Early: m.early, Mute: m.mute, Share: m.share(now),
		Heard: m.heard, Silent: m.silent, Unheard: m.unheard, Ignored: m.set.Lost == LostIgnore,
		Doubt: m.doubt, Seen: m.seen, Renewed: m.renewed, Stop: m.stop, Beacon: m.beacon, Ready: m.ready, Busy: m.busy,
	}
	if m.Tripped(now) {
		v.Trip = m.trip.Until
	}
	if m.hushed {
		v.Doubt = ""
	}
	switch m.state {
	case Up:
		v.Row, v.Need = m.bad, m.set.DownAfter
		if m.falls.flapping(now) {
			v.Falls, _ = m.falls.count(now)
		}
		missed := !m.silent.IsZero() && m.set.Lost != LostIgnore
		if m.bad > 0 || missed || v.Falls > 0 || v.Doubt != "" && !v.Seen || m.renewed {
			v.State = Shaky
		}
		v.OnlySessions = missed && m.set.Lost == LostDrain
	case Checking:
		v.Row, v.Need = m.good, m.proof
	case Down:
		v.Row, v.Need = m.good, m.proof
		if m.good == 0 {
			v.Row, v.Need = m.set.DownAfter, m.set.DownAfter
		}
	}
	return v
}

// beaconFresh is how long a beacon says anything about load. Tomcat's
// HeartbeatListener sends one with every PERIODIC_EVENT, which is every ten
// seconds unless server.xml says otherwise: two may be lost.
const beaconFresh = 30 * time.Second

// Loaded reports whether Ready and Busy can be believed at that time: older
// numbers say nothing, and a member that restarted has begun from none.
func (v *Verdict) Loaded(now time.Time) bool {
	return !v.Beacon.IsZero() && now.Sub(v.Beacon) <= beaconFresh
}

// same reports whether two verdicts lead to the same table and, the passage
// of time aside, to the same words.
func (v *Verdict) same(o *Verdict) bool {
	return v.State == o.State && v.Text == o.Text && v.Share == o.Share && (v.Trip.Equal(o.Trip) || v.Seen || o.Seen) &&
		v.Hold == o.Hold && v.OnlySessions == o.OnlySessions && v.Frozen == o.Frozen && v.Numb == o.Numb && v.Early == o.Early && v.Mute == o.Mute &&
		v.OK == o.OK && v.Silent.IsZero() == o.Silent.IsZero() && v.Heard.IsZero() == o.Heard.IsZero() &&
		v.Unheard == o.Unheard && (v.Doubt == o.Doubt || v.Seen || o.Seen) && v.Renewed == o.Renewed && v.Falls == o.Falls
}
