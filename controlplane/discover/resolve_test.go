package discover

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/scenario"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const group = "228.0.0.4:45564"

// stage is what a scenario has set up.
type stage struct {
	t   *testing.T
	cfg *config.Config
	in  Inputs
}

// TestScenarios plays testdata/*.txt. Commands:
//
//	config YAML                        the configuration, in one line
//	hear RECEIVER [group=G] [domain=D] [from=A] [says=RECEIVER] [stray|silent|leaving]
//	forget RECEIVER                    it is not listed any longer
//	beacon HOST:PORT READY BUSY
//	answer ADDRESS ajp|http|refused|mute|other|unknown
//	owner RECEIVER ADDRESS...          its process listens there
//	local ADDRESS...
//	dns POOL NAME SCHEME ADDRESS...
//	list POOL FILE [NAME=URL]...
//	serving POOL/MEMBER [no]
//	wait DURATION
//	resolve                            prints the result
//
// Each resolve is repeated with its own result, which must change nothing, and
// with everything heard in another order.
func TestScenarios(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		s := &stage{t: t, in: Inputs{
			Now: noon, Answers: map[netip.AddrPort]Answer{}, Owners: map[netip.AddrPort][]netip.AddrPort{}, Serving: map[Key]bool{},
		}}
		return s.do
	})
}

var answers = map[string]Answer{"unknown": Unknown, "ajp": AJP, "http": HTTP, "refused": Refused, "mute": Mute, "other": Other}

