package scenario

import (
	"strings"
	"testing"
)

func TestPlay(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got := play(in, func(words []string) string {
			if words[0] == "quiet" {
				return ""
			}
			return strings.Join(words, "+") + "\n"
		})
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("> a b\na+b\n", "> a b\na+b\n")
	f("> a b\nold\nolder\n\n# text\n> c\n", "> a b\na+b\n\n# text\n> c\nc\n")
	f("> quiet\nold\n", "> quiet\n")
	f("title\n\n> a\na\n", "title\n\n> a\na\n")
}

func TestFirstDifference(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := firstDifference(a, b); got != want {
			t.Errorf("%q and %q: got %d, want %d", a, b, got, want)
		}
	}
	f("a\nb\n", "a\nc\n", 1)
	f("a\n", "a\nb\n", 1)
	f("a\nb\n", "a\n", 1)
}
