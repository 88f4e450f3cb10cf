package doctor

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/catherd/catherd/ajp"
	"github.com/catherd/catherd/controlplane/health"
)

// The values of Subject.Protocol.
const (
	AJP   = "ajp"
	HTTP  = "http"
	HTTPS = "https"
)

// Subject is what is examined, and what the balancer would ask of it. Every
// field but Protocol and Addr may be left at its zero value.
type Subject struct {
	Protocol string // AJP, HTTP or HTTPS
	Addr     string // host:port
	Secret   string // AJP secret; "" for none

	Packet  int           // our AJP packet size in bytes; 0 means 8192
	KeepFor time.Duration // how long we keep an unused connection; 0 means 60 s
	Max     int           // most connections we open at a time; 0 means no limit

	Path   string  // path and query of the health request; "" asks for / and judges nothing
	Host   string  // its Host field; "" means Addr
	Expect []Range // statuses that mean well; empty means 200 to 399
	Body   string  // what the body must have, as health.Request.Body; "" means anything

	// Attributes are names of request attributes that the application is to
	// get, besides those that every Tomcat admits.
	Attributes []string

	Connect  time.Duration // time-out of a connect; 0 means 1 s
	Ping     time.Duration // time-out of a CPING; 0 means 1 s
	Answer   time.Duration // time-out of a request; 0 means 2 s
	Patience time.Duration // how long a late CPONG is waited for; 0 means 2.5 s, 10 s with Deep
	Hold     time.Duration // how long an unused connection is watched; 0 means 3 s, or KeepFor when that is shorter or with Deep

	// Deep also looks for limits: up to 256 connections, and for a moment as
	// many requests, but never more than Max; and it watches unused
	// connections for the whole of KeepFor, at most two minutes.
	Deep bool

	// Dial replaces the plain TCP dialler in tests; nil uses net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Range is a range of status codes, both ends included.
type Range struct{ From, To int }

// Limits of one examination, see Subject.
const (
	usualBudget = 5 * time.Second
	usualHold   = 3 * time.Second
	longestHold = 2 * time.Minute
	smallCrowd  = 8
	largeCrowd  = 256
)

// complete fills in the defaults.
func (s Subject) complete() Subject {
	fill := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	if s.Packet < ajp.MinPacket {
		s.Packet = ajp.DefaultPacket
	}
	s.Packet = min(s.Packet, ajp.MaxPacket)
	fill(&s.KeepFor, time.Minute)
	fill(&s.Connect, time.Second)
	fill(&s.Ping, time.Second)
	fill(&s.Answer, 2*time.Second)
	if s.Deep {
		fill(&s.Patience, 10*time.Second)
		fill(&s.Hold, s.KeepFor+time.Second)
		s.Hold = min(s.Hold, longestHold)
	} else {
		fill(&s.Patience, 2500*time.Millisecond)
		// What we would have closed ourselves needs no watching.
		fill(&s.Hold, min(usualHold, s.KeepFor+200*time.Millisecond))
	}
	s.Patience = max(s.Patience, s.Ping)
	if s.Dial == nil {
		// MPTCP is off as in the data path.
		d := &net.Dialer{}
		d.SetMultipathTCP(false)
		s.Dial = d.DialContext
	}
	return s
}

// budget is the time of the whole examination: five seconds, unless one of the
// time-outs alone is longer.
func (s *Subject) budget() time.Duration {
	b := max(usualBudget, s.Connect+s.Patience+time.Second, s.Connect+s.Ping+s.Answer+time.Second)
	if s.Deep {
		b += s.Hold + 30*time.Second
	}
	return b
}

// crowd is how many connections may be opened at a time.
func (s *Subject) crowd() int {
	n := smallCrowd
	if s.Deep {
		n = largeCrowd
	}
	if s.Max > 0 {
		n = min(n, s.Max)
	}
	return n
}

// judged says whether the status of the request matters.
func (s *Subject) judged() bool { return s.Path != "" }

// path is what is asked for.
func (s *Subject) path() string {
	if s.Path == "" {
		return "/"
	}
	return s.Path
}

// authority is the Host field.
func (s *Subject) authority() string {
	if s.Host != "" {
		return s.Host
	}
	return s.Addr
}

// expects says whether a status means well.
func (s *Subject) expects(status int) bool {
	for _, r := range s.Expect {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return len(s.Expect) == 0 && 200 <= status && status <= 399
}

// lacks says in words what the body of an answer with a good status does not have;
// "" when it is as it should be, or nothing is judged.
func (s *Subject) lacks(a *answer) string {
	if !s.judged() || !s.expects(a.status) {
		return ""
	}
	return health.Lacks(s.Body, a.body)
}

// wanted is expects in words.
func (s *Subject) wanted() string {
	if len(s.Expect) == 0 {
		return "200-399"
	}
	var parts []string
	for _, r := range s.Expect {
		if r.From == r.To {
			parts = append(parts, strconv.Itoa(r.From))
		} else {
			parts = append(parts, strconv.Itoa(r.From)+"-"+strconv.Itoa(r.To))
		}
	}
	return strings.Join(parts, ", ")
}
