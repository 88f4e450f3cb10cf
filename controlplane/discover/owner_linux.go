package discover

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Bounds of one look at /proc.
const (
	maxSockets   = 16384 // listening sockets that are remembered
	maxProcesses = 32768 // processes that are looked at
	maxFiles     = 65536 // open files that are looked at, of all of them
	maxCmdline   = 64 << 10
)

// Process is one process of this host that listens.
type Process struct {
	PID     int
	Listens []netip.AddrPort // sorted; an unspecified address takes connections to all
	Command string           // first word of its command line, "" when it cannot be read
	Base    string           // -Dcatalina.base of its command line, "" when there is none
}

// Owners finds, for receivers of this host, where the process that listens
// there listens as well. What cannot be found out, for want of rights or
// because nobody listens, is not in the result. It reads /proc/net/tcp, tcp6
// and the file descriptors of processes (proc_pid_fd(5)); call it when a node
// appears and while one waits, not for each heartbeat.
func Owners(receivers []netip.AddrPort) map[netip.AddrPort][]netip.AddrPort {
	return owners("/proc", receivers)
}

func owners(proc string, receivers []netip.AddrPort) map[netip.AddrPort][]netip.AddrPort {
	out := map[netip.AddrPort][]netip.AddrPort{}
	if len(receivers) == 0 {
		return out
	}
	sockets := listening(proc)
	for _, p := range processes(proc, sockets) {
		for _, r := range receivers {
			if covers(p.Listens, r) {
				out[r] = p.Listens
			}
		}
	}
	return out
}

// LocalJava finds the Java processes of this host that listen, by PID.
func LocalJava() []Process { return localJava("/proc") }

func localJava(proc string) []Process {
	all := processes(proc, listening(proc))
	return slices.DeleteFunc(all, func(p Process) bool {
		name := filepath.Base(p.Command)
		return name != "java" && name != "jsvc" && p.Base == ""
	})
}

// listening reads the listening sockets of this network namespace, by inode.
func listening(proc string) map[uint64]netip.AddrPort {
	out := map[uint64]netip.AddrPort{}
	for _, name := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(proc, "net", name))
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() && len(out) < maxSockets {
			if at, inode, ok := parseSocket(lines.Text()); ok {
				out[inode] = at
			}
		}
		f.Close()
	}
	return out
}

// parseSocket reads a line of /proc/net/tcp: the second field is the local
// address in hexadecimal, the fourth the state (0A is TCP_LISTEN of
// tcp_states.h), the tenth the inode.
func parseSocket(line string) (at netip.AddrPort, inode uint64, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[3] != "0A" {
		return at, 0, false
	}
	host, port, found := strings.Cut(f[1], ":")
	n, err := strconv.ParseUint(port, 16, 16)
	raw, err2 := hex.DecodeString(host)
	inode, err3 := strconv.ParseUint(f[9], 10, 64)
	if !found || err != nil || err2 != nil || err3 != nil || len(raw) != 4 && len(raw) != 16 {
		return at, 0, false
	}
	for i := 0; i < len(raw); i += 4 { // words of the machine, which are little-endian wherever we run
		slices.Reverse(raw[i : i+4])
	}
	addr, _ := netip.AddrFromSlice(raw) // four or sixteen bytes
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), inode, true
}

// processes finds which processes hold the sockets, by PID.
func processes(proc string, sockets map[uint64]netip.AddrPort) []Process {
	dir, err := os.Open(proc)
	if err != nil {
		return nil
	}
	names, _ := dir.Readdirnames(maxProcesses) // what could be read is better than nothing
	dir.Close()
	var out []Process
	files := maxFiles
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || files <= 0 {
			continue
		}
		if listens := held(filepath.Join(proc, name, "fd"), sockets, &files); len(listens) > 0 {
			p := Process{PID: pid, Listens: listens}
			p.Command, p.Base = command(filepath.Join(proc, name, "cmdline"))
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Process) int { return a.PID - b.PID })
	return out
}

// held lists the sockets that a process holds, as far as we may look.
func held(fds string, sockets map[uint64]netip.AddrPort, files *int) []netip.AddrPort {
	dir, err := os.Open(fds)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(*files)
	var out []netip.AddrPort
	for _, name := range names {
		*files--
		link, err := os.Readlink(filepath.Join(fds, name))
		if err != nil {
			continue
		}
		text, ok := strings.CutPrefix(link, "socket:[")
		if !ok {
			continue
		}
		inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
		if at, known := sockets[inode]; known && err == nil && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, netip.AddrPort.Compare)
	return out
}

// command reads the first word of a command line and catalina.base in it.
func command(name string) (first, base string) {
	f, err := os.Open(name)
	if err != nil {
		return "", ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCmdline))
	if err != nil {
		return "", ""
	}
	for i, word := range bytes.Split(data, []byte{0}) {
		if i == 0 {
			first = string(word)
		}
		if value, ok := bytes.CutPrefix(word, []byte("-Dcatalina.base=")); ok {
			base = string(value)
		}
	}
	return first, base
}
