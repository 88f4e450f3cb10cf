package balance

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/catherd/catherd/dataplane/sticky"
	"github.com/catherd/catherd/dataplane/table"
)

var rewrite = flag.Bool("rewrite", false, "write what the code answers into testdata")

const second = int64(1_000_000_000)

var policies = map[string]table.Policy{
	"round-robin":     table.RoundRobin,
	"least-busy":      table.LeastBusy,
	"least-traffic":   table.LeastTraffic,
	"fewest-sessions": table.FewestSessions,
	"hash":            table.Hash,
}

// scenario runs the lines of one case.
type scenario struct {
	t      *testing.T
	pool   *table.Pool
	sealed bool
	now    int64
}

func (s *scenario) find(name string) int {
	for i := range s.pool.Members {
		if s.pool.Members[i].Name == name {
			return i
		}
	}
	s.t.Fatalf("there is no member %q", name)
	return 0
}

func (s *scenario) number(v string) int64 {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		s.t.Fatalf("%q is no number", v)
	}
	return n
}

func take(v string) table.Take {
	return map[string]table.Take{"everything": table.Everything, "sessions": table.OnlySessions, "nothing": table.Nothing}[v]
}

func (s *scenario) member(f []string) {
	m := table.Member{Name: f[0], Route: f[0], Weight: 1}
	for _, kv := range f[1:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "route":
			m.Route = v
		case "domain":
			m.Domain = v
		case "redirect":
			m.Redirect = v
		case "distance":
			m.Distance = uint16(s.number(v))
		case "weight":
			m.Weight = uint32(s.number(v))
		case "take":
			m.Take = take(v)
		case "role":
			m.Role = map[string]table.Role{"spare": table.Spare, "standby": table.Standby}[v]
		default:
			s.t.Fatalf("member: unknown %q", kv)
		}
	}
	s.pool.Members = append(s.pool.Members, m)
}

func (s *scenario) set(f []string) {
	m := &s.pool.Members[s.find(f[0])]
	k, v, _ := strings.Cut(f[1], "=")
	switch k {
	case "take":
		m.Take = take(v)
	case "trip":
		m.Live.Trip(s.number(v) * second)
	case "busy":
		m.Live.InFlight.Store(s.number(v))
		m.Live.Guests.Store(s.number(v))
	case "sessions":
		m.Live.InFlight.Store(s.number(v))
	case "bytes":
		m.Live.Traffic.Set(uint64(s.number(v)), s.now)
	case "starts":
		m.Live.Starts.Set(uint64(s.number(v))*startUnit, s.now)
	default:
		s.t.Fatalf("set: unknown %q", f[1])
	}
}

func (s *scenario) pick(f []string) string {
	r := Request{Now: s.now}
	times := 1
	for _, arg := range f {
		k, v, _ := strings.Cut(arg, "=")
		switch k {
		case "route":
			r.HasSession, r.Session = true, sticky.Session{ID: []byte("X"), Route: []byte(v)}
		case "key":
			r.HashKey = []byte(v)
		case "tried":
			r.Tried = new(Tried)
			for _, name := range strings.Split(v, ",") {
				r.Tried.Add(s.find(name))
			}
		case "dry":
			r.Dry = true
		case "times":
			times = int(s.number(v))
		default:
			s.t.Fatalf("pick: unknown %q", arg)
		}
	}
	var names []string
	for range times {
		m, outcome, why := Pick(s.pool, &r)
		switch {
		case m == nil:
			return fmt.Sprintf("nobody: %s (%s)", why, outcome)
		case times == 1 && why == Forced:
			return m.Name + " " + outcome.String() + ", " + why.String()
		case times == 1:
			return m.Name + " " + outcome.String()
		}
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

func TestPickScenarios(t *testing.T) {
	const file = "testdata/pick.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	var s *scenario
	name, asked := "", 0
	for i, line := range lines {
		input, _, _ := strings.Cut(line, " =>")
		f := strings.Fields(input)
		got := line
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "case":
			name = input
			_, opts, _ := strings.Cut(input, "|")
			o := strings.Fields(opts)
			s = &scenario{t: t, pool: &table.Pool{Name: "app", Policy: policies[o[0]]}}
			if len(o) > 1 && o[1] == "refuse" {
				s.pool.Sticky.OnLoss = table.Refuse
			}
		case f[0] == "member":
			s.member(f[1:])
		case f[0] == "set" || f[0] == "pick" || f[0] == "now":
			if !s.sealed {
				if err := s.pool.Seal(); err != nil {
					t.Fatal(err)
				}
				s.sealed = true
			}
			switch f[0] {
			case "set":
				s.set(f[1:])
			case "now":
				s.now = s.number(f[1]) * second
			case "pick":
				asked++
				got = input + " => " + s.pick(f[1:])
			}
		default:
			t.Fatalf("%s:%d: %q is no line of a scenario", file, i+1, line)
		}
		if got != line && !*rewrite {
			t.Errorf("%s:%d: %s\n got  %s\n want %s", file, i+1, name, got, line)
		}
		lines[i] = got
	}
	if asked == 0 {
		t.Fatal("the file asks nothing")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
