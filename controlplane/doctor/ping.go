package doctor

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/catherd/catherd/ajp"
)

// ping sends the first CPING and waits for a late answer as well: a Tomcat
// that starts, or has no thread free, gives the same CPONG later.
func (x *exam) ping(l *line) bool {
	p := &x.signs.ping
	*p = x.cping(l, x.s.Patience)
	switch p.outcome {
	case answered:
		if p.took > x.s.Ping {
			p.outcome = late
		}
		x.step("cping", p.outcome == answered, lateness(p), p.took)
		return true
	case silent:
		x.step("cping", false, "no answer within "+set(x.s.Patience), p.took)
	case strange:
		x.step("cping", false, "answered in "+inWords(sniff(p.heard)), p.took)
	case closed:
		x.step("cping", false, "connection closed", p.took)
	default:
		x.step("cping", false, "connection reset", p.took)
	}
	return false
}

func lateness(p *ping) string {
	if p.outcome == late {
		return "late, " + span(p.took)
	}
	return ""
}

// inWords makes a noun of a speech.
func inWords(s speech) string {
	if s == speaksAJP {
		return "AJP, but with no CPONG"
	}
	return string(s)
}

// cping sends a CPING and waits so long for the CPONG.
func (x *exam) cping(l *line, patience time.Duration) ping {
	start := time.Now()
	_ = l.SetDeadline(x.within(patience))
	if _, err := l.Write(ajp.AppendCPing(nil)); err != nil {
		return ping{outcome: outcomeOf(err, l.unread()), took: time.Since(start)}
	}
	return x.cpong(l, start)
}

// cpong waits for a CPONG that was asked for at that time. The deadline of the
// connection ends it.
func (x *exam) cpong(l *line, start time.Time) ping {
	payload, err := l.next()
	p := ping{outcome: answered, took: time.Since(start)}
	switch {
	case err != nil:
		p.heard = clip(l.unread())
		p.outcome = outcomeOf(err, p.heard)
	case ajp.ParseCPong(payload) != nil:
		p.outcome, p.heard = strange, clip(append([]byte("AB\x00\x00"), payload...))
	}
	return p
}

// outcomeOf names a fault of a read or a write, after which these bytes were
// left over.
func outcomeOf(err error, left []byte) outcome {
	switch {
	case len(left) > 0:
		return strange
	case errors.Is(err, os.ErrDeadlineExceeded):
		return silent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
		return closed
	default:
		return reset
	}
}

func clip(b []byte) []byte { return append([]byte(nil), b[:min(len(b), sniffed)]...) }
