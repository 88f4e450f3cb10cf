package realtomcat

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bench/catalina"
)

// inNamespace names the environment variable that tells a run of this test binary that it
// is alone in a network namespace, and which program to test there.
const inNamespace = "CATHERD_TEST_IN_NAMESPACE"

// Where the two hosts are: that of the Tomcats, which is the namespace of the test, and
// that of Catherd, a cable away. Strangers speak from Catherd's host.
const (
	tomcatHost  = "10.77.0.1"
	catherdHost = "10.77.0.2"
	strangeHost = "10.77.0.3"
	catherdSide = "d1" // Catherd's end of the cable
)

// namespaced runs the test again, alone in a network namespace, and passes its results on.
func namespaced(t *testing.T, parts int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=12m")
	cmd.Env = append(os.Environ(), inNamespace+"="+program)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // whose end would be that of the child
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("no network namespace for this user: %v", err)
	}
	if err == nil && strings.Contains(out.String(), "--- SKIP: "+t.Name()) {
		t.Skip(out.String())
	}
	if err != nil || strings.Count(out.String(), "    --- PASS: "+t.Name()+"/") != parts {
		t.Errorf("in a network namespace: %v\n%s", err, out.String())
		return
	}
	t.Log(out.String())
}

// host is Catherd's: a network namespace that a process of its own keeps.
type host struct {
	t      *testing.T
	keeper *catalina.Process
}

// twoHosts makes the two hosts and the cable between them.
func twoHosts(t *testing.T) *host {
	t.Helper()
	// The namespace is there as soon as its keeper says so.
	cmd := exec.Command("unshare", "--net", "--", "sh", "-c", "echo && exec sleep 3600")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := catalina.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, keeper: keeper}
	t.Cleanup(func() {
		_ = keeper.Signal(syscall.SIGKILL)
		<-keeper.Done()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("no network namespace: %v", err)
	}
	h.ip("link set lo up")
	h.ip("link add d0 type veth peer name " + catherdSide)
	h.ip(fmt.Sprintf("link set %s netns %d", catherdSide, keeper.PID))
	h.ip("addr add " + tomcatHost + "/24 dev d0")
	h.ip("link set d0 up")
	for _, args := range []string{
		"link set lo up", "addr add " + catherdHost + "/24 dev " + catherdSide,
		"addr add " + strangeHost + "/24 dev " + catherdSide, "link set " + catherdSide + " up",
	} {
		h.ip(args, h.enter()...)
	}
	return h
}

// enter is the command that runs another one on Catherd's host and becomes it.
func (h *host) enter() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", h.keeper.PID), "--"}
}

func (h *host) ip(args string, by ...string) {
	h.t.Helper()
	all := append(append(by, "ip"), strings.Fields(args)...)
	if out, err := exec.Command(all[0], all[1:]...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// there runs f on a thread that is on Catherd's host. The thread ends with it.
func (h *host) there(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.keeper.PID))
		if err == nil {
			defer ns.Close()
			if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
				err = f()
			}
		}
		done <- err
	}()
	return <-done
}

// filter throws packets away that arrive at Catherd's host, as a firewall would that
// gives no answer.
type filter struct{ rules *ebpf.Map }

// rules is the only value of the filter's map.
type rules struct {
	Group uint32 // not 0: no datagram to a multicast group passes
	Port  uint32 // no TCP segment from this port passes; 0: all do
	Gone  uint64 // thrown away so far
}

// guard puts a filter in front of Catherd's host. Nothing is thrown away at first.
func (h *host) guard() *filter {
	h.t.Helper()
	var f filter
	err := h.there(func() (err error) {
		f.rules, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
		if err != nil {
			return err
		}
		on, err := net.InterfaceByName(catherdSide)
		if err != nil {
			return err
		}
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "Apache-2.0", Instructions: filterProgram(f.rules.FD())})
		if err != nil {
			return err
		}
		defer p.Close()
		l, err := link.AttachTCX(link.TCXOptions{Interface: on.Index, Program: p, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			return err
		}
		h.t.Cleanup(func() {
			l.Close()
			f.rules.Close()
		})
		return nil
	})
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, os.ErrPermission) {
		h.t.Skipf("no filter on this kernel for this user (TCX, Linux 6.6): %v", err)
	}
	if err != nil {
		h.t.Fatalf("put a filter in front of Catherd's host: %v", err)
	}
	return &f
}

// filterProgram reads an Ethernet frame: the type at 12, the protocol at 23, the
// destination at 30, and the source port of a head without options at 34.
func filterProgram(m int) asm.Instructions {
	const passes, drops = -1, 2 // TCX_NEXT, TCX_DROP
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), // where loads from the packet expect it
		asm.LoadAbs(12, asm.Half),
		asm.JNE.Imm(asm.R0, unix.ETH_P_IP, "pass"),
		asm.LoadMapValue(asm.R7, m, 0),
		asm.LoadAbs(23, asm.Byte),
		asm.JEq.Imm(asm.R0, unix.IPPROTO_TCP, "segment"),
		asm.JNE.Imm(asm.R0, unix.IPPROTO_UDP, "pass"),

		asm.LoadMem(asm.R8, asm.R7, 0, asm.Word),
		asm.JEq.Imm(asm.R8, 0, "pass"),
		asm.LoadAbs(30, asm.Byte),
		asm.And.Imm(asm.R0, 0xf0),
		asm.JNE.Imm(asm.R0, 0xe0, "pass"),
		asm.Ja.Label("drop"),

		asm.LoadMem(asm.R8, asm.R7, 4, asm.Word).WithSymbol("segment"),
		asm.JEq.Imm(asm.R8, 0, "pass"),
		asm.LoadAbs(34, asm.Half),
		asm.JNE.Reg(asm.R0, asm.R8, "pass"),

		asm.Mov.Imm(asm.R1, 1).WithSymbol("drop"),
		asm.Add.Imm(asm.R7, 8),
		asm.StoreXAdd(asm.R7, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, drops),
		asm.Return(),

		asm.Mov.Imm(asm.R0, passes).WithSymbol("pass"),
		asm.Return(),
	}
}

// set changes the rules and forgets what was thrown away.
func (f *filter) set(t *testing.T, r rules) {
	t.Helper()
	if err := f.rules.Put(uint32(0), r); err != nil {
		t.Fatal(err)
	}
}

// gone is how much was thrown away under the present rules.
func (f *filter) gone(t *testing.T) uint64 {
	t.Helper()
	var r rules
	if err := f.rules.Lookup(uint32(0), &r); err != nil {
		t.Fatal(err)
	}
	return r.Gone
}
