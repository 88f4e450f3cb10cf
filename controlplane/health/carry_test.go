package health

import (
	"encoding/json"
	"testing"
	"time"
)

// pass carries what m believes through JSON to another machine.
func pass(t *testing.T, m *Machine, set Settings, now time.Time) Machine {
	t.Helper()
	v := m.Verdict(now)
	data, err := json.Marshal(v.Carry())
	if err != nil {
		t.Fatal(err)
	}
	var c Carried
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	next := NewMachine(set, now)
	next.Resume(c, now)
	return next
}

func TestResumeKeepsWhatIsBelieved(t *testing.T) {
	f := func(name string, set Settings, want State, play func(m *Machine)) {
		t.Helper()
		m := NewMachine(set, noon)
		play(&m)
		now := noon.Add(10 * time.Second)
		next := pass(t, &m, set, now)
		was, is := m.Verdict(now), next.Verdict(now)
		if is.State != want || is.State != was.State || is.Text != was.Text || is.Early != was.Early ||
			is.Row != was.Row || is.Usable() != was.Usable() || want != Checking && !is.Since.Equal(was.Since) || is.Share != was.Share ||
			is.Fail != was.Fail || is.Frozen != was.Frozen || is.Mute != was.Mute || is.Numb != was.Numb || is.Hopeless() != was.Hopeless() || is.LastResort() != was.LastResort() {
			t.Errorf("%s: was %+v, is %+v", name, was, is)
		}
		if next.Due().After(now) {
			t.Errorf("%s: the next probe waits until %s", name, next.Due())
		}
	}
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	good := func(m *Machine, s int) { m.Sample(Sample{At: at(s), OK: true, Text: "cping ok"}) }
	bad := func(m *Machine, s int) { m.Sample(Sample{At: at(s), Text: "connect refused", Fail: Refused}) }
	prove := some
	prove.Prove = true
	slow := some
	slow.SlowStart = 100 * time.Second
	f("nothing known", some, Checking, func(*Machine) {})
	f("up", some, Up, func(m *Machine) { good(m, 1) })
	f("up, of a member that had to prove itself", prove, Up, func(m *Machine) { good(m, 1); good(m, 2) })
	f("one failure", some, Shaky, func(m *Machine) { good(m, 1); bad(m, 2) })
	f("down at the first probe", some, Down, func(m *Machine) { bad(m, 1) })
	f("down", some, Down, func(m *Machine) { good(m, 1); bad(m, 2); bad(m, 3); bad(m, 4) })
	f("on its way back", some, Down, func(m *Machine) { bad(m, 1); good(m, 2) })
	f("leaving", some, Leaving, func(m *Machine) { good(m, 1); m.Input(Event{Kind: PlannedStop, At: at(2)}) })
	owes := func(m *Machine, s int) {
		good(m, 1)
		m.Input(Event{Kind: Owes, At: at(s), Since: at(s - 1), Owed: 3})
	}
	late := func(m *Machine, s int) { m.Sample(Sample{At: at(s), Text: "no pong within 500ms", Fail: Late}) }
	f("numb", some, Shaky, func(m *Machine) { owes(m, 3); late(m, 4) })
	f("frozen", some, Down, func(m *Machine) { owes(m, 3); late(m, 4); late(m, 5) })
	f("frozen, and one pong", some, Down, func(m *Machine) { owes(m, 3); late(m, 4); late(m, 5); good(m, 6) })
	f("mute", some, Down, func(m *Machine) { good(m, 1); late(m, 2); late(m, 3); late(m, 4) })
	f("answers badly", some, Down, func(m *Machine) {
		for s := range 4 {
			m.Sample(Sample{At: at(s), Text: "health request got 500", Fail: BadStatus})
		}
	})
	f("slow start", slow, Up, func(m *Machine) { bad(m, 1); good(m, 2); good(m, 3) })
}

