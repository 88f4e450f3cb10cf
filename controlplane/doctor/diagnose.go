package doctor

import (
	"slices"
	"strings"
)

// diagnose makes findings of signs: the first thing that keeps requests from
// being served, or everything that will hurt later. It looks at nothing else.
func diagnose(s *Subject, g *signs) []Finding {
	list := []Finding{}
	add := func(f Finding) { list = append(list, f) }
	switch {
	case g.reach.fault != reached:
		return []Finding{unreached(s, &g.reach)}
	case s.Protocol == AJP:
		diagnoseAJP(s, g, add)
	default:
		diagnoseWeb(s, g, add)
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return list
}

func rank(s Severity) int { return slices.Index([]Severity{Fault, Warning, Note}, s) }

// diagnoseAJP judges an AJP connector.
func diagnoseAJP(s *Subject, g *signs, add func(Finding)) {
	switch g.ping.outcome {
	case notAsked:
		return // the examination was ended before
	case answered:
	case late:
		add(latePong(s, &g.ping))
	default:
		add(noPong(s, &g.ping))
		return
	}
	if g.plain.outcome == notAsked {
		return
	}
	if g.plain.outcome != answered {
		add(noPage(s, &g.plain))
		return
	}
	if g.plain.connectors() {
		add(refusedByConnector(s, g))
		return
	}
	judgeStatus(s, g, add)
	if len(g.refused) > 0 { // empty when each alone was taken, which no Tomcat does
		add(forbidden(g.refused))
	}
	if s.Secret != "" && g.bare.outcome == answered && !(g.bare.status == 403 && g.bare.connectors()) {
		add(unguarded())
	}
	judgeSize(s, g, add)
	judgeLimits(s, g, add)
	judgeIdle(s, g, add)
}

// diagnoseWeb judges an HTTP or HTTPS connector.
func diagnoseWeb(s *Subject, g *signs, add func(Finding)) {
	heard := sniff(g.plain.heard)
	switch {
	case g.plain.ajpPort:
		add(ajpPort(s))
		return
	case g.tls.outcome != notAsked && g.tls.outcome != answered:
		add(noTLS(s, &g.tls))
		return
	case g.plain.needsTLS, g.plain.outcome == strange && heard == speaksTLS:
		add(tlsPort(s))
		return
	case g.plain.outcome == notAsked:
		return
	case g.plain.outcome == strange:
		add(otherService(s, g.plain.heard))
		return
	case g.plain.outcome != answered:
		add(noWeb(s, &g.plain))
		return
	}
	judgeStatus(s, g, add)
	judgeLimits(s, g, add)
	judgeIdle(s, g, add)
}

// judgeStatus judges the answer of the application.
func judgeStatus(s *Subject, g *signs, add func(Finding)) {
	a := &g.plain
	if strings.HasPrefix(strings.ToLower(a.location), "https://") && s.Protocol != HTTPS &&
		300 <= a.status && a.status <= 399 {
		add(redirected(s, a))
		return
	}
	if lacks := s.lacks(a); lacks != "" {
		add(wrongBody(s, a, lacks))
		return
	}
	if !s.judged() || s.expects(a.status) {
		return
	}
	if g.elsewhere.outcome == answered && s.expects(g.elsewhere.status) {
		add(wrongHost(s, a))
		return
	}
	add(unexpected(s, a))
}

// judgeSize compares packet sizes. What came is proof; GET_BODY_CHUNK tells
// the size that Tomcat has, whatever it sent.
func judgeSize(s *Subject, g *signs, add func(Finding)) {
	theirs := max(g.largest, g.asked)
	switch {
	case g.fits < 0:
		add(longHead(s))
	case g.fits > 0:
		add(smallerPacket(s, g.fits))
	case g.asked > 0 && g.asked < s.Packet:
		add(smallerPacket(s, g.asked))
	case theirs > s.Packet:
		add(largerPacket(s, theirs))
	}
}

// judgeLimits judges how many are served at a time.
func judgeLimits(s *Subject, g *signs, add func(Finding)) {
	if g.crowd.found() {
		add(fewConnections(s, g.crowd))
	}
	if g.threads.found() {
		add(fewThreads(s, g.threads))
	}
}

// judgeIdle compares how long unused connections are kept. Closing a fresh one
// as well is connectionTimeout, which keepAliveTimeout follows.
func judgeIdle(s *Subject, g *signs, add func(Finding)) {
	switch {
	case g.idle.shut && g.idle.watched < s.KeepFor:
		add(shortIdle(s, g.idle.watched, g.fresh.shut))
	case g.fresh.shut && g.fresh.watched < s.KeepFor:
		add(shortFresh(s, g.fresh.watched))
	case g.idle.deaf:
		add(deafConnection(g.idle.watched))
	case g.keepAlive > 0 && g.keepAlive < s.KeepFor:
		add(announcedIdle(s, g.keepAlive))
	}
}
