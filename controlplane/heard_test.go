package controlplane

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/tribes"
)

func receiver(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// What is heard is shown with the member behind it, or with why there is none.
func TestGroups(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	node := func(at string) tribes.Node {
		return tribes.Node{
			Receiver: receiver(at), Advertised: receiver(at), Source: receiver("10.0.0.9:45564"),
			ID:    tribes.ID{0x4f, 0x1c, 15: 0x09},
			State: tribes.Alive, LastHeard: now.Add(-400 * time.Millisecond), Age: time.Minute,
			Beats: 7, Interval: 500 * time.Millisecond, Confirmed: true, Incarnations: 2,
		}
	}
	const one, two = "228.0.0.4:45564", "228.0.0.5:45564"
	sights := []tribes.GroupSight{
		{Group: one, Nodes: []tribes.Node{node("10.0.0.1:4000"), node("10.0.0.2:4000"), node("10.0.0.3:4000"), node("10.0.0.4:4000"), node("10.0.0.5:4000")},
			Others: []tribes.Node{node("10.0.0.6:4000")}, Facts: tribes.Facts{Interface: "eth0", Joined: true, Filter: "on", Datagrams: 9, Lost: 2, Refused: 1}},
		{Group: two, Nodes: []tribes.Node{node("10.0.0.1:4000")}, Facts: tribes.Facts{Problem: "interface eth0 is gone"}},
	}
	r := discover.Result{
		Matches: []discover.Match{
			{Receiver: receiver("10.0.0.1:4000"), Group: one, Pool: "app", Member: "guess", By: discover.ByHost},
			{Receiver: receiver("10.0.0.1:4000"), Group: one, Pool: "shop", Member: "a", By: discover.ByReceiver, Sure: true},
			{Receiver: receiver("10.0.0.2:4000"), Group: one, Pool: "app", Member: "b", By: discover.ByOffset, Sure: true},
		},
		Waiting: []discover.Unrouted{{Receiver: receiver("10.0.0.3:4000"), Group: one, Pool: "app", Why: "10.0.0.3:8009 refuses connections"}},
		Nobody: []discover.Unrouted{
			{Receiver: receiver("10.0.0.4:4000"), Group: one, Why: "nobody's", Under: "pools.app.members", Line: "x: {}"},
			{Receiver: receiver("10.0.0.5:4000"), Group: "beacon", Why: "a beacon of the same address is another matter"},
		},
	}
	got := groups(now, sights, &r)
	text := ""
	for _, g := range got {
		text += fmt.Sprintf("%s on %q joined %t %q: matched %d waiting %d nobody %d others %d\n", g.Group, g.Interface, g.Joined, g.Problem, g.Matched, g.Waiting, g.Nobody, g.Others)
		for _, n := range g.Nodes {
			text += fmt.Sprintf("  %s %s %s %s by %q sure %t also %v", n.Receiver, n.ID, n.State, n.Name(), n.By, n.Sure, n.Also)
			if n.Unmatched != nil {
				text += fmt.Sprintf(" %+v", *n.Unmatched)
			}
			text += "\n"
		}
	}
	const want = `228.0.0.4:45564 on "eth0" joined true "": matched 2 waiting 1 nobody 2 others 1
  10.0.0.1:4000 4f1c..09 alive shop/a by "receiver" sure true also [app/guess]
  10.0.0.2:4000 4f1c..09 alive app/b by "port_offset" sure true also []
  10.0.0.3:4000 4f1c..09 alive  by "" sure false also [] {Pool:app Why:10.0.0.3:8009 refuses connections Under: Line:}
  10.0.0.4:4000 4f1c..09 alive  by "" sure false also [] {Pool: Why:nobody's Under:pools.app.members Line:x: {}}
  10.0.0.5:4000 4f1c..09 alive  by "" sure false also [] {Pool: Why:it has just been heard Under: Line:}
228.0.0.5:45564 on "" joined false "interface eth0 is gone": matched 0 waiting 0 nobody 1 others 0
  10.0.0.1:4000 4f1c..09 alive  by "" sure false also [] {Pool: Why:it has just been heard Under: Line:}
`
	if text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	n := got[0].Nodes[0]
	if n.Ago != 0.4 || n.Age != 60 || n.Interval != 0.5 || n.Heartbeats != 7 || n.Incarnations != 2 || n.Once || got[0].Datagrams != 9 || got[0].Filter != "on" {
		t.Errorf("%+v", n)
	}
}

func TestBeacons(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	list := []discover.Beacon{
		{Host: netip.MustParseAddr("10.0.0.1"), Port: 8009, Ready: 180, Busy: 20, At: now.Add(-time.Second)},
		{Host: netip.MustParseAddr("10.0.0.2"), Port: 8009, Ready: -1, Busy: -1, At: now},
		{Host: netip.MustParseAddr("10.0.0.3"), Port: 8009, At: now},
	}
	r := discover.Result{
		Loads:  []discover.Load{{Pool: "app", Member: "a", Connector: receiver("10.0.0.1:8009")}},
		Nobody: []discover.Unrouted{{Receiver: receiver("10.0.0.2:8009"), Group: "beacon", Why: "no pool takes it"}, {Receiver: receiver("10.0.0.3:8009"), Group: "228.0.0.4:45564"}},
	}
	got := beacons(now, list, &r)
	if len(got) != 3 || got[0].Connector != "10.0.0.1:8009" || got[0].Member != "a" || got[0].Ago != 1 || got[0].Ready != 180 ||
		got[1].Unmatched == nil || got[1].Unmatched.Why != "no pool takes it" || got[1].Ready != -1 || got[2].Unmatched != nil {
		t.Errorf("%+v", got)
	}
}

// The worst comes first, whoever found it.
func TestFindingsAreInOrder(t *testing.T) {
	got := findings(
		[]tribes.Finding{{Severity: tribes.Critical, Code: "x", Group: "g", What: "bad"}, {Severity: tribes.Info, Code: "y", What: "odd"}},
		[]discover.Finding{{Subject: "app/a", What: "twice", Cure: "once"}})
	var list []string
	for _, f := range got {
		list = append(list, f.Severity+" "+f.Code+" "+f.What)
	}
	if text := strings.Join(list, ", "); text != "critical x bad, warning discovery twice, info y odd" {
		t.Error(text)
	}
}

// Who stops on purpose is worth a word. A critical finding is trouble, a lesser
// one is not.
func TestSentenceOfTheCluster(t *testing.T) {
	f := func(want string, attention bool, findings []string, states ...compile.State) {
		t.Helper()
		s := admin.Status{InSync: true}
		for _, severity := range findings {
			s.Findings = append(s.Findings, admin.Finding{Severity: severity})
		}
		r := compile.Report{Pools: []compile.PoolReport{{Name: "app", Usable: 1}}}
		for i, state := range states {
			r.Pools[0].Members = append(r.Pools[0].Members, compile.MemberReport{Name: string(rune('a' + i)), State: state})
		}
		if got, a := sentence(&s, &r); got != want || a != attention {
			t.Errorf("%q %t, want %q %t", got, a, want, attention)
		}
	}
	f("all well", false, nil, compile.Ready, compile.Shaky)
	f("1 of 3 members stopping (b)", false, nil, compile.Ready, compile.Leaving, compile.Ready)
	f("1 of 3 members down (c); 1 of 3 members stopping (b)", true, nil, compile.Ready, compile.Leaving, compile.Down)
	f("2 critical findings", true, []string{"critical", "warning", "critical"}, compile.Ready)
	f("1 critical finding; 1 of 1 member stopping (a)", true, []string{"critical"}, compile.Leaving)
	f("all well", false, []string{"warning", "info"}, compile.Ready)
}

// Members say where they are from, a file of members has a state, and a path is
// a beacon's only when the file says so.
func TestStatusOfSources(t *testing.T) {
	const file = `
listen: 8080
pools:
  app:
    members:
      a: ajp://127.0.0.1:8009
`
	play(t, file, nil, func(w *world) {
		s := w.c.Status()
		if m := s.Member("app", "a"); m.Origin != "catherd.yaml:6" || m.Node != "" {
			t.Errorf("from %q, node %q", m.Origin, m.Node)
		}
		if s.Groups == nil || s.Beacons == nil || s.Sources == nil || s.Findings == nil {
			t.Errorf("null in JSON: %+v", s)
		}
		if _, is := w.c.Beacons("/HeartbeatListener"); is {
			t.Error("a beacon without beacon_path")
		}
		if _, is := w.c.Beacons(""); is {
			t.Error("a beacon at no path")
		}
	})
}