// A verdict that was passed on is not for ever: probes go on changing it.
func TestResumedMachineGoesOn(t *testing.T) {
	m := NewMachine(some, noon)
	m.Sample(Sample{At: noon, OK: true, Text: "cping ok"})
	next := pass(t, &m, some, noon)
	for i := range some.DownAfter {
		next.Sample(Sample{At: noon.Add(time.Duration(i+1) * time.Second), Text: "connect refused", Fail: Refused})
	}
	if v := next.Verdict(noon.Add(time.Minute)); v.State != Down {
		t.Errorf("%+v", v)
	}
	back := pass(t, &next, some, noon.Add(time.Minute))
	for i := range some.UpAfter {
		back.Sample(Sample{At: noon.Add(2*time.Minute + time.Duration(i)*time.Second), OK: true, Text: "cping ok"})
	}
	if v := back.Verdict(noon.Add(3 * time.Minute)); v.State != Up {
		t.Errorf("%+v", v)
	}
}

// A member that was frozen when another process took over is asked as one that is
// frozen, and comes back as one: with two pongs, and without a slow start.
func TestResumedFrozenMemberWakes(t *testing.T) {
	m := NewMachine(some, noon)
	m.Sample(Sample{At: noon, OK: true, Text: "cping ok"})
	m.Input(Event{Kind: Heard, At: noon})
	now := noon.Add(2 * time.Second)
	m.Input(Event{Kind: Owes, At: now, Since: noon, Owed: 1})
	for range 2 {
		now = now.Add(600 * time.Millisecond)
		m.Sample(Sample{At: now, Took: 500 * time.Millisecond, Text: "no pong within 500ms", Fail: Late})
	}
	next := pass(t, &m, some, now)
	if !next.Quick() {
		t.Error("it is not asked as one that is frozen")
	}
	now = now.Add(600 * time.Millisecond)
	next.Sample(Sample{At: now, Took: 500 * time.Millisecond, Text: "no pong within 500ms", Fail: Late})
	if v := next.Verdict(now); v.Hopeless() == "" || next.Due().Sub(now) != frozenGap {
		t.Errorf("asked again after %s: %+v", next.Due().Sub(now), v)
	}
	for range 2 {
		now = now.Add(frozenGap)
		next.Sample(Sample{At: now, OK: true, Text: "cping ok"})
	}
	if v := next.Verdict(now); v.State != Up || v.Share != 100 || v.Frozen {
		t.Errorf("awake: %+v", v)
	}
}

// Words that this version does not know, and times that cannot be, are checked anew.
func TestResumeTakesNothingOnTrust(t *testing.T) {
	for _, c := range []Carried{
		{}, {State: "up"}, {State: "asleep", At: noon, Since: noon},
		{State: "up", OK: true, At: noon.Add(time.Hour), Since: noon},
		{State: "down", At: noon, Since: noon.Add(time.Hour)},
	} {
		m := NewMachine(some, noon)
		m.Resume(c, noon)
		if v := m.Verdict(noon); v.State != Checking {
			t.Errorf("%+v became %s", c, v.State)
		}
	}
}

// Whatever comes, the invariants of a machine hold.
func FuzzResume(f *testing.F) {
	f.Add([]byte(`{"state":"up","ok":true,"row":1,"at":"2026-03-01T13:59:00Z","since":"2026-03-01T13:00:00Z","share":30}`))
	f.Add([]byte(`{"state":"down","row":-3,"at":"2026-03-01T13:59:00Z","share":1000}`))
	f.Add([]byte(`{"state":"down","frozen":true,"mute":true,"fail":"late","early":"no pong","row":2,"at":"2026-03-01T13:59:00Z","since":"2026-03-01T13:00:00Z"}`))
	f.Add([]byte(`{"state":"down","ok":true,"mute":true,"fail":"refused","at":"2026-03-01T13:59:00Z","since":"2026-03-01T13:00:00Z"}`))
	f.Add([]byte(`{"state":"up","numb":"no pong","frozen":true,"fail":"late","at":"2026-03-01T13:59:00Z","since":"2026-03-01T13:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Carried
		if json.Unmarshal(data, &c) != nil {
			return
		}
		m := NewMachine(some, noon)
		m.Resume(c, noon)
		w := walk{T: t, m: m, now: noon}
		if v := w.always(some); v.State == Checking && m.state != Checking {
			t.Errorf("%+v", v)
		}
	})
}
