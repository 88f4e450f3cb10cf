package tribes

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var day = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

// check holds what must be true of a view at any time.
func check(t *testing.T, v *View) {
	t.Helper()
	if len(v.nodes) > v.set.Max {
		t.Fatalf("%d nodes, %d are allowed", len(v.nodes), v.set.Max)
	}
	if len(v.nodes) > 0 && v.next.IsZero() {
		t.Fatal("there are nodes and nobody will look")
	}
	bySrc := map[netip.Addr]int{}
	for at, n := range v.nodes {
		if n.dead || n.Receiver != at {
			t.Fatalf("node %s (dead %t) is kept as %s", n.Receiver, n.dead, at)
		}
		bySrc[n.Source.Addr()]++
		if first := v.byID[n.ID]; first == nil || first != n && !n.SharedID && first.State == Alive && n.State == Alive {
			t.Fatalf("id %s of %s leads to %+v", n.ID, at, first)
		}
		if n.LastHeard.After(v.now) || n.State == Alive && v.now.Sub(n.quiet) < 0 {
			t.Fatalf("%s was heard in the future", at)
		}
	}
	if len(bySrc) != len(v.bySrc) {
		t.Fatalf("sources %v, counted %v", bySrc, v.bySrc)
	}
	for a, n := range bySrc {
		if v.bySrc[a] != n {
			t.Fatalf("source %s has %d nodes, counted %d", a, n, v.bySrc[a])
		}
	}
	for id, n := range v.byID {
		if n.dead || n.ID != id {
			t.Fatalf("id %s leads to %s (dead %t) with id %s", id, n.Receiver, n.dead, n.ID)
		}
	}
}

// FuzzView plays bytes as a life of a small view: each step is an operation on
// one of a few members. Whatever happens, the view stays consistent, and only
// a stop from the right source makes a node leave.
func FuzzView(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0, 1, 40, 80, 0, 81, 0, 120, 0, 0, 0})
	f.Add([]byte{0, 40, 0, 41, 200, 0, 201, 0, 255, 255, 0, 4, 44, 84})
	f.Add(bytes.Repeat([]byte{0, 9, 18, 27, 36, 160, 250}, 40))
	f.Fuzz(func(t *testing.T, steps []byte) {
		v := NewView(Settings{Max: 6, PerSource: 4})
		now := day
		var m Member
		for i, s := range steps[:min(len(steps), 300)] {
			who, what := s%40, s/40
			m = Member{Host: netip.AddrFrom4([4]byte{10, 0, 0, who % 5}), Port: 4000 + int32(who/5%2), ID: fill(who % 7), Alive: int64(i) * 100}
			src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, who % 5}), 45564)
			switch what {
			case 1: // from elsewhere
				src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, who % 3}), 45564)
			case 2:
				m.Command = []byte(stopCommand)
			case 3: // time passes with looks
				for range who {
					now = now.Add(time.Second)
					v.Tick(now)
					check(t, v)
				}
				continue
			case 4: // the clock jumps
				now = now.Add(time.Duration(int(who)-20) * time.Minute)
			case 5:
				v.Keep(netip.AddrPortFrom(m.Host, uint16(m.Port)), who%2 == 0)
				continue
			}
			now = now.Add(100 * time.Millisecond)
			for _, e := range v.Hear(now, src, m.Append(nil)) {
				if e.Kind == Left && (what != 2 || e.Node.Source != src) {
					t.Fatalf("step %d: %s from %s", i, e.Text, src)
				}
			}
			check(t, v)
		}
	})
}

// TestFlood sends 10^5 forged members while two real ones are heard: they stay
// what they are, the table stays small, and few events come out.
func TestFlood(t *testing.T) {
	v := NewView(Settings{})
	now := day
	events := 0
	real := []Member{
		{Host: netip.MustParseAddr("10.0.0.1"), Port: 4000, ID: fill(1)},
		{Host: netip.MustParseAddr("10.0.0.2"), Port: 4000, ID: fill(2)},
	}
	beat := func() {
		for i := range real {
			real[i].Alive += 500
			events += len(v.Hear(now, netip.AddrPortFrom(real[i].Host, 45564), real[i].Append(nil)))
		}
	}
	for range 20 {
		beat()
		now = now.Add(500 * time.Millisecond)
	}
	events = 0
	m := Member{Port: 4000, Alive: 1000}
	var buf []byte
	for i := range 100_000 {
		m.Host = netip.AddrFrom4([4]byte{10, byte(100 + i>>16), byte(i >> 8), byte(i)})
		copy(m.ID[:], fmt.Sprintf("%16d", i))
		buf = m.Append(buf[:0])
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 6, byte(i % 200), 6}), 45564)
		events += len(v.Hear(now, src, buf))
		if i%5000 == 4999 {
			now = now.Add(500 * time.Millisecond)
			beat()
			events += len(v.Tick(now))
			check(t, v)
		}
	}
	if s := v.Status(); s.Nodes != 1024 || s.Evicted+s.Refused < 98_000 {
		t.Errorf("status %+v", s)
	}
	for _, n := range v.Nodes() {
		if (n.ID == fill(1) || n.ID == fill(2)) && (n.State != Alive || n.Beats != 40) {
			t.Errorf("%s was touched: %s, %d beats", n.Receiver, n.State, n.Beats)
		}
	}
	// 10 seconds of 20 events, one summary each, and the alarm.
	if events > 10*22+5 {
		t.Errorf("%d events", events)
	}
}
