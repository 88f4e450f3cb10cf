package main

import (
	"context"
	"log/slog"
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
	if need, level := filesNeeded(cfg), filesLevel(cfg, files); files < need {
		x.log.Log(context.Background(), level, "few file descriptors", "limit", files, "wanted", need,
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

const (
	// ownFiles is what a process has open besides connections: listeners,
	// epolls, logs, a file that is being read.
	ownFiles = 64
	// scarceFiles is a limit that any site may reach: many systems still have
	// 1024 for whoever does not ask.
	scarceFiles = 4096
)

// filesNeeded is how many descriptors are open when every bound of the
// configuration is reached. Clients without a bound count as few; members
// without one do not count.
func filesNeeded(cfg *config.Config) uint64 {
	n := uint64(cfg.Limits.Connections)
	if n == 0 {
		n = scarceFiles
	}
	n += ownFiles
	for i := range cfg.Pools {
		p := &cfg.Pools[i]
		n += uint64(len(p.Members)) * uint64(p.Connections.Max)
	}
	return n
}

// filesLevel says how loud it is that descriptors do not reach. A default is
// nobody's wish: that it cannot be reached is worth a warning only where few
// clients are enough to notice.
func filesLevel(cfg *config.Config, files uint64) slog.Level {
	wished := cfg.Limits.Connections > 0 && cfg.Origin("limits.connections").String() != "default"
	if wished || files < scarceFiles {
		return slog.LevelWarn
	}
	return slog.LevelInfo
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
