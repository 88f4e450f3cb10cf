package bpf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/guard"
	"github.com/catherd/catherd/bpf/internal/netlab"
)

// childName tells a test process that it is the child of TestKilled, by the
// index of the interface to guard. Its namespace is descriptor 3.
const childName = "CATHERD_TEST_GUARD"

func TestMain(m *testing.M) {
	if index := os.Getenv(childName); index != "" {
		err := child(index)
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child guards an interface until it is killed.
func child(index string) error {
	i, err := strconv.Atoi(index)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // a namespace belongs to a thread
	if err := unix.Setns(3, unix.CLONE_NEWNET); err != nil {
		return err
	}
	g, err := guard.New(guard.Rules{Serve: []guard.Endpoint{{First: 80}}, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	if err != nil {
		return err
	}
	if _, err := g.Attach(i, guard.TCX); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = bufio.NewReader(os.Stdin).ReadByte()
	return err
}

// inventory skips only where the process may not look.
func inventory(t *testing.T) []Program {
	t.Helper()
	all, err := Inventory()
	if errors.Is(err, ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKilled kills a process whose guard lets nobody in. Nothing of it stays.
func TestKilled(t *testing.T) {
	inventory(t)
	here, there := netlab.New(t), netlab.New(t)
	here.Veth("in", netip.MustParsePrefix("192.0.2.1/24"), there, "out", netip.MustParsePrefix("192.0.2.2/24"))
	here.Do(func() error {
		l, err := net.Listen("tcp4", ":80")
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	})
	dial := func(wait time.Duration) (err error) {
		there.Do(func() error {
			var c net.Conn
			if c, err = net.DialTimeout("tcp4", "192.0.2.1:80", wait); err == nil {
				c.Close()
			}
			return nil
		})
		return err
	}

	ns, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", here.FD()))
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	index := here.Index("in")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childName, index))
	cmd.ExtraFiles = []*os.File{ns}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}

	var timeout net.Error
	if err := dial(200 * time.Millisecond); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the guard lets in: %v", err)
	}
	where := "tcx of " + interfaceName(uint32(index))
	guards := func() (n int) {
		for _, p := range inventory(t) {
			if p.Name == "catherd_tcx" && len(p.Where) == 1 && strings.HasPrefix(p.Where[0], where) {
				n++
			}
		}
		return n
	}
	before := guards()
	if before == 0 {
		t.Errorf("no guard at %q in the inventory: %+v", where, inventory(t))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	// The kernel lets go of it a moment after the process is gone.
	for end := time.Now().Add(10 * time.Second); guards() >= before; {
		if time.Now().After(end) {
			t.Fatalf("the guard is still there: %+v", inventory(t))
		}
	}
	if err := dial(10 * time.Second); err != nil {
		t.Errorf("after the process is gone: %v", err)
	}
}

func TestInventory(t *testing.T) {
	inventory(t)
	runs, err := CountRuns()
	if err != nil {
		t.Fatal(err)
	}
	defer runs.Close()
	_, from, f := attach(t)
	info, err := f.program.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	if _, err := from.Write(bytes.Repeat([]byte{'x'}, 100)); err != nil {
		t.Fatal(err)
	}
	for _, p := range inventory(t) {
		if p.ID != uint32(id) {
			continue
		}
		if p.Name != "catherd_members" || p.Kind != "SocketFilter" || p.Runs != 1 || p.Time <= 0 || len(p.Where) != 0 {
			t.Errorf("got %+v", p)
		}
		if age := time.Since(p.Loaded); age < -time.Second || age > time.Minute {
			t.Errorf("loaded %v ago", age)
		}
		return
	}
	t.Errorf("not there: %+v", inventory(t))
}

func TestDetach(t *testing.T) {
	lab := netlab.New(t)
	index := lab.Index("lo")
	g, err := guard.New(guard.Rules{})
	if errors.Is(err, ErrPermission) || errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	before := map[uint32]bool{}
	for _, p := range inventory(t) {
		before[p.ID] = len(p.Where) > 0
	}
	lab.Do(func() error {
		_, err := g.Attach(index, guard.TCX)
		return err
	})
	// Only the one that is new: others belong to tests of other packages.
	ours := map[uint32]bool{}
	for _, p := range inventory(t) {
		if attached, known := before[p.ID]; known && !attached && len(p.Where) > 0 && p.Name == "catherd_tcx" {
			ours[p.ID] = true
		}
	}
	if len(ours) == 0 {
		t.Fatalf("not attached: %+v", inventory(t))
	}
	if err := detach(ours); err != nil {
		t.Fatal(err)
	}
	for _, p := range inventory(t) {
		for _, at := range p.Where {
			if ours[p.ID] && at != "tcx of an interface that is gone" {
				t.Errorf("still attached: %+v", p)
			}
		}
	}
}

func TestUnpin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "catherd")
	if err := Unpin(dir); err != nil {
		t.Errorf("what is not there: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Unpin(dir); err == nil || !strings.Contains(err.Error(), "no BPF file system") {
		t.Errorf("a plain directory: %v", err)
	}
	if err := Unpin("/sys/fs/bpf"); err == nil || !strings.Contains(err.Error(), "not called after") {
		t.Errorf("everybody's: %v", err)
	}
	err := unix.Mount("bpf", dir, "bpf", 0, "")
	if errors.Is(err, unix.EPERM) {
		t.Skip("mount a BPF file system: not permitted")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "catherd_test", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Mkdir(filepath.Join(dir, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, pin := range []string{"one", "deep/two"} {
		if c, err := m.Clone(); err != nil {
			t.Fatal(err)
		} else if err := c.Pin(filepath.Join(dir, pin)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Unpin(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}
