package steer

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
	"github.com/catherd/catherd/bpf/internal/netlab"
)

const address = "127.0.0.1:8080"

// lab is a group in a namespace of its own.
type lab struct {
	*testing.T
	ns *netlab.Namespace
	g  *Group
}

// start makes a group. It skips only where the kernel does not let it.
func start(t *testing.T) lab {
	t.Helper()
	g, err := New()
	if errors.Is(err, kern.ErrPermission) || errors.Is(err, kern.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return lab{t, netlab.New(t), g}
}

func fdOf(t *testing.T, l *net.TCPListener) (fd int) {
	t.Helper()
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(f uintptr) { fd = int(f) }); err != nil {
		t.Fatal(err)
	}
	return fd
}

// listen opens a listener of the group and puts it into a generation.
func (b lab) listen(generation, index int) *net.TCPListener {
	b.Helper()
	var l net.Listener
	b.ns.Do(func() (err error) {
		c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
		}}
		c.SetMultipathTCP(false)
		l, err = c.Listen(context.Background(), "tcp4", address)
		return err
	})
	b.Cleanup(func() { l.Close() })
	tcp := l.(*net.TCPListener)
	if err := b.g.Attach(fdOf(b.T, tcp)); err != nil {
		b.Fatal(err)
	}
	if err := b.g.Add(generation, index, fdOf(b.T, tcp)); err != nil {
		b.Fatal(err)
	}
	return tcp
}

// connect opens so many connections, which wait at their listeners.
func (b lab) connect(n int) (all []net.Conn) {
	b.Helper()
	b.ns.Do(func() error {
		for range n {
			c, err := net.Dial("tcp4", address)
			if err != nil {
				return err
			}
			b.Cleanup(func() { c.Close() })
			all = append(all, c)
		}
		return nil
	})
	return all
}

// accept takes what waits at a listener, and returns how many.
func (b lab) accept(l *net.TCPListener, load *Load) (n int) {
	b.Helper()
	// Connections on loopback wait there before the client's connect returns.
	for {
		l.SetDeadline(time.Now().Add(50 * time.Millisecond))
		c, err := l.Accept()
		if err != nil {
			load.Drained()
			return n
		}
		load.Accepted()
		b.Cleanup(func() { c.Close() })
		n++
	}
}

func (b lab) change(generation, listeners int, p Policy) {
	b.Helper()
	if err := b.g.Switch(generation, listeners, p); err != nil {
		b.Fatal(err)
	}
}

func TestGenerations(t *testing.T) {
	b := start(t)
	g := b.g
	a0, a1, b0 := b.listen(1, 0), b.listen(1, 1), b.listen(2, 0)

	b.change(1, 2, PolicyHash)
	b.connect(40)
	n0, n1 := b.accept(a0, g.Load(1, 0)), b.accept(a1, g.Load(1, 1))
	if n0+n1 != 40 || n0 < 5 || n1 < 5 {
		t.Errorf("the first generation got %d and %d of 40", n0, n1)
	}

	// One write moves everything that is new, and nothing that is there.
	waiting := b.connect(10)
	b.change(2, 1, PolicyHash)
	b.connect(20)
	if n := b.accept(b0, g.Load(2, 0)); n != 20 {
		t.Errorf("the second generation got %d of 20", n)
	}
	if n := b.accept(a0, g.Load(1, 0)) + b.accept(a1, g.Load(1, 1)); n != len(waiting) {
		t.Errorf("the first generation kept %d of %d", n, len(waiting))
	}
	if l := g.Load(1, 0); l.Live()+g.Load(1, 1).Live() != 50 || l.Chosen() < 5 || l.Waiting() != 0 {
		t.Errorf("loads: %d and %d live, %d chosen, %d waiting", l.Live(), g.Load(1, 1).Live(), l.Chosen(), l.Waiting())
	}
	generation, listeners, policy, err := g.Choice()
	if err != nil || generation != 2 || listeners != 1 || policy != PolicyHash {
		t.Errorf("choice: %d of %d by %s, %v", listeners, generation, policy, err)
	}
	if c, err := g.Counts(); err != nil || c.Steered != 70 || c.Left != 0 {
		t.Errorf("counts: %+v, %v", c, err)
	}

	// Nobody there: the kernel chooses among all, and nothing is refused.
	if err := g.Forget(2); err != nil {
		t.Fatal(err)
	}
	b.connect(30)
	n := b.accept(a0, g.Load(1, 0)) + b.accept(a1, g.Load(1, 1)) + b.accept(b0, g.Load(2, 0))
	if c, err := g.Counts(); err != nil || n != 30 || c.Left != 30 {
		t.Errorf("%d accepted, counts: %+v, %v", n, c, err)
	}
	b.change(1, 0, PolicyHash)
	b.connect(10)
	if c, err := g.Counts(); err != nil || c.Left != 40 {
		t.Errorf("counts: %+v, %v", c, err)
	}
}

