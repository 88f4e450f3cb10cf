package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/health"
	"github.com/catherd/catherd/controlplane/learned"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/controlplane/scenario"
	"github.com/catherd/catherd/dataplane/table"
)

var noon = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

func load(t *testing.T, name string) *config.Config {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(name, data, nil, config.Options{})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return c
}

// stage is what a scenario has set up.
type stage struct {
	t    *testing.T
	in   Inputs
	prev *table.Table
	last Report
}

func (s *stage) id(name string) table.ID {
	pool, member, ok := strings.Cut(name, "/")
	p := s.in.Config.Pool(pool)
	if !ok || p == nil || p.Member(member) == nil {
		s.t.Fatalf("no member %q", name)
	}
	return ID(pool, p.Member(member))
}

// TestScenarios plays testdata/*.txt. Commands:
//
//	config FILE                              the configuration, and a start from nothing
//	reload FILE                              another one on top of it
//	wait DURATION
//	health POOL/MEMBER up|down|late|status|answers|shaky|silent|drained|leaving|new [SHARE%] [ok=AGO] TEXT
//	                                         down: refused; late, status: down like that; answers: down,
//	                                         and a first good probe; ok: when the last good probe was
//	beacon POOL/MEMBER READY BUSY            what its beacon says now of its threads
//	override POOL/MEMBER STATE|WEIGHT [DURATION] REASON
//	learned POOL/MEMBER ROUTE [hint]         now, unless it is the one that was learned already;
//	                                         hint: before it, or this process, was started
//	trip POOL/MEMBER DURATION
//	build                                    prints what the table says
//	explain METHOD PATH [host=H] [cookie=C]
func TestScenarios(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		s := &stage{t: t}
		return s.do
	})
}

func (s *stage) do(w []string) string {
	switch w[0] {
	case "config":
		s.in = Inputs{
			Now: noon, Config: load(s.t, w[1]),
			Health: map[table.ID]health.Verdict{}, Learned: learned.Routes{},
		}
		s.prev = nil
	case "reload":
		s.in.Config = load(s.t, w[1])
	case "wait":
		d, err := time.ParseDuration(w[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.in.Now = s.in.Now.Add(d)
	case "health":
		v := health.Verdict{State: health.Up, Since: s.in.Now, At: s.in.Now, Share: 100, Text: strings.Join(w[3:], " ")}
		if n, ok := strings.CutSuffix(w[3], "%"); ok {
			v.Share, _ = strconv.Atoi(n)
			v.Text = strings.Join(w[4:], " ")
		}
		for i, word := range w {
			if ago, ok := strings.CutPrefix(word, "ok="); ok {
				d, err := time.ParseDuration(ago)
				if err != nil {
					s.t.Fatal(err)
				}
				v.OKAt = s.in.Now.Add(-d)
				v.Text = strings.Join(w[i+1:], " ")
			}
		}
		opine(&v, w[2])
		s.in.Health[s.id(w[1])] = v
	case "beacon":
		v := s.in.Health[s.id(w[1])]
		v.Beacon = s.in.Now
		v.Ready, _ = strconv.Atoi(w[2])
		v.Busy, _ = strconv.Atoi(w[3])
		s.in.Health[s.id(w[1])] = v
	case "override":
		pool, member, _ := strings.Cut(w[1], "/")
		o := overrides.Override{Pool: pool, Member: member, State: overrides.State(w[2]), Owner: "root", Since: s.in.Now}
		if d, err := time.ParseDuration(w[3]); err == nil {
			o.Until = s.in.Now.Add(d)
			w = w[1:]
		}
		o.Reason = strings.Join(w[3:], " ")
		if n, err := strconv.Atoi(string(o.State)); err == nil {
			o.State, o.Weight = "", n
			s.in.Overrides = overrides.PutWeight(s.in.Overrides, o, 0)
			return ""
		}
		s.in.Overrides = overrides.Put(s.in.Overrides, o, "")
	case "learned":
		id := s.id(w[1])
		r := learned.Route{Name: w[2], At: s.in.Now, Hint: len(w) > 3}
		if was, ok := s.in.Learned[id]; ok && was.Name == r.Name {
			r.At = was.At
		}
		s.in.Learned[id] = r
	case "trip":
		d, err := time.ParseDuration(w[2])
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range s.prev.Pools {
			for i := range p.Members {
				if p.Members[i].ID == s.id(w[1]) {
					p.Members[i].Live.Trip(s.in.Now.Add(d).UnixNano())
				}
			}
		}
	case "build":
		return s.build()
	case "explain":
		q := Question{Method: w[1], Path: w[2]}
		for _, x := range w[3:] {
			if h, ok := strings.CutPrefix(x, "host="); ok {
				q.Host = h
			}
			if c, ok := strings.CutPrefix(x, "cookie="); ok {
				q.Cookies = append(q.Cookies, c)
			}
		}
		report := Judge(s.in)
		e := Explain(s.prev, &report, q, s.in.Now)
		return strings.Join(e.Text, "\n")
	default:
		s.t.Fatalf("unknown command %q", w[0])
	}
	return ""
}

// opine makes the verdict the one that the word stands for.
func opine(v *health.Verdict, word string) {
	switch word {
	case "down", "late", "status", "answers":
		v.State, v.Row, v.Need = health.Down, 3, 3
		v.Fail = map[string]health.Fail{"down": health.Refused, "late": health.Late, "status": health.BadStatus}[word]
		if word == "answers" {
			v.OK, v.Row, v.Need = true, 1, 2
		}
	case "shaky":
		v.State, v.Row, v.Need = health.Shaky, 1, 3
	case "silent", "drained":
		v.State, v.OK, v.Silent = health.Shaky, true, v.At.Add(-12*time.Second)
		v.OnlySessions = word == "drained"
	case "leaving":
		v.State, v.Stop = health.Leaving, v.At
	case "new":
		v.State, v.Hold, v.At = health.Checking, true, time.Time{}
	}
}

func (s *stage) build() string {
	t, r, err := Build(s.in, s.prev)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	if s.prev != nil && Fingerprint(t) == Fingerprint(s.prev) {
		b.WriteString("says nothing new\n")
		t = s.prev
	} else {
		s.prev = t
		fmt.Fprintf(&b, "version %d\n", t.Version)
	}
	for i, p := range t.Pools {
		fmt.Fprintf(&b, "pool %s %s sticky %s: %d fresh, %d usable\n", p.Name, r.Pools[i].Balance, r.Pools[i].Sticky, r.Pools[i].Fresh, r.Pools[i].Usable)
		for k := range p.Members {
			m, rm := &p.Members[k], &r.Pools[i].Members[k]
			takes := [...]string{table.Everything: "everything", table.OnlySessions: "sessions", table.Nothing: "nothing"}[m.Take]
			fmt.Fprintf(&b, "  %-14s route %-8q weight %-3d %-10s %-8s %s\n", m.Name, m.Route, m.Weight, takes, rm.State, rm.Why)
		}
	}
	for _, n := range r.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}
