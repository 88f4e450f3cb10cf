package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSoak is a short soak with pretend Tomcats: the same program, some seconds.
func TestSoak(t *testing.T) {
	program := filepath.Join(t.TempDir(), "catherd")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/catherd").CombinedOutput(); err != nil {
		t.Fatalf("build catherd: %v\n%s", err, out)
	}
	for name, http := range map[string]bool{"AJP": false, "HTTP": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			violations, err := soak(t.Context(), &out, settings{catherd: program, minutes: 8.0 / 60, pretend: true, http: http,
				members: 2, connections: 16, think: 20 * time.Millisecond, kill: 3 * time.Second, reload: time.Second})
			if err != nil || violations > 0 || !strings.Contains(out.String(), "PASS") {
				t.Errorf("%d violations, %v\n%s", violations, err, out.String())
			}
			t.Log(out.String())
		})
	}
}
