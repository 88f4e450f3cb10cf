package doctor

import (
	"time"

	"github.com/catherd/catherd/ajp"
)

// silence of a crowd: what is not answered for so long waits for something.
// It is shorter than some time-outs, because it is not believed alone.
const crowdPatience = time.Second

// crowd opens connections until one is not served while the others are open:
// maxConnections, and on Tomcat 7.0 with the blocking connector maxThreads.
// The limit is real only when the one that waited is served as soon as another
// one is closed, and the next one waits again; a slow machine alone is none.
func (x *exam) crowd() {
	g := &x.signs
	var all []*line
	defer func() {
		for _, l := range all {
			x.close(l)
		}
	}()
	for range x.s.crowd() {
		l := x.another()
		if l == nil {
			break // the limit is the system's, ours or theirs; nothing to prove it by
		}
		all = append(all, l)
		if x.serves(l) {
			g.crowd.tried++
			g.crowd.served++
			continue
		}
		if len(all) < 2 || !x.servesAfter(l, func() { x.close(all[0]) }) {
			break
		}
		if l = x.another(); l != nil {
			if all = append(all, l); !x.serves(l) {
				g.crowd.tried++
			}
		}
		break
	}
	x.limitStep("connections", g.crowd)
}

// serves asks on one more connection of the crowd.
func (x *exam) serves(l *line) bool {
	if x.s.Protocol == AJP {
		return x.cping(l, min(x.s.Ping, crowdPatience)).outcome == answered
	}
	return x.page(l).outcome == answered
}

// servesAfter says whether what was silent is answered now that something else
// has ended.
func (x *exam) servesAfter(l *line, end func()) bool {
	_ = l.SetDeadline(x.within(crowdPatience))
	end()
	if x.s.Protocol == AJP {
		return x.cpong(l, time.Now()).outcome == answered
	}
	return x.pageOf(l).outcome == answered
}

// threads finds how many requests are served at a time. A head that announces
// one byte of body holds its thread until the byte comes: Tomcat sends the
// answer and withholds the END_RESPONSE, whether the application reads or not
// (ajp13.md 10). So an answer that begins shows that its thread was there, and
// one that begins only when another one was ended shows that none was left.
// It is over within moments, but for these the connector may serve nobody else.
func (x *exam) threads() {
	g := &x.signs
	var all []*line
	defer func() {
		for _, l := range all {
			x.close(l)
		}
	}()
	open := func() (l *line, begun bool) {
		if l = x.another(); l == nil {
			return nil, false
		}
		all = append(all, l)
		packet, err := x.packet(l, question{secret: true, body: 1})
		if err != nil {
			return nil, false
		}
		_ = l.SetDeadline(x.within(crowdPatience + 2*g.plain.took))
		if _, err := l.Write(packet); err != nil {
			return nil, false
		}
		return l, x.begins(l)
	}
	for range x.s.crowd() {
		l, begun := open()
		if begun {
			g.threads.tried++
			g.threads.served++
			continue
		}
		if l == nil || len(all) < 2 {
			break
		}
		again := x.within(crowdPatience + 2*g.plain.took)
		_, _ = l.SetDeadline(again), all[0].SetDeadline(again)
		if _, err := all[0].Write(append(ajp.AppendBodyHeader(nil, 1), 'x')); err != nil || !x.begins(l) {
			break
		}
		if l, begun = open(); l != nil && !begun {
			g.threads.tried++ // the next one waits again
		}
		break
	}
	if g.threads.served == 0 || !g.threads.found() && x.ended(all[0]) {
		// An application that waits for the byte, or no Tomcat: nothing was
		// held, so nothing was measured.
		g.threads = limit{}
		return
	}
	x.limitStep("requests", g.threads)
}

// begins waits for the head of an answer.
func (x *exam) begins(l *line) bool {
	payload, err := l.next()
	return err == nil && ajp.Type(payload[0]) == ajp.SendHeaders
}

// ended says whether a request that was to hold its thread is over. Its end
// would have come long ago, so what is there already is looked at.
func (x *exam) ended(l *line) bool {
	_ = l.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	for {
		payload, err := l.next()
		if err != nil {
			return false
		}
		if ajp.Type(payload[0]) == ajp.EndResponse {
			return true
		}
	}
}
