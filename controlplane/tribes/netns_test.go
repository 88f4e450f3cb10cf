package tribes

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of this file need an interface that may come and go, and IPv6
// multicast, which loopback does not route. They run this test binary again in
// a network namespace of its own.
const inNamespace = "CATHERD_TEST_NAMESPACE"

func TestNamespace(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		t.Run("hears", insideHears)
		t.Run("never_sends", insideNeverSends)
		t.Run("interface", insideInterface)
		return
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("no network namespace: %v", err)
	}
	if err != nil || strings.Count(string(out), "--- PASS: TestNamespace/") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

// inside makes the interface d0, with addresses and a cable to d1.
func inside(t *testing.T) {
	t.Helper()
	run(t, "link add d0 type veth peer name d1")
	run(t, "link set d1 up")
	run(t, "addr add 10.77.0.1/24 dev d0")
	run(t, "addr add fd77::1/64 dev d0 nodad")
	run(t, "link set d0 up")
	run(t, "route add default dev d0")
	t.Cleanup(func() { exec.Command("ip", "link", "del", "d0").Run() })
}

func run(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func insideHears(t *testing.T) {
	inside(t)
	testHears(t, "239.1.2.3", "d0", "d0")
	testHears(t, "239.1.2.3", "10.77.0.1", "d0")
	testHears(t, "ff02::4:5", "d0", "d0")
	testHears(t, "ff05::4:5", "fd77::1", "d0")
	testHears(t, "ff05::4:5", "", "d0") // the routes choose
}

func insideNeverSends(t *testing.T) {
	inside(t)
	testNeverSends(t, "239.1.2.3", "d0", "10.77.0.2:9")
	testNeverSends(t, "ff05::4:5", "d0", "[fd77::2]:9")
}

// insideInterface: an interface that goes down is said, one that goes away
// is joined again when it is back.
func insideInterface(t *testing.T) {
	inside(t)
	group := testGroup(t, "239.1.2.3")
	g := NewGroup(GroupConfig{Group: group, Interface: "d0"})
	g.look = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	notices, done := make(chan Notice, 10), make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx, Sink{Notice: func(n Notice) { notices <- n }})
	}()
	want := func(joined bool, text string) {
		t.Helper()
		select {
		case n := <-notices:
			if n.Joined != joined || !strings.HasSuffix(n.Text, text) {
				t.Fatalf("got %q, want %q", n.Text, text)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no notice in 20 seconds, want %q", text)
		}
	}
	want(true, " on d0")
	run(t, "link set d0 down")
	want(true, "but interface d0 is down")
	run(t, "link set d0 up")
	want(true, " on d0")
	run(t, "link del d0")
	want(false, "is not heard: interface d0 is gone")
	want(false, `no interface is called "d0"`)
	inside(t)
	want(true, " on d0")
	cancel()
	<-done
}
