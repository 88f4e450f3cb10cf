package controlplane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/health"
)

// told are the changes of members after seq: kind, member, from, to, takes.
func (w *world) told(after uint64) (lines []string, last uint64) {
	last = after
	for _, e := range w.c.Events(after) {
		last = e.Seq
		if e.Member != "" && e.To != "" {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s: %s -> %s %s", e.Kind, e.Member, e.From, e.To, e.Takes)))
		}
		if e.Member != "" && e.To != "" && e.Text == "" {
			w.t.Errorf("%+v gives no reason", e)
		}
	}
	return lines, last
}

func (w *world) expectTold(after uint64, want ...string) uint64 {
	w.t.Helper()
	got, last := w.told(after)
	w.expect(strings.Join(got, "\n"), strings.Join(want, "\n"))
	return last
}

// Every change of a state says from which and to which, what follows from it,
// and why, in one line of the log as well.
func TestChangesSayFromAndTo(t *testing.T) {
	play(t, two, nil, func(w *world) {
		seq := w.expectTold(0, "member ready a: checking -> ready all", "member ready b: checking -> ready all")
		w.set(func() { w.down["b"] = true })
		w.pass(8 * time.Second)
		seq = w.expectTold(seq, "member shaky b: ready -> shaky all", "member down b: shaky -> down none")
		// Another JVM is there: what was known says nothing any more.
		w.set(func() { w.down["b"] = false })
		w.c.runner.Tell("app/b@ajp://127.0.0.1:9009", health.Event{Kind: health.Reborn, At: time.Now(), Alive: time.Second})
		w.pass(time.Second)
		w.expectTold(seq, "member checking b: down -> checking none", "member ready b: checking -> ready all")

		w.set(func() {
			var line string
			for l := range strings.Lines(w.log.String()) {
				if strings.Contains(l, `"member down"`) {
					line = l
				}
			}
			if want := `pool=app member=b from=shaky to=down takes=none reason="connect refused, 3 of 3 since `; !strings.Contains(line, want) {
				t.Errorf("the log has %q, want %s", line, want)
			}
		})
	})
}

// What a member may take changes in the same state, too.
func TestTakesAreTold(t *testing.T) {
	play(t, two, nil, func(w *world) {
		w.set(func() { w.sick, w.down["a"] = true, true })
		w.pass(8 * time.Second)
		_, seq := w.told(0)
		// Nobody better is left than those that answer badly.
		w.set(func() { w.down["b"] = true })
		w.pass(8 * time.Second)
		seq = w.expectTold(seq, "member shaky b: ready -> shaky all",
			"member takes a: none -> all", "member down b: shaky -> down all")
		w.set(func() { w.down["b"] = false })
		w.pass(8 * time.Second)
		w.expectTold(seq, "member takes a: all -> none", "member ready b: down -> ready all")
	})
}

// Without a word of its own a state would be told by none.
func TestEveryStateHasItsKind(t *testing.T) {
	seen := map[admin.Kind]bool{}
	for _, s := range compile.States {
		if k := kinds[s]; k == "" || seen[k] {
			t.Errorf("%s has the kind %q", s, k)
		}
		seen[kinds[s]] = true
	}
}
