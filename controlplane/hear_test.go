package controlplane

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/discover"
	"github.com/catherd/catherd/controlplane/overrides"
	"github.com/catherd/catherd/dataplane/table"
)

const finding = `
listen: 8080
tribes: {group: "228.0.0.4:45564"}
pools:
  app:
    discover: {ajp_port: 8009}
    health: {every: 5s, slow_start: 0s}
`

const found = "10.0.0.1-8009"

// candidates makes connectors that are no members yet answer, or not.
func (w *world) candidates(answer bool) { w.set(func() { w.down[""] = !answer }) }

// takes is what the newest tables let a member take, one letter for each
// table that has it.
func (w *world) takes(name string) (text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tables {
		for i := range t.Pools[0].Members {
			if m := &t.Pools[0].Members[i]; m.Name == name {
				text += map[table.Take]string{table.Everything: "E", table.OnlySessions: "s", table.Nothing: "-"}[m.Take]
			}
		}
	}
	return text
}

// A node is heard, its connector answers, it proves itself, it serves. When it
// says that it stops it takes nothing; another JVM at its place begins anew.
func TestFoundMember(t *testing.T) {
	var ears *paperEars
	play(t, finding, onPaper(&ears), func(w *world) {
		digest := w.c.Status().ConfigDigest
		w.candidates(false)
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 3*time.Second, n)
		w.expect(w.published(), "1 tables, version 1:")
		s := w.c.Status()
		if len(s.Groups) != 1 || s.Groups[0].Waiting != 1 {
			t.Errorf("groups %+v", s.Groups)
		}
		_, seq := w.events(0)

		w.candidates(true)
		ears.beat(w, time.Second, n)
		// The first table that has it gives it nothing: a probe vouches first.
		w.expect(w.takes(found), "-E")
		seq = w.expectEvents(seq, "member added "+found, "member ready "+found)
		s = w.c.Status()
		m := s.Member("app", found)
		if m.Node != "10.0.0.1:4000" || !strings.Contains(m.Origin, "heard in "+group) || !strings.Contains(m.Why, "heard 0.") {
			t.Errorf("member %+v", m)
		}
		if s.ConfigDigest != digest || !s.InSync {
			t.Errorf("a found member changed the digest of the file: %s", s.ConfigDigest)
		}

		// A planned stop counts within its datagram.
		ears.hear("10.0.0.1:45564", n.member("BABY-ALEX"))
		w.settle()
		w.expect(w.takes(found), "-E-")
		if m := w.memberStatus(found); m.State != compile.Leaving {
			t.Errorf("after its word: %s, %s", m.State, m.Why)
		}
		kinds, last := w.events(seq)
		seq = last
		if !slices.Contains(kinds, "member leaving "+found) {
			t.Errorf("events %q", kinds)
		}
		w.set(func() { w.down[found] = true })
		ears.beat(w, 10*time.Second)
		if m := w.memberStatus(found); m.State != compile.Down {
			t.Errorf("when it has stopped: %s, %s", m.State, m.Why)
		}

		// Another JVM.
		w.set(func() { w.down[found] = false })
		again := &node{host: "10.0.0.1", id: 2, began: time.Now()}
		ears.beat(w, 2*time.Second, again)
		if m := w.memberStatus(found); m.State != compile.Ready {
			t.Errorf("its next JVM: %s, %s", m.State, m.Why)
		}
	})
}

// A stop that somebody else announces, and silence, are reasons to probe and no
// more.
func TestHearsay(t *testing.T) {
	var ears *paperEars
	play(t, finding, onPaper(&ears), func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 3*time.Second, n)
		w.expect(w.takes(found), "-E")
		probes := func() uint64 {
			for _, p := range w.c.runner.Probes() {
				return p.OK.Load()
			}
			return 0
		}
		before := probes()
		ears.hear("10.0.0.66:45564", n.member("BABY-ALEX"))
		w.settle()
		w.expect(w.takes(found), "-E")
		if after := probes(); after <= before {
			t.Errorf("%d probes before, %d after a forged stop", before, after)
		}
		w.pass(time.Second)
		before = probes()
		for range 8 { // nobody is heard, for four seconds
			ears.beat(w, 500*time.Millisecond)
		}
		m := w.memberStatus(found)
		if m.State != compile.Shaky || !strings.Contains(m.Why, "not heard for") || probes() <= before {
			t.Errorf("silent: %s, %s", m.State, m.Why)
		}
		w.expect(w.takes(found), "-E")
		ears.beat(w, time.Second, n)
		if m := w.memberStatus(found); m.State != compile.Ready {
			t.Errorf("heard again: %s, %s", m.State, m.Why)
		}
	})
}

