package realtomcat

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

// build makes the program as a release would be made and runs the tests.
func build(m *testing.M) int {
	if program = os.Getenv(inNamespace); program != "" {
		return m.Run() // in a network namespace, for a run that has built it
	}
	dir, err := os.MkdirTemp("", "catherd-real-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "create folder for the program:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "catherd")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "github.com/catherd/catherd/cmd/catherd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build catherd: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