func TestLeastLoaded(t *testing.T) {
	b := start(t)
	g := b.g
	l0, l1 := b.listen(0, 0), b.listen(0, 1)
	b.change(0, 2, PolicyLeastLoaded)

	// One has a hundred connections and the other none.
	for range 100 {
		g.Load(0, 0).Accepted()
	}
	g.Load(0, 0).Drained()
	b.connect(30)
	if n0, n1 := b.accept(l0, g.Load(0, 0)), b.accept(l1, g.Load(0, 1)); n0 != 0 || n1 != 30 {
		t.Errorf("%d and %d, want 0 and 30", n0, n1)
	}
	for range 100 {
		g.Load(0, 0).Closed()
	}
	b.connect(30)
	if n0, n1 := b.accept(l0, g.Load(0, 0)), b.accept(l1, g.Load(0, 1)); n0 != 30 || n1 != 0 {
		t.Errorf("%d and %d, want 30 and 0", n0, n1)
	}

	// What waits counts: one that does not accept gets no more than the other.
	g.Load(0, 0).reset()
	g.Load(0, 1).reset()
	b.connect(40)
	if n0, n1 := b.accept(l0, g.Load(0, 0)), b.accept(l1, g.Load(0, 1)); n0 != 20 || n1 != 20 {
		t.Errorf("%d and %d, want 20 each", n0, n1)
	}
	// The busy one has five that wait, the other is free: all go there.
	g.Load(0, 0).reset()
	g.Load(0, 1).reset()
	g.Load(0, 0).chosen.Store(5)
	for range 20 {
		b.connect(1)
		if n := b.accept(l1, g.Load(0, 1)); n != 1 {
			t.Fatalf("%d connections at the free listener, want 1", n)
		}
		g.Load(0, 1).Closed()
	}
}

func TestClosedListener(t *testing.T) {
	b := start(t)
	g := b.g
	l0, l1 := b.listen(0, 0), b.listen(0, 1)
	b.change(0, 1, PolicyHash)
	clients := b.connect(8)
	// They wait at the first, which is closed without accepting them.
	b.change(0, 2, PolicyHash)
	l0.Close()
	if n := b.accept(l1, g.Load(0, 1)); n != 8 {
		t.Errorf("%d of 8 were moved", n)
	}
	c, err := g.Counts()
	if err != nil || c.Migrated != 8 || c.Left != 0 {
		t.Errorf("counts: %+v, %v", c, err)
	}
	for _, c := range clients {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("a moved connection: %v", err)
		}
	}
	// The empty place is passed over.
	b.connect(20)
	if n := b.accept(l1, g.Load(0, 1)); n != 20 {
		t.Errorf("%d of 20", n)
	}
}

func TestCPU(t *testing.T) {
	b := start(t)
	l0, l1 := b.listen(3, 0), b.listen(3, 1)
	b.change(3, 2, PolicyCPU)
	b.connect(20)
	if n := b.accept(l0, b.g.Load(3, 0)) + b.accept(l1, b.g.Load(3, 1)); n != 20 {
		t.Errorf("%d of 20", n)
	}
	if err := b.g.Detach(fdOf(t, l0)); err != nil {
		t.Error(err)
	}
}

// TestAdopt is another process with the same group: it fills a generation of
// its own and takes over.
func TestAdopt(t *testing.T) {
	b := start(t)
	old := b.listen(1, 0)
	b.change(1, 1, PolicyLeastLoaded)

	var fds []int
	for _, fd := range b.g.Handles() {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, dup)
	}
	g, err := Adopt(fds)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	other := lab{t, b.ns, g}
	fresh := other.listen(2, 0)
	b.connect(5)
	other.change(2, 1, PolicyLeastLoaded)
	b.connect(7)
	if n := b.accept(old, b.g.Load(1, 0)); n != 5 {
		t.Errorf("the old one got %d of 5", n)
	}
	if n := b.accept(fresh, g.Load(2, 0)); n != 7 {
		t.Errorf("the new one got %d of 7", n)
	}
	if n := b.g.Load(2, 0).Live(); n != 7 {
		t.Errorf("the old process sees %d of 7", n)
	}
	// It goes; what it had is moved.
	b.connect(0)
	b.g.Close()
	old.Close()
	b.connect(3)
	if n := b.accept(fresh, g.Load(2, 0)); n != 3 {
		t.Errorf("alone it got %d of 3", n)
	}
}

func TestRefusals(t *testing.T) {
	b := start(t)
	l := b.listen(0, 0)
	fd := fdOf(t, l)
	for what, err := range map[string]error{
		"a socket in two generations": b.g.Add(1, 0, fd),
		"a generation too high":       b.g.Add(Generations, 0, fd),
		"an index too high":           b.g.Add(0, Listeners, fd),
		"a switch too far":            b.g.Switch(Generations, 1, PolicyHash),
		"too many listeners":          b.g.Switch(0, Listeners+1, PolicyHash),
		"no socket":                   b.g.Add(0, 1, -1),
		"forget what is not":          b.g.Forget(-1),
		"attach to no socket":         b.g.Attach(-1),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := Adopt(nil); err == nil {
		t.Error("adopted nothing")
	}
	wrong, err := unix.FcntlInt(uintptr(b.g.Handles()[1]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for range 5 {
		dup, err := unix.FcntlInt(uintptr(wrong), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, dup)
	}
	unix.Close(wrong)
	if _, err := Adopt(fds); err == nil {
		t.Error("adopted a map as a program")
	}
	for p, want := range map[Policy]string{PolicyHash: "hash", PolicyCPU: "cpu", PolicyLeastLoaded: "least-loaded", 9: "policy 9"} {
		if p.String() != want {
			t.Errorf("%d is %q", p, p)
		}
	}
}
