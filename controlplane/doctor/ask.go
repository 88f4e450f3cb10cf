package doctor

import (
	"net"
	"strconv"

	"github.com/catherd/catherd/ajp"
)

// ask sends the request in its forms, the simplest first, and says whether
// anything further can be learned.
func (x *exam) ask(l *line) bool {
	g := &x.signs
	g.plain = x.get(l, question{secret: true})
	x.stepOf(&g.plain)
	if g.plain.outcome != answered {
		return false
	}
	if g.plain.connectors() {
		x.askAnotherHost()
		return false
	}
	if x.s.judged() && g.plain.status == 404 {
		x.askAnotherHost()
	}
	// The attributes of the data path on a connection of their own: a refusal
	// ends it.
	g.full = x.fresh(question{secret: true, usual: true, attributes: x.s.Attributes})
	if x.forbids(&g.full) {
		x.step("attributes", false, "403", 0)
		g.refused = x.which()
	}
	if x.s.Secret != "" {
		g.bare = x.fresh(question{})
	}
	return true
}

// fresh asks on a connection of its own.
func (x *exam) fresh(q question) answer {
	l := x.another()
	if l == nil {
		return answer{}
	}
	defer x.close(l)
	return x.get(l, q)
}

// askAnotherHost tells a Host that Tomcat does not want from everything else.
func (x *exam) askAnotherHost() {
	g := &x.signs
	name, _, err := net.SplitHostPort(x.s.authority())
	if err != nil {
		name = x.s.authority()
	}
	if name == "localhost" || g.plain.status != 400 && g.plain.status != 404 {
		return
	}
	g.elsewhere = x.fresh(question{secret: true, host: "localhost"})
}

// forbids says whether the connector refused what it had taken without
// attributes.
func (x *exam) forbids(a *answer) bool {
	return a.outcome == answered && a.status == 403 && a.connectors()
}

// which finds the names that are refused, by asking with each alone.
func (x *exam) which() (names []string) {
	usual := []string{ajp.NameRemotePort, ajp.NameLocalAddr, ajp.NameActivation}
	for _, name := range append(usual, x.s.Attributes[:min(len(x.s.Attributes), largeCrowd)]...) {
		if a := x.fresh(question{secret: true, attributes: []string{name}}); x.forbids(&a) {
			names = append(names, name)
		}
	}
	return names
}

// size looks whether a head of our packet size is taken, where ours is larger
// than the one that every Tomcat takes, and if not, which is the largest.
func (x *exam) size() {
	if x.s.Packet <= ajp.MinPacket {
		return
	}
	fits := func(size int) bool {
		a := x.fresh(question{secret: true, size: size})
		return a.outcome == answered && !a.connectors() && a.status == x.signs.plain.status
	}
	name := "packet " + strconv.Itoa(x.s.Packet)
	if fits(x.s.Packet) {
		x.step(name, true, "taken", 0)
		return
	}
	x.step(name, false, "refused", 0)
	// Sizes are multiples of 1024 in practice (mod_jk rounds to them). low is
	// taken, high is not; six questions are enough for 64 KiB.
	low, high := ajp.MinPacket/1024, (x.s.Packet+1023)/1024
	if !fits(low * 1024) {
		x.signs.fits = -1 // a long head is refused for another reason
		return
	}
	for high-low > 1 {
		if mid := (low + high) / 2; fits(mid * 1024) {
			low = mid
		} else {
			high = mid
		}
	}
	x.signs.fits = low * 1024
}
