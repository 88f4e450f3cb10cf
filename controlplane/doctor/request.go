package doctor

import (
	"bytes"
	"net"
	"strconv"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/controlplane/health"
)

// line is a connection that gives whole AJP packets.
type line struct {
	net.Conn
	buf   []byte
	used  int // bytes of buf taken by the packet last returned
	total int // bytes that came
}

// unread are the bytes that came and are no packet yet.
func (l *line) unread() []byte { return l.buf[l.used:] }

// next returns the payload of the next packet, valid until the next call. A
// packet may have the largest size there is, whatever ours is: an answer that
// is too large for us is a finding.
func (l *line) next() ([]byte, error) {
	l.buf = l.buf[:copy(l.buf, l.buf[l.used:])]
	l.used = 0
	for {
		if len(l.buf) > 0 {
			payload, n, _, err := ajp.Split(l.buf, ajp.MaxPacket)
			if err != nil {
				l.drain()
				return nil, err
			}
			if n > 0 {
				l.used = n
				return payload, nil
			}
		}
		if cap(l.buf)-len(l.buf) < 4096 {
			l.buf = append(make([]byte, 0, 2*cap(l.buf)+8192), l.buf...)
		}
		n, err := l.Read(l.buf[len(l.buf):cap(l.buf)])
		l.buf = l.buf[:len(l.buf)+n]
		l.total += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// drain reads on for a moment, so that a banner is seen with more than its
// first byte.
func (l *line) drain() {
	_ = l.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	for len(l.buf) < sniffed {
		n, err := l.Read(l.buf[len(l.buf):min(cap(l.buf), sniffed)])
		l.buf = l.buf[:len(l.buf)+n]
		if n == 0 || err != nil {
			return
		}
	}
}

// question is one request over AJP.
type question struct {
	secret     bool
	attributes []string // names beyond ours
	usual      bool     // with the attributes that every request of ours has
	size       int      // a head of exactly so many bytes; 0: as long as it is
	host       string
	body       int // a content-length without a body, see threads
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// get sends a question and reads its answer to the end.
func (x *exam) get(l *line, q question) answer {
	start := time.Now()
	_ = l.SetDeadline(x.within(x.s.Answer))
	packet, err := x.packet(l, q)
	if err != nil {
		return answer{outcome: strange, fault: "the request does not fit an AJP packet"}
	}
	if _, err := l.Write(packet); err != nil {
		// The peer may have refused before the end of a large packet.
		a := x.answer(l)
		if a.outcome != answered {
			a.outcome = outcomeOf(err, nil)
		}
		a.took = time.Since(start)
		return a
	}
	a := x.answer(l)
	if a.took = time.Since(start); a.outcome == silent {
		a.fault = "no answer within " + set(x.s.Answer)
	}
	return a
}

// answer reads one answer.
func (x *exam) answer(l *line) (a answer) {
	var head ajp.ResponseHead
	for limit := l.total + maxAnswer; l.total < limit; {
		payload, err := l.next()
		if err != nil {
			if a.outcome == answered {
				return a
			}
			if _, bad := err.(ajp.Error); !bad {
				a.outcome = outcomeOf(err, nil) // perhaps amid a packet
				return a
			}
			a.outcome, a.heard = strange, clip(l.unread())
			a.fault = "answered in " + string(sniff(a.heard))
			return a
		}
		x.signs.largest = max(x.signs.largest, len(payload)+ajp.HeadLen)
		switch ajp.Type(payload[0]) {
		case ajp.SendHeaders:
			if err := head.Parse(payload); err != nil {
				return answer{outcome: strange, heard: clip(payload), fault: "the answer is no AJP"}
			}
			a.outcome, a.status = answered, head.Status
			for i := range head.Fields {
				if head.Fields[i].Code == ajp.RespLocation {
					a.location = string(head.Fields[i].Value)
				}
			}
		case ajp.SendBodyChunk:
			if chunk, err := ajp.ParseChunk(payload); err == nil {
				a.body = append(a.body, chunk[:min(len(chunk), health.MaxBody-len(a.body))]...)
			}
		case ajp.GetBodyChunk:
			if want, err := ajp.ParseGetBody(payload); err == nil {
				x.signs.asked = want + ajp.BodyHeadLen
			}
			if _, err := l.Write(ajp.EmptyBody); err != nil {
				return a
			}
		case ajp.EndResponse:
			reuse, err := ajp.ParseEnd(payload)
			a.end, a.reuse = err == nil, reuse
			if a.outcome != answered {
				a.outcome, a.fault = strange, "the answer ended without a status"
			}
			return a
		}
	}
	return a
}

// packet builds the GET. The secret comes right behind the headers, where both
// httpd modules put it (ajp13.md 2.5).
func (x *exam) packet(l *line, q question) ([]byte, error) {
	host := q.host
	if host == "" {
		host = x.s.authority()
	}
	start, query := ajp.ProbeLine(host, x.s.path(), l.LocalAddr())
	build := func(pad int) ([]byte, error) {
		var w ajp.Writer
		w.Begin(nil, x.s.Packet, &start)
		w.HeaderCode(ajp.ReqHost, []byte(host))
		w.HeaderCode(ajp.ReqUserAgent, []byte("catherd-probe"))
		// Without the field an application that reads is let to ask, and the
		// question tells Tomcat's packet size (ajp13.md 1.3).
		if q.body > 0 {
			w.HeaderCode(ajp.ReqContentLength, strconv.AppendInt(nil, int64(q.body), 10))
		}
		if pad >= 0 {
			w.Header([]byte("x-catherd-padding"), bytes.Repeat([]byte("x"), pad))
		}
		if q.secret && x.s.Secret != "" {
			w.Attr(ajp.AttrSecret, []byte(x.s.Secret))
		}
		if query != nil {
			w.Attr(ajp.AttrQuery, query)
		}
		if q.usual {
			w.ReqAttr(ajp.NameRemotePort, []byte("1"))
			w.ReqAttr(ajp.NameLocalAddr, start.RemoteAddr)
			w.ReqAttr(ajp.NameActivation, []byte("ACT"))
		}
		for _, name := range q.attributes {
			w.ReqAttr(name, []byte("probe"))
		}
		return w.End()
	}
	if q.size == 0 {
		return build(-1)
	}
	short, err := build(0)
	if err != nil || len(short) > q.size {
		return nil, ajp.ErrTooLarge
	}
	return build(q.size - len(short))
}
