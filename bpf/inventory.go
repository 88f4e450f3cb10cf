package bpf

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
)

// Program is one program of Catherd's in the kernel, of this process or of
// another one.
type Program struct {
	Name   string
	ID     uint32
	Kind   string    // "XDP", "SchedCLS", ...
	Loaded time.Time // to the second; the zero time where the kernel does not say
	Runs   uint64    // and Time: as long as runs are counted, see CountRuns
	Time   time.Duration
	Where  []string // what it is attached to by links, in words; sockets are not among it
}

// CountRuns lets the kernel count how often every program of the machine runs
// and how long, until the answer is closed. It costs some 20 ns for each run.
func CountRuns() (io.Closer, error) {
	c, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, kern.Explain("count the runs of programs", err)
	}
	return c, nil
}

// Inventory returns all programs of Catherd's that the kernel holds, in the
// order in which they were loaded. It needs CAP_SYS_ADMIN.
func Inventory() ([]Program, error) {
	where, err := links()
	if err != nil {
		return nil, err
	}
	var all []Program
	for id := ebpf.ProgramID(0); ; {
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			return all, nil
		} else if err != nil {
			return nil, kern.Explain("list the programs", err)
		}
		p, err := read(id)
		if err != nil {
			return nil, kern.Explain(fmt.Sprintf("read program %d", id), err)
		}
		if p != nil {
			p.Where = where[id]
			slices.Sort(p.Where)
			all = append(all, *p)
		}
	}
}

// read returns a program, or nil when it is not ours or has just gone.
func read(id ebpf.ProgramID) (*Program, error) {
	handle, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	info, err := handle.Info()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(info.Name, kern.Prefix) {
		return nil, nil
	}
	p := &Program{Name: info.Name, ID: uint32(id), Kind: info.Type.String()}
	if stats, err := handle.Stats(); err == nil {
		p.Runs, p.Time = stats.RunCount, stats.Runtime
	}
	var boot unix.Timespec
	if since, ok := info.LoadTime(); ok && unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) == nil {
		p.Loaded = time.Now().Add(since - time.Duration(boot.Nano())).Truncate(time.Second)
	}
	return p, nil
}

// links returns what programs are attached to by links, in words.
func links() (map[ebpf.ProgramID][]string, error) {
	where := map[ebpf.ProgramID][]string{}
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		info, err := it.Link.Info()
		if err != nil {
			continue // gone meanwhile
		}
		where[info.Program] = append(where[info.Program], place(info))
	}
	if err := it.Err(); err != nil {
		return nil, kern.Explain("list the links", err)
	}
	return where, nil
}

func place(info *link.Info) string {
	if x := info.XDP(); x != nil {
		return "XDP of " + interfaceName(x.Ifindex)
	}
	if x := info.TCX(); x != nil {
		return "tcx of " + interfaceName(x.Ifindex)
	}
	if x := info.NetNs(); x != nil {
		return fmt.Sprintf("network namespace %d", x.NetnsInode)
	}
	if info.Tracing() != nil {
		return "tracepoint"
	}
	return fmt.Sprintf("link of type %d", info.Type)
}

// interfaceName names an interface of our own namespace. Of one in another the
// kernel tells only the index, which may be another interface's here.
func interfaceName(index uint32) string {
	if index == 0 {
		return "an interface that is gone"
	}
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return fmt.Sprintf("interface %d (%s here)", index, i.Name)
	}
	return fmt.Sprintf("interface %d", index)
}
