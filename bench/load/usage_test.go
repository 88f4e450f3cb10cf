package load

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childEnv turns the test binary into a process that burns 50 ms of CPU for
// every line it reads and says so.
const childEnv = "CATHERD_LOAD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			burn(50 * time.Millisecond)
			_, _ = os.Stdout.WriteString("done\n")
		}
		return
	}
	os.Exit(m.Run())
}

// burn spins until this process's own clock, as getrusage(2) tells it, has moved.
func burn(d time.Duration) {
	for end := ownCPU() + d; ownCPU() < end; {
	}
}

func ownCPU() time.Duration {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func startChild(t *testing.T) (pid int, work func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	return cmd.Process.Pid, func() {
		t.Helper()
		if _, err := in.Write([]byte("go\n")); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal("child ended")
		}
	}
}

func TestMeasureFollowsChildren(t *testing.T) {
	pid, work := startChild(t)
	before, err := Measure(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := before[pid]; !ok {
		t.Fatalf("child %d is not in %v", pid, before)
	}
	work()
	after, err := Measure(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The child burned at least 50 ms by another clock; 10 ms for the two
	// clocks' ticks. No upper bound: that would test the machine.
	if spent := after[pid] - before[pid]; spent < 40*time.Millisecond {
		t.Errorf("child spent %v, want at least 40ms", spent)
	}
	if spent, lost := after.Since(before); spent < 40*time.Millisecond || lost != 0 {
		t.Errorf("tree spent %v, %d lost", spent, lost)
	}
}

func TestSince(t *testing.T) {
	f := func(earlier, later Usage, want time.Duration, wantLost int) {
		t.Helper()
		if spent, lost := later.Since(earlier); spent != want || lost != wantLost {
			t.Errorf("%v since %v: %v and %d lost, want %v and %d", later, earlier, spent, lost, want, wantLost)
		}
	}
	f(Usage{1: 10}, Usage{1: 15}, 5, 0)
	f(Usage{1: 10}, Usage{1: 15, 2: 3}, 8, 0)
	f(Usage{1: 10, 2: 7}, Usage{1: 15}, 5, 1)
}

func TestTree(t *testing.T) {
	pid, _ := startChild(t)
	tree, err := Tree(os.Getpid())
	if err != nil || tree[0] != os.Getpid() || !slices.Contains(tree, pid) {
		t.Errorf("tree of %d: %v, %v, want %d in it", os.Getpid(), tree, err, pid)
	}
	if tree, err = Tree(pid); err != nil || len(tree) != 1 {
		t.Errorf("tree of %d: %v, %v, want it alone", pid, tree, err)
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("no such process: accepted")
	}
}

func TestParentOf(t *testing.T) {
	f := func(stat string, want int, wantOK bool) {
		t.Helper()
		if got, ok := parentOf([]byte(stat)); got != want || ok != wantOK {
			t.Errorf("%q: %d %v, want %d %v", stat, got, ok, want, wantOK)
		}
	}
	f("12 (apache2) S 7 12 12 0", 7, true)
	f("12 (a) R 9 (b)) S 7 12", 7, true)
	f("12 apache2 S 7", 0, false)
	f("12 (x) S", 0, false)
	f("12 (x) S y", 0, false)
}

func TestPSS(t *testing.T) {
	before, err := PSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block, err := unix.Mmap(-1, 0, 32<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(block) }()
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := PSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The runtime may give pages back meanwhile; half of it must be seen.
	if grown := after - before; grown < 16<<20 {
		t.Errorf("32 MiB written, memory grew by %d bytes", grown)
	}
}

func TestPSSOf(t *testing.T) {
	f := func(text string, want int64, wantOK bool) {
		t.Helper()
		if got, ok := pssOf([]byte(text)); got != want || ok != wantOK {
			t.Errorf("%q: %d %v, want %d %v", text, got, ok, want, wantOK)
		}
	}
	f("00400000-7ffe ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nPss:     812 kB\nPss_Dirty: 3 kB\n", 812, true)
	f("Pss_Dirty: 3 kB\n", 0, false)
	f("Pss: x kB\n", 0, false)
	f("Pss: 3 MB\n", 0, false)
	f("Pss: 3\n", 0, false)
}
