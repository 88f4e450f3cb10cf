package discover

import (
	"net/netip"
	"slices"
	"strings"
)

// try gives nodes whose connector may be any of several the ones that answer.
func (r *resolver) try(p *pool, h netip.Addr, nodes []*node, offered []option, w Answer) {
	var answer []option
	var silent []netip.AddrPort
	unknown, doubt := false, ""
	for _, o := range offered {
		if r.spoken(p, h, o.at) {
			continue
		}
		if p.memberAt(o.at) != nil || r.proof(p, o.at, w) != "" {
			answer = append(answer, o)
			continue
		}
		silent = append(silent, o.at)
		unknown = unknown || r.in.Answers[o.at] == Unknown
		if doubt != "" {
			doubt += ", "
		}
		doubt += o.at.String() + " " + r.in.Answers[o.at].says(w)
	}
	rivals := r.rivals(h)
	if len(answer) > rivals { // somebody has gone: do not keep what is dead
		answer = slices.DeleteFunc(answer, func(o option) bool {
			f := r.had(p, o.at)
			if f == nil {
				return false
			}
			serving, known := r.in.Serving[Key{p.Name, f.Name}]
			return known && !serving
		})
	}
	fresh := slices.ContainsFunc(answer, func(o option) bool { return p.memberAt(o.at) == nil && r.had(p, o.at) == nil })
	if len(answer) != 1 || rivals != 1 || unknown && fresh {
		for _, at := range silent {
			r.ask(at, w, p.Name)
		}
	}
	switch {
	case unknown && (fresh || len(answer) == 0):
		r.earlier(p, nodes, answer, w)
		for _, n := range nodes {
			n.wait(p, doubt)
		}
	case len(answer) == 0:
		for _, n := range nodes {
			n.wait(p, cut(doubt))
		}
	case len(answer) == 1 && rivals == 1:
		r.claim(p, answer[0].at, answer[0].by, nodes, w)
	case len(nodes) == rivals:
		r.share(p, h, nodes, answer, w)
	default:
		text := "several clusters or pools have Tomcats on " + h.String() + ", so nobody knows whose connector is which"
		for _, n := range nodes {
			n.wait(p, text)
		}
		r.finding(p.Name+" "+h.String(), text, "use "+strings.TrimSuffix(key(ByTrying, w), "s")+"_offset under discover, or list the members with their receiver")
	}
}

// earlier keeps members that were found before while something new is tried.
func (r *resolver) earlier(p *pool, nodes []*node, answer []option, w Answer) {
	for _, o := range answer {
		if p.memberAt(o.at) == nil && r.had(p, o.at) != nil {
			r.member(p, o.at, o.by, nodes, false, w)
		}
	}
}

// share makes a member of every connector that answers on a host whose nodes
// all belong to the pool. Which node is behind which is not known.
func (r *resolver) share(p *pool, h netip.Addr, nodes []*node, answer []option, w Answer) {
	for _, o := range answer {
		if m := p.memberAt(o.at); m != nil {
			for _, n := range nodes {
				r.tie(n, p, m.Name, o.by, false)
			}
			continue
		}
		r.member(p, o.at, o.by, nodes, false, w)
	}
	if len(answer) > len(nodes) {
		r.finding(p.Name+" "+h.String(), "more connectors of pool "+p.Name+" answer on "+h.String()+" than Tomcats are heard there", "remove the ports of other Tomcats from "+key(ByTrying, w))
	}
}

// spoken reports whether a connector is known to be another node's.
func (r *resolver) spoken(p *pool, h netip.Addr, at netip.AddrPort) bool {
	for _, f := range r.found {
		if u, ok := urlOf(f.URL); ok && u == at && f.Receiver.IsValid() {
			return true
		}
	}
	for _, n := range r.nodes {
		if n.owned && n.host() == h && covers(n.listens, at) {
			return true
		}
	}
	return r.tied(p, at).IsValid()
}
