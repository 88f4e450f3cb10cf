package config

import (
	"strings"
	"testing"
)

// Files that try to cost much: each is a quarter of the size limit and must be dealt
// with in work that grows with the size only. The bound is on allocations,
// which do not depend on the machine.
func TestHostileFilesCostLittle(t *testing.T) {
	const size = 250_000
	fill := func(before, part, after string) string {
		return before + strings.Repeat(part, (size-len(before)-len(after))/len(part)) + after
	}
	f := func(name, text string) {
		t.Helper()
		allocated := testing.AllocsPerRun(1, func() {
			c, ps := Load("f.yaml", []byte(text), nil, Options{})
			if c != nil || !ps.HasErrors() || len(ps) > maxProblems {
				t.Errorf("%s: accepted, or %d problems", name, len(ps))
			}
			for _, p := range ps {
				if len(p.Source) > 8*maxWidth {
					t.Errorf("%s: a line of %d bytes is kept", name, len(p.Source))
					break
				}
			}
			if shown := len(ps.String()); shown > 100_000 {
				t.Errorf("%s: the report has %d bytes", name, shown)
			}
		})
		if allocated > 6*size {
			t.Errorf("%s: %.0f allocations", name, allocated)
		}
	}
	f("unknown keys on lines", fill("", "k: 1\n", ""))
	f("unknown keys on one line", fill("log: {", "kk: 1, ", "}\n"))
	f("many backends", fill("backends: [", "ajp://a, ", "]\n"))
	f("many members", fill("pools: {a: {members: {", "m: ajp://a, ", "}}}\n"))
	f("many variables", fill("listen: \"", "${A}", "\"\nbackends: [ajp://a]\n"))
	f("many statuses", fill("pools: {a: {backends: [ajp://a], fail_on_status: [", "999, ", "]}}\n"))
	f("one long word", fill("listen: ", "x", "\nbackends: [ajp://a]\n"))
	f("deep", fill("a: ", "[", "\n"))
	f("blanks", fill("listen: ", " ", "x\nbackends: [ajp://a]\n"))
	f("lines", fill("listen: x", "\n", "\nbackends: [ajp://a]\n"))
	f("comments", fill("listen: x", "\n#", "\nbackends: [ajp://a]\n"))
	f("aliases", fill("a: &a [x]\nb: [", "*a, ", "]\n"))
}
