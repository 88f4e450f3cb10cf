package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Catherd has written is found again; what is missing is said.
func TestEvidence(t *testing.T) {
	f := &front{brand: brands[0], dir: t.TempDir()}
	for name, text := range map[string]string{
		"access.log": "{\"query\":\"id=r1\"}\n{\"query\":\"id=r2\"}\n{\"query\":\"id=r3\"}\n",
		"output": `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"started"}` + "\n" +
			`{"time":"2026-01-02T03:04:06Z","level":"WARN","msg":"member down","member":"tomcat1","reason":"refused"}` + "\npanic: no JSON\n",
	} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.words(t.Context(), []string{"r1", "r3"}); strings.Join(got, " ") != `{"query":"id=r1"} {"query":"id=r3"}` {
		t.Errorf("words %q", got)
	}
	if got := f.words(t.Context(), []string{"r1", "r9"}); len(got) != 2 || !strings.Contains(got[1], "1 of 2 requests") {
		t.Errorf("words %q", got)
	}
	events, err := f.events()
	if err != nil || len(events) != 1 || events[0].what != "member down" || events[0].member != "tomcat1" || events[0].reason != "refused" ||
		events[0].at.Second() != 6 {
		t.Errorf("events %+v, %v", events, err)
	}
}
