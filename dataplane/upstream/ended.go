package upstream

import "github.com/catherd/catherd/dataplane/table"

// DropEnded closes the idle connections that the member has ended, and returns how
// many those were. The pool finds them by itself when it needs one, a request is
// never written to one of them; but each that is found then costs that request a
// look, and until then it is a socket that is half open. For a few calls a second.
func (p *Pool) DropEnded(cfg *table.Pool, now int64) (n int) {
	limit := int64(cfg.Conns.Max)
	var kept []*Conn
	for i := range p.idle {
		var ended int
		kept, ended = p.look(&p.idle[i], cfg, now, limit, kept[:0])
		n += ended
		p.putBack(kept, limit)
	}
	if p.closed.Load() {
		p.closeIdle()
	}
	return n
}
