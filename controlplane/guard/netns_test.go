package guard

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/guard"
)

// The tests of this file use the kernel's own guard. They run this test binary again in
// a network namespace of its own, and once more as another host at the end of a cable.
const inNamespace = "CATHERD_TEST_NAMESPACE"

func TestNamespace(t *testing.T) {
	switch os.Getenv(inNamespace) {
	case "here":
		t.Run("group", insideGroup)
		t.Run("group6", insideGroup6)
		t.Run("interface", insideInterface)
		t.Run("edge", insideEdge)
		t.Run("killed", insideKilled)
		return
	case "keeper":
		denyAll(t)
		return
	case "there":
		otherHost()
		return
	}
	if os.Getenv("KERNEL") == "off" {
		t.Skip("KERNEL=off")
	}
	if f := guard.Probe(); !f.Can {
		t.Skip(f.Missing)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=here")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("no network namespace: %v", err)
	}
	if err != nil || strings.Count(string(out), "--- PASS: TestNamespace/") != 5 {
		t.Errorf("%v\n%s", err, out)
	}
}

func run(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// cable makes the interface d0, whose other end is d1.
func cable(t *testing.T) {
	t.Helper()
	run(t, "link set lo up")
	run(t, "link add d0 type veth peer name d1")
	run(t, "link set d1 up")
	run(t, "addr add 10.77.0.1/24 dev d0")
	run(t, "addr add fd77::1/64 dev d0 nodad")
	run(t, "link set d0 up")
}

func cut() { _ = exec.Command("ip", "link", "del", "d0").Run() }

// keeper makes a keeper of the system's guard and fails the test with what goes wrong.
func keeper(t *testing.T, w Wish) *Keeper {
	t.Helper()
	k := New(Options{Tell: func(e Event) { t.Log(e.Text) }})
	t.Cleanup(k.Close)
	w.Require = true
	if err := k.Set(w); err != nil {
		t.Fatal(err)
	}
	return k
}

// golden are the datagrams that Tomcat 7 to 11 send to a group. Acknowledgements are
// frames as well, and only sent on connections (ReplicationTransmitter).
func golden(t *testing.T) (out [][]byte) {
	t.Helper()
	text, err := os.ReadFile("../tribes/testdata/members.hex")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") || strings.HasSuffix(name, "ack") {
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if len(out) < 5 {
		t.Fatalf("%d datagrams", len(out))
	}
	return out
}

// groupSocket listens to a group on d0, and sends to it from there.
func groupSocket(t *testing.T, group netip.AddrPort) (to *net.UDPConn, send func([]byte)) {
	t.Helper()
	i, err := net.InterfaceByName("d0")
	if err != nil {
		t.Fatal(err)
	}
	to, err = net.ListenMulticastUDP("udp", i, net.UDPAddrFromAddrPort(group))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { to.Close() })
	if err := to.SetReadBuffer(8 << 20); err != nil {
		t.Fatal(err)
	}
	network, local := "udp4", "10.77.0.1:0"
	if group.Addr().Is6() {
		network, local = "udp6", "[fd77::1]:0"
	}
	from, err := net.ListenPacket(network, local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	raw, err := from.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var oerr error
	err = raw.Control(func(fd uintptr) {
		if group.Addr().Is6() {
			oerr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, i.Index)
		} else {
			oerr = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(i.Index)})
		}
	})
	if err != nil || oerr != nil {
		t.Fatal(err, oerr)
	}
	return to, func(b []byte) {
		t.Helper()
		if _, err := from.WriteTo(b, net.UDPAddrFromAddrPort(group)); err != nil {
			t.Fatal(err)
		}
	}
}

