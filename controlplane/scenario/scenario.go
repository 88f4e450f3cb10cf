package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "replace the expected output of scenarios by the real one")

// Run runs every file that matches the pattern as a subtest. begin is called
// once a file and returns the function that carries out one command: its
// words in, its output out, empty for none.
func Run(t *testing.T, pattern string, begin func(t *testing.T) func(words []string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario matches %q: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(string(data), begin(t))
			if got == string(data) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s: the first difference is in line %d\n got: %s\nwant: %s", file, firstDifference(got, string(data))+1,
				line(got, firstDifference(got, string(data))), line(string(data), firstDifference(got, string(data))))
		})
	}
}

// play returns the text with the expected lines replaced by real ones.
func play(text string, do func(words []string) string) string {
	var out strings.Builder
	expected := false // whether the lines at hand are expected output
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		switch {
		case strings.HasPrefix(l, "> "):
			out.WriteString(l + "\n")
			if printed := do(strings.Fields(l[2:])); printed != "" {
				out.WriteString(strings.TrimRight(printed, "\n") + "\n")
			}
			expected = true
		case l == "" || strings.HasPrefix(l, "#"):
			expected = false
			out.WriteString(l + "\n")
		case !expected:
			out.WriteString(l + "\n")
		}
	}
	return out.String()
}

func firstDifference(a, b string) int {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return i
		}
	}
	return len(x)
}

func line(s string, n int) string {
	if l := strings.Split(s, "\n"); n < len(l) {
		return l[n]
	}
	return "(the end)"
}
