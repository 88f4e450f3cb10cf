package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/peers"
)

const congestionFile = "/proc/sys/net/ipv4/tcp_congestion_control"

// useCubic sets the congestion control all parties shall have and returns how to
// put it back, with a line for the result.
func useCubic() (restore func(), note string) {
	nothing := func() {}
	before, err := os.ReadFile(congestionFile)
	if err != nil {
		return nothing, "unknown"
	}
	name := strings.TrimSpace(string(before))
	if name == "cubic" {
		return nothing, name
	}
	if err := os.WriteFile(congestionFile, []byte("cubic"), 0); err != nil {
		return nothing, name + " (setting cubic needs root)"
	}
	return func() {
		// Worth a word, for nobody would look for it.
		if err := os.WriteFile(congestionFile, before, 0); err != nil {
			fmt.Fprintf(os.Stderr, "compare: put back congestion control %q: %v\n", name, err)
		}
	}, "cubic (machine's own: " + name + ")"
}

// describe writes the head of a result: where, with what, how.
func describe(out io.Writer, o options, congestion string) {
	fmt.Fprintf(out, "machine    %d cores, %s\n", runtime.NumCPU(), cpuName())
	fmt.Fprintf(out, "kernel     %s, congestion control %s\n", kernel(), congestion)
	fmt.Fprintf(out, "generator  %s, %d threads\n", runtime.Version(), o.loops)
	switch {
	case o.start:
		fmt.Fprintf(out, "run        start to first good answer, %d times\n", o.rounds)
	case o.idle > 0:
		fmt.Fprintf(out, "run        %d silent keep-alive connections, one answer of %d bytes on each before\n", o.idle, o.size)
	default:
		what := "GET"
		if o.post > 0 {
			what = fmt.Sprintf("POST of %d bytes", o.post)
		}
		fmt.Fprintf(out, "run        %s, answers of %d bytes, %d connections, %d rounds of %s, sticky %v, AJP packets %d\n",
			what, o.size, o.conns, o.rounds, o.seconds, o.sticky, o.packet)
	}
	for _, name := range o.parties {
		kind, err := peers.Find(name)
		if err != nil {
			continue
		}
		digest, err := kind.Digest(peers.Setup{Sticky: o.sticky, Packet: o.packet})
		if err != nil {
			digest = err.Error()
		}
		fmt.Fprintf(out, "%-14s %s; config %s; %s\n", name, kind.What, digest, kind.Version(o.catherd))
	}
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(text) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// stealClock starts a clock; called again it tells the share of all CPU time in
// which the hypervisor let somebody else run.
func stealClock() func() string {
	steal0, all0, ok0 := readSteal()
	return func() string {
		steal, all, ok := readSteal()
		if !ok0 || !ok || all == all0 {
			return "unknown"
		}
		return fmt.Sprintf("%.1f %%", 100*float64(steal-steal0)/float64(all-all0))
	}
}

func readSteal() (steal, all int64, ok bool) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	return parseSteal(line)
}

// parseSteal reads the first line of /proc/stat (proc_stat(5)): cpu user nice
// system idle iowait irq softirq steal guest guest_nice, the last two already
// in user and nice.
func parseSteal(line string) (steal, all int64, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, false
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i == 7 {
			steal = n
		}
	}
	return steal, all, true
}