// heard reads what has arrived. What a host sends to itself has arrived when the call
// that sends it returns.
func heard(t *testing.T, to *net.UDPConn) (n int) {
	t.Helper()
	b := make([]byte, 65536)
	for ; ; n++ {
		if err := to.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Read(b); errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func insideGroup(t *testing.T)  { testGroup(t, netip.MustParseAddrPort("228.0.0.4:45564")) }
func insideGroup6(t *testing.T) { testGroup(t, netip.MustParseAddrPort("[ff05::4:5]:45564")) }

// testGroup: nothing that real Tomcats send is dropped, at the pace of 64 nodes on one
// host and more; of a flood next to nothing arrives.
func testGroup(t *testing.T, group netip.AddrPort) {
	cable(t)
	defer cut()
	k := keeper(t, Wish{Groups: []Group{{At: group, Interface: "d0", Every: 500 * time.Millisecond}}})
	s := k.Status()
	if s.State != AtWork || len(s.Interfaces) != 1 || s.Interfaces[0] != (GuardedStatus{Name: "d0", Mode: "tcx"}) {
		t.Fatalf("%+v", s)
	}
	to, send := groupSocket(t, group)
	all := golden(t)
	for _, b := range all {
		send(b)
	}
	if n := heard(t, to); n != len(all) {
		t.Errorf("%d of %d datagrams of Tomcats arrived", n, len(all))
	}
	// Two heartbeats of 64 nodes a second for five seconds, all at once.
	for range 5 * 2 * 64 {
		send(all[0])
	}
	if n := heard(t, to); n != 640 {
		t.Errorf("%d of 640 heartbeats arrived", n)
	}
	for rule, n := range k.Status().Drops {
		if n != 0 {
			t.Errorf("%s: %d dropped", rule, n)
		}
	}
	const many = 20_000
	for range many {
		send(all[0])
	}
	for range 1000 {
		send([]byte("what no member sends"))
	}
	send(append(bytes.Clone(all[0]), all[0]...))
	n, drops := heard(t, to), k.Status().Drops
	if n > many/4 || uint64(n)+drops["group too fast"]+drops["group flood"] < many {
		t.Errorf("%d of a flood arrived, dropped: %v", n, drops)
	}
	if drops["group not a member"] < 1000 {
		t.Errorf("dropped: %v", drops)
	}
}

// insideInterface: the guard comes and goes with its interface, and with the file.
func insideInterface(t *testing.T) {
	group := netip.MustParseAddrPort("228.0.0.4:45564")
	wish := Wish{Groups: []Group{{At: group, Interface: "d0"}}}
	k := keeper(t, wish)
	on := func(want int, when string) {
		t.Helper()
		k.tick()
		if s := k.Status(); s.State != AtWork || len(s.Interfaces) != want {
			t.Errorf("%s: %+v", when, s)
		}
	}
	on(0, "no interface yet")
	cable(t)
	on(1, "it is there")
	run(t, "link set d0 down")
	on(1, "it is down")
	run(t, "link set d0 up")
	on(1, "it is up")
	cut()
	on(0, "it is gone")
	cable(t)
	defer cut()
	on(1, "it is back")
	to, send := groupSocket(t, group)
	send([]byte("what no member sends"))
	if n := heard(t, to); n != 0 {
		t.Errorf("the guard is not at work on the interface that is back")
	}
	if err := k.Set(Wish{}); err != nil {
		t.Fatal(err)
	}
	if s := k.Status(); s.State != Unused || len(s.Interfaces) != 0 {
		t.Errorf("without groups: %+v", s)
	}
	send([]byte("what no member sends"))
	if n := heard(t, to); n != 1 {
		t.Errorf("%d datagrams without a guard", n)
	}
}

// insideEdge: a denied host is dropped and counted, who is allowed is not, and only what
// is served is guarded.
func insideEdge(t *testing.T) {
	cable(t)
	defer cut()
	h := another(t)
	listen := func(at string) {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	listen("10.77.0.1:8080")
	listen("10.77.0.1:2222")
	wish := Wish{Serve: []Door{{Addr: netip.MustParseAddr("10.77.0.1"), Port: 8080}}, Auto: true,
		Deny: []netip.Prefix{netip.MustParsePrefix("10.77.0.64/26")}, Allow: []netip.Prefix{netip.MustParsePrefix("10.77.0.67/32")}}
	k := keeper(t, wish)
	if s := k.Status(); len(s.Interfaces) != 1 || s.Interfaces[0] != (GuardedStatus{Name: "d0", Mode: "xdp"}) {
		t.Fatalf("%+v", s.Interfaces)
	}
	connects := func(from, to string, want bool) {
		t.Helper()
		if got := h.dial(t, from, to); got != want {
			t.Errorf("%s connects to %s: %t", from, to, got)
		}
	}
	denied := func(p string) (n uint64) {
		t.Helper()
		for _, r := range k.Status().Rules {
			if r.Rule == "deny" && r.Prefix.String() == p {
				return r.Packets
			}
		}
		t.Errorf("there is no rule for %s", p)
		return 0
	}
	connects("10.77.0.2", "10.77.0.1:8080", true)
	connects("10.77.0.66", "10.77.0.1:2222", true)
	connects("10.77.0.67", "10.77.0.1:8080", true)
	if n := denied("10.77.0.64/26"); n != 0 {
		t.Errorf("%d packets of nobody who is denied", n)
	}
	connects("10.77.0.66", "10.77.0.1:8080", false)
	sent := h.burst(t, "10.77.0.66", "10.77.0.1:8080", 500)
	if n := denied("10.77.0.64/26"); n < sent+1 || n > sent+20 {
		t.Errorf("%d packets of %d and a connect are counted", n, sent)
	}
	// An operator's word, and its end.
	change := func(c Change) Result {
		t.Helper()
		c.Owner = "ops"
		r, err := k.Change(c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	change(Change{Verb: AddDeny, Prefix: netip.MustParsePrefix("10.77.0.2/32")})
	connects("10.77.0.2", "10.77.0.1:8080", false)
	change(Change{Verb: Remove, Prefix: netip.MustParsePrefix("10.77.0.2/32")})
	connects("10.77.0.2", "10.77.0.1:8080", true)
	change(Change{Verb: AddAllow, Prefix: netip.MustParsePrefix("10.77.0.66/32")})
	connects("10.77.0.66", "10.77.0.1:8080", true)
	// IPv6 is no IPv4: ::/0 leaves those alone whose addresses have four bytes.
	change(Change{Verb: AddDeny, Prefix: netip.MustParsePrefix("::/0")})
	connects("10.77.0.2", "10.77.0.1:8080", true)
	// A dry run only counts.
	wish.DryRun = true
	if err := k.Set(wish); err != nil {
		t.Fatal(err)
	}
	change(Change{Verb: Remove, Prefix: netip.MustParsePrefix("10.77.0.66/32")})
	before := denied("10.77.0.64/26")
	connects("10.77.0.66", "10.77.0.1:8080", true)
	if n := denied("10.77.0.64/26"); n <= before {
		t.Errorf("a dry run does not count: %d, then %d", before, n)
	}
}

// insideKilled: a process that guards and is killed leaves nothing that blocks.
func insideKilled(t *testing.T) {
	cable(t)
	defer cut()
	h := another(t)
	l, err := net.Listen("tcp", "10.77.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespace$")
	cmd.Env = append(os.Environ(), inNamespace+"=keeper")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe() // never written to: it reads until it is killed
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "guarding\n" {
		t.Errorf("the other process says %q, %v", line, err)
	}
	if h.dial(t, "10.77.0.2", "10.77.0.1:8080") {
		t.Error("who is denied connects")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // killed
	if !h.dial(t, "10.77.0.2", "10.77.0.1:8080") {
		t.Error("a guard that was killed blocks")
	}
}

// denyAll is the process that insideKilled kills.
func denyAll(t *testing.T) {
	k := New(Options{})
	err := k.Set(Wish{Require: true, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Interfaces: []string{"d0"},
		Serve: []Door{{Port: 8080}}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("guarding")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
