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

// processors is what Go would use without us. It is read before anything raises it.
var processors = runtime.GOMAXPROCS(0)

// engineOf is the engine that cfg asks for.
func engineOf(cfg *config.Config) string {
	if cfg.Engine == engineStd {
		return engineStd
	}
	return engineEpoll
}

// loopsOf is how many event loops an engine runs: one for each processor.
//
// A loop that waits for its next event keeps its place in Go's scheduler, so there
// have to be places for everything else: the control plane, TLS, long uploads, the
// collector of garbage. Who sets GOMAXPROCS knows how many there shall be.
func loopsOf(engine string, getenv func(string) string) int {
	if engine == engineStd {
		return 0
	}
	if getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processors + beside)
	}
	return processors
}

// beside is how many goroutines run beside busy loops at the same time.
const beside = 2