// naming is a file whose members name their receivers.
const naming = `
listen: 8080
tribes: {group: "228.0.0.4:45564"}
pools:
  app:
    health: {every: 5s}
    members:
      a: {url: "ajp://10.0.0.1:8009", receiver: "10.0.0.1:4000"}
      b: {url: "ajp://10.0.0.2:8009", receiver: "10.0.0.2:4000"}
`

// A member that names its receiver is missed when its group has been listened
// to for long enough, and not before.
func TestMemberIsNotHeard(t *testing.T) {
	var ears *paperEars
	const words = "its heartbeats are not heard"
	play(t, naming, onPaper(&ears), func(w *world) {
		a := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 5*time.Second, a)
		if why := w.memberStatus("b").Why; strings.Contains(why, words) {
			t.Errorf("missed too early: %s", why)
		}
		ears.beat(w, 3*time.Second, a)
		if why := w.memberStatus("b").Why; !strings.Contains(why, words) {
			t.Errorf("b: %s", why)
		}
		if why := w.memberStatus("a").Why; strings.Contains(why, words) || !strings.Contains(why, "heard 0.") {
			t.Errorf("a: %s", why)
		}
		w.expect(w.published(), "1 tables, version 1: a=all b=all")
		b := &node{host: "10.0.0.2", id: 2, began: time.Now()}
		ears.beat(w, 2*time.Second, a, b)
		if why := w.memberStatus("b").Why; strings.Contains(why, words) {
			t.Errorf("b is heard: %s", why)
		}
	})
}

// What was asked of a member that is found waits for it: through a start, and
// through a reload.
func TestOverrideOfAMemberThatIsFoundLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	since := time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)
	err := overrides.Save(path, []overrides.Override{
		{Pool: "app", Member: found, State: overrides.Drain, Owner: "root", Since: since},
		{Pool: "app", Member: found, Weight: 7, Owner: "root", Since: since},
	})
	if err != nil {
		t.Fatal(err)
	}
	var ears *paperEars
	play(t, finding, func(o *Options) { onPaper(&ears)(o); o.OverridesPath = path }, func(w *world) {
		w.reload(finding + "log: warn\n")
		if kept := w.c.Status().Overrides; len(kept) != 2 {
			t.Fatalf("kept %v", kept)
		}
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 3*time.Second, n)
		w.expect(w.takes(found), "-s")
		if m := w.member(found); m.Weight != 7 {
			t.Errorf("weight %d", m.Weight)
		}
	})
}

