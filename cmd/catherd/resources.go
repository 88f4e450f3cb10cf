package main

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/controlplane/config"
)

// resources takes what the system allows this process.
func (x *process) resources(cfg *config.Config) {
	files := raiseFiles()
	// A request in flight needs a second one, for the member; most clients idle.
	if n := uint64(cfg.Limits.Connections); files < n+n/4 {
		x.log.Warn("few file descriptors", "limit", files, "connections", n,
			"cure", "raise the hard limit (LimitNOFILE= of the unit, ulimit -Hn) or lower limits.connections")
	}
	if x.e.getenv("GOMEMLIMIT") == "" {
		if limit := groupMemory(os.ReadFile); limit > 0 {
			// What is not the Go heap needs the rest: stacks of the kernel, sockets.
			debug.SetMemoryLimit(limit / 10 * 9)
			x.log.Debug("memory", "limit", limit)
		}
	}
}

// raiseFiles raises the soft limit of descriptors to the hard one and returns
// what holds.
func raiseFiles() uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return math.MaxUint64
	}
	if l.Cur < l.Max {
		more := unix.Rlimit{Cur: l.Max, Max: l.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &more); err == nil {
			return l.Max
		}
	}
	return l.Cur
}

// groupMemory is the memory limit of the control group (cgroup v2) this
// process is in, in bytes; 0 when there is none or nothing can be read.
func groupMemory(read func(string) ([]byte, error)) int64 {
	own, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(string(own)), "0::")
	if !ok || strings.Contains(name, "\n") {
		return 0
	}
	var least int64
	// The limit of every group above holds as well.
	for dir := path.Clean("/" + name); ; dir = path.Dir(dir) {
		if text, err := read(path.Join("/sys/fs/cgroup", dir, "memory.max")); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
		if dir == "/" {
			return least
		}
	}
}
