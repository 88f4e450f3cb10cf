package meter

import (
	"sync"
	"testing"
)

// sights plays routes that are seen one after the other, "!" for a doubt, and
// tells the route that is left.
func sights(m *Member, routes ...string) string {
	for i, r := range routes {
		if r == "!" {
			m.Doubt()
		} else {
			m.Saw([]byte(r), int64(i+1))
		}
	}
	if r := m.Route(); r != nil {
		if r.Hint {
			return r.Name + "?"
		}
		return r.Name
	}
	return ""
}

func TestRouteThatChanges(t *testing.T) {
	f := func(want string, routes ...string) {
		t.Helper()
		if got := sights(new(Member), routes...); got != want {
			t.Errorf("%v: %q, want %q", routes, got, want)
		}
	}
	f("")
	f("", "!")
	f("a", "a")
	f("a", "a", "b", "b")
	f("b", "a", "b", "b", "b")
	f("a", "a", "b", "b", "a", "b", "b")                     // not in a row
	f("a", "a", "b", "c", "b", "c", "b", "c")                // neither
	f("b", "a", "b", "b", "b", "a", "a", "a")                // back takes twice as many
	f("a", "a", "b", "b", "b", "a", "a", "a", "a", "a", "a") // and has them here
	f("a?", "a", "!")                                        // another JVM may be there
	f("b", "a", "!", "b")                                    // and it is
	f("a", "a", "!", "a", "b", "b")                          // or it was not
	f("b", "a", "b", "b", "b", "!", "b", "a", "a")           // a doubt forgets the votes
	f("a", "a", "b", "b", "b", "!", "b", "a", "a", "a")      // and how many there were
	f("a?", "a", "b", "b", "!", "!")                         // twice is once
	f("b", "a", "b", "b", "!", "b")
}

func TestRouteSince(t *testing.T) {
	var m Member
	m.Hint("a", 7)
	m.Hint("b", 8) // what is known stays
	if r := m.Route(); *r != (Route{Name: "a", At: 7, Hint: true}) {
		t.Errorf("hint: %+v", r)
	}
	if !m.Saw([]byte("a"), 100) || *m.Route() != (Route{Name: "a", At: 7}) {
		t.Errorf("seen again: %+v", m.Route())
	}
	if m.Saw([]byte("b"), 101) || m.Route().Name != "a" {
		t.Errorf("seen once: %+v", m.Route())
	}
	m.Doubt()
	if !m.Saw([]byte("b"), 102) || *m.Route() != (Route{Name: "b", At: 102}) {
		t.Errorf("after a doubt: %+v", m.Route())
	}
}

// Whatever happens at once, one of the routes is left.
func TestRouteSeenByMany(t *testing.T) {
	var m Member
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 1000 {
				m.Saw([]byte{"ab"[(i+k/10)%2]}, int64(k))
				if k%100 == 0 {
					m.Doubt()
				}
			}
		})
	}
	wg.Wait()
	if r := m.Route(); r == nil || r.Name != "a" && r.Name != "b" {
		t.Errorf("%+v", r)
	}
}

func TestAlive(t *testing.T) {
	const second = int64(1e9)
	var m Member
	if m.Follow(false); m.Alive() != nil {
		t.Fatal("followed without a reason")
	}
	m.Follow(true)
	a := m.Alive()
	if m.Follow(true); m.Alive() != a {
		t.Error("begun anew")
	}
	expect := func(n int, last int64) {
		t.Helper()
		if k, at := a.Newest(); k != n || at != last*second {
			t.Errorf("%d, %d; want %d, %d", k, at/second, n, last)
		}
	}
	x, y := SessionHash([]byte("X")), SessionHash([]byte("Y"))
	expect(0, 0)
	a.Seen(x, 100*second+5)
	a.Seen(x, 110*second)
	a.Seen(y, 105*second)
	expect(2, 110)
	a.Ended(x)
	a.Ended(x)
	expect(1, 105)
	a.Ended(y)
	expect(0, 0)
	a.Seen(y, 200*second)
	expect(1, 200)
	if m.Follow(false); m.Alive() != nil {
		t.Error("still followed")
	}
}

// More sessions than there is room for: those that made room are alive for all that
// is known.
func TestAliveOverflow(t *testing.T) {
	var a Alive
	first := func(i uint64) uint64 { return (i + 1) << 40 } // they differ above, and lie in one place
	for i := range uint64(aliveReach + 1) {
		a.Seen(first(i), int64(100+i)*1e9)
	}
	for i := range uint64(aliveReach + 1) {
		a.Ended(first(i))
	}
	if n, last := a.Newest(); n != 0 || last != 100e9 {
		t.Errorf("%d, %d; want the one that made room", n, last)
	}
}
