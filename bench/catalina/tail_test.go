package catalina

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := Tail(path); !strings.Contains(got, path) {
		t.Errorf("no file: %q", got)
	}
	for text, want := range map[string]string{
		"": "", "one\n": "one",
		strings.Repeat("early\n", 9) + strings.Repeat("late\n", 30): strings.TrimSuffix(strings.Repeat("late\n", 30), "\n"),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Tail(path); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