// What was asked of a found member that does not come back can be changed and
// taken back, state and weight each for itself.
func TestOverrideOfAMemberThatHasGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	err := overrides.Save(path, []overrides.Override{
		{Pool: "app", Member: found, State: overrides.Drain, Owner: "root", Since: time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)},
		{Pool: "app", Member: found, Weight: 7, Owner: "root", Since: time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var ears *paperEars
	play(t, finding, func(o *Options) { onPaper(&ears)(o); o.OverridesPath = path }, func(w *world) {
		ask := func(a admin.Action) admin.ActionResult {
			t.Helper()
			a.Pool, a.Member, a.Owner = "app", found, "joe"
			r, err := w.c.SetMember(w.t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		_, seq := w.events(0)
		r := ask(admin.Action{State: overrides.Stop, For: time.Hour})
		if r.State != "" || r.Why != "it is not there now" || r.Override == nil || r.Override.State != overrides.Stop || r.WeightBy == nil || r.Weight != 7 {
			t.Errorf("stop: %+v", r)
		}
		r = ask(admin.Action{State: overrides.Ready})
		if r.Override != nil || r.WeightBy == nil {
			t.Errorf("ready: %+v", r)
		}
		r = ask(admin.Action{})
		if r.WeightBy != nil || r.Weight != 1 {
			t.Errorf("the weight taken back: %+v", r)
		}
		w.expectEvents(seq, "override set "+found, "override set "+found, "override ended "+found)
		if kept, err := overrides.Load(path); err != nil || len(kept) != 0 || len(w.c.Status().Overrides) != 0 {
			t.Errorf("kept %v, %v", kept, err)
		}
		// Nothing is asked of it any more: it is unknown like any other.
		_, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: found, State: overrides.Ready})
		var refusal *admin.Refusal
		if !errors.As(err, &refusal) || refusal.Status != 404 {
			t.Errorf("got %v", err)
		}
	})
}

// A reload that says nothing about hearing keeps found members; one after which
// nothing may be found removes them at once, and their overrides with them.
func TestReloadAndFoundMembers(t *testing.T) {
	var ears *paperEars
	play(t, finding, onPaper(&ears), func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 3*time.Second, n)
		kept := w.member(found).Live
		if r := w.reload(strings.Replace(finding, "every: 5s", "every: 4s", 1)); !r.Applied {
			t.Fatalf("result %+v", r)
		}
		if w.member(found).Live != kept {
			t.Error("a reload took the counters of a found member")
		}
		// Another group: what answers stays, although nobody is heard there.
		if r := w.reload(strings.Replace(finding, "228.0.0.4", "228.0.0.5", 1)); !r.Applied {
			t.Fatalf("result %+v", r)
		}
		w.settle()
		if m := w.memberStatus(found); m.Node != "" {
			t.Errorf("nobody is heard in the new group, and the member is node %s", m.Node)
		}
		if file, _ := w.load(); w.c.Status().ConfigDigest != file.Digest() {
			t.Error("the digest is not that of the file")
		}
		ears.beat(w, 10*time.Second)
		if takes := w.takes(found); !strings.HasSuffix(takes, "E") || w.member(found).Live != kept {
			t.Errorf("after a change of the group: %s", takes)
		}
		if _, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: found, State: overrides.Drain, Owner: "root"}); err != nil {
			t.Fatal(err)
		}
		_, seq := w.events(0)
		if r := w.reload(two); !r.Applied {
			t.Fatalf("result %+v", r)
		}
		if text := w.published(); !strings.HasSuffix(text, ": a=all b=all") {
			t.Error(text)
		}
		w.expectEvents(seq, "member added a", "member added b", "member removed "+found, "override ended "+found, "reload applied")
		w.settle()
		if s := w.c.Status(); len(s.Groups) != 0 || len(s.Overrides) != 0 || len(w.c.runner.Verdicts()) != 2 {
			t.Errorf("groups %v, overrides %v", s.Groups, s.Overrides)
		}
	})
}

// Beacons give a busy member less, and stop to when they are old.
func TestBeaconsAreLoad(t *testing.T) {
	var ears *paperEars
	file := strings.Replace(finding, "{ajp_port: 8009}", "{ajp_port: 8009}\n    members: {a: \"ajp://10.0.0.2:8009\"}", 1)
	play(t, file, onPaper(&ears), func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 3*time.Second, n)
		weights := func() [2]uint32 { return [2]uint32{w.member("a").Weight, w.member(found).Weight} }
		if weights() != [2]uint32{1, 1} {
			t.Errorf("weights %v", weights())
		}
		ears.beacon("10.0.0.1", 8009, 80, 120)
		ears.beat(w, 2*time.Second, n)
		if weights() != [2]uint32{10, 4} {
			t.Errorf("weights %v", weights())
		}
		m := w.memberStatus(found)
		if m.Share != 40 || !strings.Contains(m.Why, "40 % of its threads are free") {
			t.Errorf("share %d, %s", m.Share, m.Why)
		}
		ears.beat(w, 31*time.Second, n)
		if weights() != [2]uint32{1, 1} {
			t.Errorf("weights of an old beacon %v", weights())
		}
	})
}