func (s *stage) do(w []string) string {
	s.t.Helper()
	switch w[0] {
	case "config":
		c, ps := config.Load("test.yaml", []byte("{"+strings.Join(w[1:], " ")+"}"), nil, config.Options{})
		if c == nil {
			s.t.Fatal(ps)
		}
		s.cfg = c
	case "hear":
		s.hear(w[1:])
	case "forget":
		at := netip.MustParseAddrPort(w[1])
		s.in.Heard = slices.DeleteFunc(s.in.Heard, func(h Heard) bool { return h.Receiver == at })
	case "beacon":
		at := netip.MustParseAddrPort(w[1])
		s.in.Beacons = slices.DeleteFunc(s.in.Beacons, func(b Beacon) bool { return b.Host == at.Addr() && b.Port == at.Port() })
		s.in.Beacons = append(s.in.Beacons, Beacon{at.Addr(), at.Port(), number(s.t, w[2]), number(s.t, w[3]), s.in.Now})
	case "answer":
		s.in.Answers[netip.MustParseAddrPort(w[1])] = answers[w[2]]
	case "owner":
		s.in.Owners[netip.MustParseAddrPort(w[1])] = addrs(w[2:])
	case "local":
		for _, a := range w[1:] {
			s.in.Local = append(s.in.Local, netip.MustParseAddr(a))
		}
	case "dns":
		s.in.Names = slices.DeleteFunc(s.in.Names, func(n Named) bool { return n.Pool == w[1] && n.Name == w[2] })
		s.in.Names = append(s.in.Names, Named{w[1], w[2], w[3], addrs(w[4:])})
	case "list":
		l := Listed{Pool: w[1], File: w[2]}
		for _, x := range w[3:] {
			name, url, _ := strings.Cut(x, "=")
			ms, ps := config.LoadMembers(w[2], []byte("members: {"+name+": \""+url+"\"}"), nil)
			if ms == nil {
				s.t.Fatal(ps)
			}
			l.Members = append(l.Members, ms...)
		}
		s.in.Files = []Listed{l}
	case "serving":
		pool, member, _ := strings.Cut(w[1], "/")
		s.in.Serving[Key{pool, member}] = len(w) == 2
	case "wait":
		d, err := time.ParseDuration(w[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.in.Now = s.in.Now.Add(d)
	case "resolve":
		return s.resolve()
	default:
		s.t.Fatalf("unknown command %q", w[0])
	}
	return ""
}

func (s *stage) hear(w []string) {
	h := Heard{Receiver: netip.MustParseAddrPort(w[0]), Group: group, LastHeard: s.in.Now}
	h.Source = h.Receiver.Addr()
	for _, x := range w[1:] {
		key, value, _ := strings.Cut(x, "=")
		switch key {
		case "group":
			h.Group = value
		case "domain":
			h.Domain = value
		case "from":
			h.Source = netip.MustParseAddr(value)
		case "says":
			h.Advertised = netip.MustParseAddrPort(value)
		case "stray":
			h.Stray = true
		case "silent":
			h.State = Silent
		case "leaving":
			h.State = Leaving
		default:
			s.t.Fatalf("unknown word %q", x)
		}
	}
	s.in.Heard = slices.DeleteFunc(s.in.Heard, func(o Heard) bool { return o.Receiver == h.Receiver && o.Group == h.Group })
	s.in.Heard = append(s.in.Heard, h)
}

func (s *stage) resolve() string {
	res := Resolve(s.cfg, s.in)
	s.in.Prev = res.Found
	again := Resolve(s.cfg, s.in)
	s.same("fed back", res, again)
	if len(again.Moves) > 0 {
		s.t.Errorf("fed back, members move again: %v", again.Moves)
	}
	turned := s.in
	turned.Heard = slices.Clone(s.in.Heard)
	slices.Reverse(turned.Heard)
	turned.Names = slices.Clone(s.in.Names)
	s.same("in another order", again, Resolve(s.cfg, turned))
	return print(s.cfg, res)
}

func (s *stage) same(what string, a, b Result) {
	s.t.Helper()
	if !slices.Equal(a.Found, b.Found) || !slices.Equal(a.Matches, b.Matches) || !slices.Equal(a.Waiting, b.Waiting) ||
		!slices.Equal(a.Nobody, b.Nobody) || !reflect.DeepEqual(a.Findings, b.Findings) || !slices.Equal(a.Candidates, b.Candidates) ||
		a.Config.Digest() != b.Config.Digest() || !a.Next.Equal(b.Next) {
		s.t.Errorf("%s, the result differs:\n%s---\n%s", what, print(s.cfg, a), print(s.cfg, b))
	}
}

func print(cfg *config.Config, r Result) string {
	var b strings.Builder
	for i := range r.Config.Pools {
		p := &r.Config.Pools[i]
		for k := range p.Members {
			m := &p.Members[k]
			origin := r.Config.Origin("pools." + p.Name + ".members." + m.Name + ".url")
			if cfg.Pool(p.Name).Member(m.Name) != nil {
				continue // the file's own members are not news
			}
			http := ""
			if !m.HTTP.IsZero() {
				http = " and " + m.HTTP.String()
			}
			fmt.Fprintf(&b, "member   %s/%s %s%s, %s\n", p.Name, m.Name, m.URL, http, origin)
		}
	}
	for _, m := range r.Moves {
		fmt.Fprintf(&b, "moved    %s/%s to %s\n", m.From.Pool, m.From.Name, m.To.Name)
	}
	for _, m := range r.Matches {
		sure := ""
		if !m.Sure {
			sure = ", a guess"
		}
		where := ""
		if m.Group != group {
			where = " in " + m.Group
		}
		fmt.Fprintf(&b, "match    %s%s is %s/%s by %s%s\n", m.Receiver, where, m.Pool, m.Member, m.By, sure)
	}
	for _, u := range r.Waiting {
		fmt.Fprintf(&b, "waiting  %s for %s: %s\n", u.Receiver, u.Pool, u.Why)
	}
	for _, u := range r.Nobody {
		fmt.Fprintf(&b, "nobody's %s: %s\n         %s: {%s}\n", u.Receiver, u.Why, u.Under, u.Line)
	}
	for _, c := range r.Candidates {
		want := map[Answer]string{AJP: "AJP", HTTP: "HTTP", Unknown: "AJP or HTTP"}[c.Want]
		fmt.Fprintf(&b, "ask      %s for %s\n", c.Addr, want)
	}
	for _, l := range r.Loads {
		fmt.Fprintf(&b, "load     %s/%s %d busy, %d ready\n", l.Pool, l.Member, l.Busy, l.Ready)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "finding  %s\n         %s\n", f.What, f.Cure)
	}
	if !r.Next.IsZero() {
		fmt.Fprintf(&b, "next     %s\n", r.Next.Format("15:04"))
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}

func addrs(words []string) []netip.AddrPort {
	out := []netip.AddrPort{}
	for _, x := range words {
		out = append(out, netip.MustParseAddrPort(x))
	}
	return out
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
