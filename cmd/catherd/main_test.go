package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/catherd/catherd/bpf/guard"
	"github.com/catherd/catherd/dataplane/enginetest"
)

// TestMain lets scripts run the program as another process of this binary.
func TestMain(m *testing.M) {
	if at := os.Getenv(pretendAt); at != "" {
		pretend(at)
		return
	}
	testscript.Main(leakless{m}, map[string]func(){"catherd": main})
}

// leakless fails the run when a goroutine is left over.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(enginetest.Leaks()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		Condition:           condition,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// condition knows guard: whether the kernel lets this process guard interfaces.
func condition(name string) (bool, error) {
	if name != "guard" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return os.Getenv("KERNEL") != "off" && guard.Probe().Can, nil
}

func setup(e *testscript.Env) error {
	w, err := newWorld()
	if err != nil {
		return err
	}
	e.Defer(w.close)
	e.Values[worldKey{}] = w
	e.Setenv("SOCKET", e.WorkDir+"/admin.sock")
	e.Setenv("CATHERD_SOCKET", e.WorkDir+"/admin.sock")
	e.Setenv("FRONT", w.free[0])
	e.Setenv("FRONT2", w.free[1])
	e.Setenv("ADMIN", w.free[2])
	e.Setenv("T1", w.free[3])
	e.Setenv("T2", w.free[4])
	e.Setenv("GROUP", w.group)
	e.Setenv("R1", receiverOf(w.free[3]))
	e.Setenv("R2", receiverOf(w.free[4]))
	e.Setenv("FOUND1", strings.Replace(w.free[3], ":", "-", 1)) // its name when it is found
	e.Setenv("NO_COLOR", "1")
	e.Setenv("KERNEL", os.Getenv("KERNEL")) // off: without programs in the kernel
	return nil
}

// cleaner is fasthttp's goroutine that retires idle workers: it looks at the
// end of the server only between two sleeps.
var cleaner = goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2")