// What was heard of a member's load goes with the member, also when nothing but
// beacons spoke for it.
func TestBeaconsAreForgotten(t *testing.T) {
	var ears *paperEars
	file := strings.Replace(finding, "{ajp_port: 8009}", "{ajp_port: 8009}\n    members: {a: \"ajp://10.0.0.2:8009\"}", 1)
	play(t, file, onPaper(&ears), func(w *world) {
		loads := func() (n int) {
			if err := w.c.do(w.t.Context(), func() { n = len(w.c.hear.loads) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		ears.beacon("10.0.0.2", 8009, 80, 120)
		w.pass(2 * time.Second)
		if n := loads(); n != 1 {
			t.Errorf("%d loads", n)
		}
		w.reload(strings.Replace(file, "10.0.0.2", "10.0.0.3", 1))
		w.pass(2 * time.Second)
		if n := loads(); n != 0 {
			t.Errorf("%d loads of members that are not there", n)
		}
	})
}

// What an operator says of a weight holds at once, beside a state, and ends.
func TestOperatorWeighs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides.json")
	keep := func(o *Options) { o.OverridesPath = path }
	weigh := func(w *world, n int, d time.Duration) admin.ActionResult {
		t.Helper()
		r, err := w.c.SetMember(w.t.Context(), admin.Action{Pool: "app", Member: "a", Weight: n, Owner: "root", For: d})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	play(t, two, keep, func(w *world) {
		_, seq := w.events(0)
		r := weigh(w, 5, 30*time.Minute)
		if r.Weight != 5 || r.WeightBy == nil || r.Override != nil || w.member("a").Weight != 5 || !strings.Contains(r.Why, "; weight 5 until ") {
			t.Errorf("result %+v", r)
		}
		if m := w.memberStatus("a"); m.Weight != 5 || m.FileWeight != 1 || m.WeightBy == nil {
			t.Errorf("status %+v", m)
		}
		seq = w.expectEvents(seq, "override set a")
		if s := w.c.Metrics(); s.Overrides["weight"] != 1 {
			t.Errorf("overrides %v", s.Overrides)
		}
		w.pass(30*time.Minute + 2*time.Second)
		if w.member("a").Weight != 1 {
			t.Error("the weight did not end")
		}
		seq = w.expectEvents(seq, "override ended a")
		weigh(w, 0, 0) // nothing to take back: nothing to tell
		seq = w.expectEvents(seq)
		weigh(w, 3, 0)
		w.reload(two)
		w.expectEvents(seq, "override set a", "reload applied")
	})
	play(t, two, keep, func(w *world) {
		if w.member("a").Weight != 3 {
			t.Error("the weight did not outlive the process")
		}
		_, seq := w.events(0)
		if r := weigh(w, 0, 0); r.Weight != 1 || r.WeightBy != nil {
			t.Errorf("result %+v", r)
		}
		w.expectEvents(seq, "override ended a")
	})
}

// A second forged stop has the member asked at once, though nobody reads of it.
func TestEveryForgedStopAsks(t *testing.T) {
	var ears *paperEars
	play(t, finding, onPaper(&ears), func(w *world) {
		n := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 8*time.Second, n)
		probes := func() (ok uint64) {
			for _, p := range w.c.runner.Probes() {
				ok += p.OK.Load()
			}
			return ok
		}
		for i := range 3 {
			before := probes()
			ears.hear("10.0.0.66:45564", n.member("BABY-ALEX"))
			w.settle()
			if after := probes(); after <= before {
				t.Errorf("forged stop %d: %d probes before, %d after", i, before, after)
			}
			ears.beat(w, 1500*time.Millisecond, n)
		}
		if kinds, _ := w.events(0); strings.Count(strings.Join(kinds, "\n"), "member shaky") > 1 {
			t.Errorf("events %q", kinds)
		}
	})
}

// Without any group, nobody is missed, silent or the subject of a finding.
func TestReloadWithoutTribesForgets(t *testing.T) {
	var ears *paperEars
	play(t, naming, onPaper(&ears), func(w *world) {
		a := &node{host: "10.0.0.1", id: 1, began: time.Now().Add(-time.Hour)}
		ears.beat(w, 8*time.Second, a)
		ears.hear("10.0.0.66:45564", a.member("BABY-ALEX"))
		ears.beat(w, 5*time.Second)
		if s := w.c.Status(); len(s.Findings) == 0 || w.memberStatus("a").State != compile.Shaky || !strings.Contains(w.memberStatus("b").Why, "not heard") {
			t.Errorf("findings %v, a %s, b %s", s.Findings, w.memberStatus("a").Why, w.memberStatus("b").Why)
		}
		w.reload(strings.Replace(naming, "tribes: {group: \"228.0.0.4:45564\"}\n", "", 1))
		w.pass(3 * time.Second)
		if s := w.c.Status(); len(s.Findings) != 0 {
			t.Errorf("findings %v", s.Findings)
		}
		for _, name := range []string{"a", "b"} {
			if m := w.memberStatus(name); m.State != compile.Ready || strings.Contains(m.Why, "heard") {
				t.Errorf("%s is %s, %s", name, m.State, m.Why)
			}
		}
	})
}

// What discovery stumbles over is told without any group.
func TestFindingsWithoutTribes(t *testing.T) {
	play(t, two, nil, func(w *world) {
		_, seq := w.events(0)
		err := w.c.do(w.t.Context(), func() {
			w.c.hear.result.Findings = []discover.Finding{{Subject: "app/a", What: "listed twice", Cure: "once"}}
		})
		if err != nil {
			t.Fatal(err)
		}
		w.pass(3 * time.Second)
		w.set(func() {
			if text := w.log.String(); strings.Count(text, "listed twice") != 1 {
				t.Error(text)
			}
		})
		w.expectEvents(seq, string(admin.Found))
	})
}
