package main

import (
	"runtime"

	"github.com/catherd/catherd/controlplane/config"
)

// The engines, as the status names them.
const (
	engineStd   = "std"
	engineEpoll = "epoll"
)

// processors is what Go would use without us: what the affinity mask, the control
// group or GOMAXPROCS allow. It is read before anything raises it.
var processors = runtime.GOMAXPROCS(0)

// engineOf is the engine that cfg asks for.
func engineOf(cfg *config.Config) string {
	if cfg.Engine == engineStd {
		return engineStd
	}
	return engineEpoll
}

// loopsOf is how many event loops an engine runs. It makes room for them in Go's
// scheduler.
func loopsOf(engine string, getenv func(string) string) int {
	if engine == engineStd {
		return 0
	}
	loops, places := share(processors, runtime.NumCPU(), getenv("GOMAXPROCS") != "")
	if places != runtime.GOMAXPROCS(0) { // the same again would stop the world
		runtime.GOMAXPROCS(places)
	}
	return loops
}

// share divides the machine: one loop for each processor that Go may use, and
// places in Go's scheduler.
//
// A loop that waits for its next event keeps its place, so there are more places
// than loops: for the control plane, TLS, long uploads, the collector of garbage.
// Who sets GOMAXPROCS has said how much may run at a time, and gets no more. Then
// some loops do without a place of their own while they wait (dataplane.New).
func share(processors, cpus int, fixed bool) (loops, places int) {
	loops = min(processors, cpus)
	if fixed {
		return loops, processors
	}
	return loops, loops + max(minBeside, loops/2)
}

// minBeside is the least that runs beside busy loops at the same time.
const minBeside = 2
