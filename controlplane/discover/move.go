package discover

import (
	"net/netip"
	"slices"
)

// settled leaves nodes with the members they had, and returns those that have
// none. Who is sure of a connector comes first: what is left may be the new one
// of a node that was restarted on another port.
func (r *resolver) settled(p *pool, h netip.Addr, nodes []*node, w Answer) (open []*node) {
	var lost []*node
	for _, n := range nodes {
		switch f := r.previous(p, n); {
		case f == nil:
			open = append(open, n)
		case r.lost(p, n, f):
			lost = append(lost, n)
		default:
			r.settle(p, n, f)
		}
	}
	now := make([]Found, len(lost))
	for i, n := range lost { // all, before one of them is settled: they are rivals
		now[i] = *r.previous(p, n)
		if o, ok := r.moved(p, h, n, &now[i], w); ok {
			now[i].URL, now[i].By = address(r.in.Answers[o.at].scheme(), o.at), o.by
			now[i].Name = "" // that of the new place
		}
	}
	for i, n := range lost {
		r.settle(p, n, &now[i])
	}
	return open
}

// lost reports whether the connector of a node may have moved: the node is
// heard, and its member does not answer.
func (r *resolver) lost(p *pool, n *node, f *Found) bool {
	serving, known := r.in.Serving[Key{p.Name, f.Name}]
	at, _ := urlOf(f.URL)
	return known && !serving && n.State == Alive && r.in.Answers[at].scheme() != f.URL.Scheme
}

// moved finds where the connector of a node is now. It moves only when nobody
// listens at the old place any more, which is a refused connection and nothing less:
// a JVM that collects garbage does not answer either, and one that starts or stops
// may break a connection off. And only to the one place that may be its own and
// answers.
func (r *resolver) moved(p *pool, h netip.Addr, n *node, f *Found, w Answer) (option, bool) {
	rivals := r.rivals(h)
	list, exact, _ := r.options(p, n, w, rivals == 1)
	if !exact && rivals > 1 {
		return option{}, false
	}
	old, _ := urlOf(f.URL)
	list = slices.DeleteFunc(list, func(o option) bool {
		return o.at == old || p.memberAt(o.at) != nil || r.anothers(p, h, n, o.at)
	})
	if len(list) == 0 {
		return option{}, false
	}
	var answer []option
	unknown := r.in.Answers[old] != Refused
	for _, o := range list {
		scheme := r.in.Answers[o.at].scheme()
		unknown = unknown || r.in.Answers[o.at] == Unknown
		if scheme != "" && (w == Unknown || scheme == w.scheme()) {
			answer = append(answer, o)
		}
	}
	if !unknown && (len(answer) == 1 || exact && len(answer) > 0) {
		return answer[0], true
	}
	r.ask(old, w, p.Name)
	for _, o := range list {
		r.ask(o.at, w, p.Name)
	}
	return option{}, false
}

// noteMoves lists the members that have gone to another place with their node.
func (r *resolver) noteMoves(made []Found) {
	for _, f := range r.in.Prev {
		if i := follows(made, f); i >= 0 && made[i].URL != f.URL {
			r.out.Moves = append(r.out.Moves, Move{f, made[i]})
		}
	}
}

// follows finds the member that the node of an earlier one has now.
func follows(made []Found, f Found) int {
	return slices.IndexFunc(made, func(x Found) bool {
		return f.Receiver.IsValid() && x.Receiver == f.Receiver && x.Pool == f.Pool
	})
}

// anothers reports whether a connector is, or was, that of another node. Where
// the process of the node itself listens there, it is not.
func (r *resolver) anothers(p *pool, h netip.Addr, n *node, at netip.AddrPort) bool {
	if n.owned {
		return r.tied(p, at).IsValid()
	}
	return r.had(p, at) != nil || r.spoken(p, h, at)
}
