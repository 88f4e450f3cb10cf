package evloop

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tooLong bounds what only a failure takes.
const tooLong = 20 * time.Second

// start makes a loop and stops it when the test ends.
func start(t testing.TB) *Loop {
	t.Helper()
	l, err := New(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { await(t, "the loop ends", l.Stop()) })
	return l
}

// await waits for c to be closed or to have something.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	late := time.NewTimer(tooLong)
	defer late.Stop()
	select {
	case v = <-c:
	case <-late.C:
		t.Fatalf("not in %v: %s", tooLong, what)
	}
	return v
}

// pair gives a Sock of l and the other end, a plain descriptor that blocks.
func pair(t testing.TB, l *Loop) (s *Sock, peer int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	if s, err = l.Add(fds[0], &net.TCPAddr{Port: 1}, &net.TCPAddr{Port: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		_ = unix.Close(fds[1])
	})
	return s, fds[1]
}

// send writes all of b to a descriptor that blocks.
func send(t testing.TB, fd int, b string) {
	t.Helper()
	if n, err := unix.Write(fd, []byte(b)); n != len(b) || err != nil {
		t.Fatalf("sent %d of %d: %v", n, len(b), err)
	}
}

// runner makes a task of a function.
type runner func(*Task)

func (r runner) Run(t *Task) { r(t) }

// task runs f in a task of l; the channel is closed when it has ended.
func task(l *Loop, f func(*Task)) <-chan struct{} {
	done := make(chan struct{})
	l.Do(func() {
		l.Start(runner(func(t *Task) {
			f(t)
			close(done)
		}))
	})
	return done
}

// onLoop runs f on l's thread and waits for it. Events that the kernel had for l
// before the call have been recorded afterwards.
func onLoop(t testing.TB, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	l.Do(func() {
		f()
		close(done)
	})
	await(t, "the loop has a turn", done)
}

// epoch waits until l has asked the kernel anew, so that it knows of everything
// that came before the call.
func epoch(t testing.TB, l *Loop) {
	t.Helper()
	// A turn of the loop that began before the call may be under way; the next
	// one began after it.
	onLoop(t, l, func() {})
	onLoop(t, l, func() {})
}
