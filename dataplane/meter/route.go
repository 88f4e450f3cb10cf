package meter

// Route is what is known of the jvmRoute that a member puts behind its session
// ids. A Route is never changed, only replaced.
type Route struct {
	Name string
	At   int64 // unix nanoseconds: when it was first seen, for members that show the same
	// Hint says that nothing has shown it since the member was started, or since
	// this process was: the next route that is seen decides alone.
	Hint bool

	changes uint8 // how often it was outvoted, which makes the next time harder
}

// A route that the member itself has shown is only given up when another one
// is seen so often in a row; twice as often after each time. An application may
// hand on cookies of another Tomcat, which have the same name: those come
// between the member's own.
const (
	outvote    = 3
	maxChanges = 6 // outvote<<maxChanges fits the count in Member.rival
)

// Route is the member's jvmRoute as its session cookies tell it; nil when
// nothing is known.
func (m *Member) Route() *Route { return m.route.Load() }

// Saw takes the route of a session that the member has begun at the time now, in
// unix nanoseconds, and reports whether that is the member's route from now
// on. The usual case, the known route once more, is a look and a comparison.
func (m *Member) Saw(route []byte, now int64) bool {
	for {
		r := m.route.Load()
		if r != nil && !r.Hint && r.Name == string(route) {
			if m.rival.Load() != 0 {
				m.rival.Store(0)
			}
			return true
		}
		known := r != nil && !r.Hint
		if known && !m.outvoted(route, outvote<<r.changes) {
			return false
		}
		n := &Route{Name: string(route), At: now}
		if known {
			n.changes = min(r.changes+1, maxChanges)
		} else if r != nil && r.Name == n.Name {
			n.At = r.At // the hint was right all the time
		}
		if m.route.CompareAndSwap(r, n) {
			m.rival.Store(0)
			return true
		}
	}
}

// outvoted counts how often in a row a route was seen that is not the known one,
// and reports whether that is enough. Two requests that count at the same
// moment may count as one.
func (m *Member) outvoted(route []byte, enough uint64) bool {
	const counts = 1<<8 - 1
	id := hash(route) &^ counts
	n := uint64(1)
	if was := m.rival.Load(); was&^counts == id {
		n = min(was&counts+1, counts)
	}
	m.rival.Store(id | n)
	return n >= enough
}

// hash is FNV-1a over 64 bits.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// Hint gives a member of which nothing is known the route that it had at an
// earlier time, first seen at the time at, in unix nanoseconds.
func (m *Member) Hint(route string, at int64) {
	m.route.CompareAndSwap(nil, &Route{Name: route, At: at, Hint: true})
}

// Doubt makes what is known a hint: another JVM may answer there now. The
// route stays in use until another one is seen.
func (m *Member) Doubt() {
	for {
		r := m.route.Load()
		if r == nil || r.Hint && r.changes == 0 {
			return
		}
		if m.route.CompareAndSwap(r, &Route{Name: r.Name, At: r.At, Hint: true}) {
			m.rival.Store(0)
			return
		}
	}
}
