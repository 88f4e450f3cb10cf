package netlab

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Namespace is a network of its own. Its loopback is up.
type Namespace struct {
	t    *testing.T
	work chan func() // run by the goroutine that holds the thread; closed at the end
	file *os.File
}

// New makes a namespace that lives as long as the test. It skips the test only
// where the process may not make one.
func New(t *testing.T) *Namespace {
	t.Helper()
	n := &Namespace{t: t, work: make(chan func())}
	ready := make(chan error)
	done := make(chan struct{})
	// Ends when work is closed. The thread is never unlocked, so that it ends
	// too and nobody else inherits its namespace.
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			ready <- err
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		n.file = f
		ready <- err
		for f := range n.work {
			f()
		}
	}()
	err := <-ready
	if errors.Is(err, unix.EPERM) {
		t.Skip("make a network namespace: not permitted")
	}
	if err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() {
		close(n.work)
		<-done
		n.file.Close()
	})
	n.Up("lo")
	return n
}

// Do runs f on the thread of the namespace. f must not end the goroutine, so it
// returns what went wrong, and Do ends the test then.
func (n *Namespace) Do(f func() error) {
	n.t.Helper()
	err := make(chan error, 1)
	n.work <- func() { err <- f() }
	if err := <-err; err != nil {
		n.t.Fatal(err)
	}
}

// FD returns the descriptor of the namespace.
func (n *Namespace) FD() int { return int(n.file.Fd()) }
