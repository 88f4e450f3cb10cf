package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is the CPU time spent so far by each process of a tree, by process id.
type Usage map[int]time.Duration

// Tree lists the process and all its descendants.
func Tree(root int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	alive := false
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // gone since the listing
		}
		parent, ok := parentOf(stat)
		if !ok {
			return nil, fmt.Errorf("read parent of process %d: unexpected form %q", pid, clip(stat))
		}
		alive = alive || pid == root
		children[parent] = append(children[parent], pid)
	}
	if !alive {
		return nil, fmt.Errorf("list processes below %d: no such process", root)
	}
	tree := []int{root}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// parentOf finds the fourth field of /proc/PID/stat. The second one, the name,
// may hold spaces and parentheses, so counting starts after its last ")".
func parentOf(stat []byte) (int, bool) {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return 0, false
	}
	fields := bytes.Fields(stat[i+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// CPU is the time, user and system, that all threads of a process have run,
// ended threads included. It is the process's CPU clock (clock_getcpuclockid(3)):
// the scheduler's own sum in nanoseconds, where /proc/PID/stat counts in
// hundredths of a second. It lags by at most one scheduler tick per thread that
// is running at the moment.
func CPU(pid int) (time.Duration, error) {
	// The kernel's encoding: the inverted id above three bits of clock type,
	// 2 being CPUCLOCK_SCHED (include/linux/posix-timers_types.h).
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("read CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Measure reads the CPU clocks of a process tree.
func Measure(root int) (Usage, error) {
	tree, err := Tree(root)
	if err != nil {
		return nil, err
	}
	u := Usage{}
	for _, pid := range tree {
		t, err := CPU(pid)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESRCH) {
			continue // ended since the listing
		}
		if err != nil {
			return nil, err
		}
		u[pid] = t
	}
	return u, nil
}

// Since is the CPU time spent between an earlier reading and this one, and how
// many processes of the earlier one are gone. What those spent in between is
// lost; a result with lost > 0 is to be thrown away.
func (u Usage) Since(earlier Usage) (spent time.Duration, lost int) {
	for pid, t := range u {
		spent += t - earlier[pid]
	}
	for pid := range earlier {
		if _, ok := u[pid]; !ok {
			lost++
		}
	}
	return spent, lost
}

// PSS is the memory of a process tree in bytes: pages it has alone, plus its
// share of those it shares (Pss of /proc/PID/smaps_rollup). Needs to be root or
// the owner.
func PSS(root int) (int64, error) {
	tree, err := Tree(root)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, pid := range tree {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
		if err != nil {
			return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
		}
		kib, ok := pssOf(text)
		if !ok {
			return 0, fmt.Errorf("read memory of process %d: no Pss line", pid)
		}
		sum += kib << 10
	}
	return sum, nil
}

func pssOf(rollup []byte) (kib int64, ok bool) {
	for line := range bytes.Lines(rollup) {
		rest, found := bytes.CutPrefix(line, []byte("Pss:"))
		if !found {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, false
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// hungUp peeks at a connection without waiting: true if there is an end, a fault
// or a byte nobody asked for.
func hungUp(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = err != unix.EAGAIN
	})
	return gone || err != nil
}
