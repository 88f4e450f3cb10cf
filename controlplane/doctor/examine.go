package doctor

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// Examine asks a connector what can be asked from outside and says what is
// wrong with it. It makes no error of a bad answer: everything is in the
// report. It returns soon after the context ends, with what is known by then.
func Examine(ctx context.Context, subject Subject) Report {
	x := &exam{s: subject.complete(), open: map[net.Conn]struct{}{}}
	x.report.URL = x.s.Protocol + "://" + x.s.Addr
	ctx, cancel := context.WithTimeout(ctx, x.s.budget())
	defer cancel()
	x.ctx = ctx
	// Closing ends every read and write at once, whatever its deadline.
	defer x.closeAll()
	defer context.AfterFunc(ctx, x.closeAll)()
	if x.s.Protocol == AJP {
		x.container()
	} else {
		x.web()
	}
	x.report.Findings = diagnose(&x.s, &x.signs)
	return x.report
}

// exam is one examination under way. Only its own goroutine uses it, but for
// the connections, which the end of the context closes.
type exam struct {
	ctx    context.Context
	s      Subject
	signs  signs
	report Report

	mu   sync.Mutex // guards open and over
	open map[net.Conn]struct{}
	over bool
}

// step adds a line of the report.
func (x *exam) step(name string, ok bool, result string, took time.Duration) {
	x.report.Steps = append(x.report.Steps, Step{Name: name, OK: ok, Result: result, Took: took})
}

// container examines an AJP connector.
func (x *exam) container() {
	conn, ok := x.connect()
	if !ok {
		return
	}
	l := &line{Conn: conn}
	if !x.ping(l) {
		return
	}
	if !x.ask(l) {
		x.close(l)
		return
	}
	x.size()
	x.close(l)
	x.crowd()
	if x.s.Deep && !x.signs.crowd.found() {
		x.threads()
	}
	x.watch()
}

// track remembers a connection, so that the end of the context closes it.
func (x *exam) track(c net.Conn) net.Conn {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		c.Close()
		return c
	}
	x.open[c] = struct{}{}
	return c
}

// close closes a connection and forgets it.
func (x *exam) close(c net.Conn) {
	if l, ok := c.(*line); ok {
		c = l.Conn
	}
	x.mu.Lock()
	delete(x.open, c)
	x.mu.Unlock()
	c.Close()
}

func (x *exam) closeAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for c := range x.open {
		c.Close()
	}
}

// within is the end of a step that may take so long. It comes before the end
// of the examination: a step that is cut off by that would look as if the peer
// had closed the connection.
func (x *exam) within(d time.Duration) time.Time {
	end := time.Now().Add(d)
	if last, ok := x.ctx.Deadline(); ok && last.Add(-lastWords).Before(end) {
		return last.Add(-lastWords)
	}
	return end
}

// lastWords is the time that is left for the report.
const lastWords = 50 * time.Millisecond

// another opens one more connection; nil when that did not work.
func (x *exam) another() *line {
	ctx, cancel := context.WithTimeout(x.ctx, x.s.Connect)
	defer cancel()
	c, err := x.s.Dial(ctx, "tcp", x.s.Addr)
	if err != nil {
		return nil
	}
	return &line{Conn: x.track(c)}
}

// stepOf adds the line of a request.
func (x *exam) stepOf(a *answer) {
	name := "GET " + x.s.path()
	if a.outcome != answered {
		text := a.fault
		if text == "" {
			text = string(a.outcome)
		}
		x.step(name, false, text, a.took)
		return
	}
	ok := !x.s.judged() || x.s.expects(a.status)
	if !x.s.judged() && a.status == 403 && a.connectors() {
		ok = false
	}
	text := strconv.Itoa(a.status)
	if lacks := x.s.lacks(a); lacks != "" {
		ok, text = false, text+", its body "+lacks
	}
	x.step(name, ok, text, a.took)
}

// limitStep adds the line of a limit that was looked for.
func (x *exam) limitStep(what string, l limit) {
	if l.found() {
		x.step(what, false, fmt.Sprintf("%d of %d", l.served, l.tried), 0)
	} else if x.s.Deep {
		x.step(what, true, strconv.Itoa(l.served), 0)
	}
}
