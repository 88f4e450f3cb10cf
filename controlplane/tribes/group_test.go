package tribes

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testGroup returns a group of the administratively scoped range with a port
// that nothing else of this process uses.
func testGroup(t *testing.T, addr string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return netip.AddrPortFrom(netip.MustParseAddr(addr), c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

// sender returns a socket that sends to the group over an interface, from a
// port of its own.
func sender(t *testing.T, group netip.AddrPort, on string) *net.UDPConn {
	t.Helper()
	to := net.UDPAddrFromAddrPort(group)
	if group.Addr().Is6() {
		to.Zone = on
	}
	c, err := net.DialUDP("udp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var serr error
	raw.Control(func(fd uintptr) { serr = sendOver(t, fd, group, on) })
	if serr != nil {
		t.Fatal(serr)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sendOver makes a socket send to groups over an interface.
func sendOver(t *testing.T, fd uintptr, group netip.AddrPort, on string) error {
	t.Helper()
	i, err := net.InterfaceByName(on)
	if err != nil {
		t.Fatal(err)
	}
	if group.Addr().Is4() {
		return unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(i.Index)})
	}
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, i.Index)
}

type heard struct {
	src netip.AddrPort
	b   string
}

// listen runs a group until the test ends and waits until it has joined.
func listen(t *testing.T, cfg GroupConfig) (*Group, <-chan heard) {
	t.Helper()
	g := NewGroup(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	got, joined, done := make(chan heard, 1000), make(chan Notice, 10), make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx, Sink{
			Hear:   func(_ time.Time, src netip.AddrPort, b []byte) { got <- heard{src, string(b)} },
			Notice: func(n Notice) { joined <- n },
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	if n := <-joined; !n.Joined {
		t.Fatal(n.Text)
	}
	return g, got
}

func next(t *testing.T, got <-chan heard) heard {
	t.Helper()
	select {
	case h := <-got:
		return h
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was heard in 10 seconds")
		return heard{}
	}
}

func TestGroupHears(t *testing.T) {
	testHears(t, "239.1.2.3", "lo", "lo")
	testHears(t, "239.1.2.3", "127.0.0.1", "lo")
	testHears(t, "228.0.0.4", "127.0.0.1", "lo")
}

// testHears has two groups hear the same, joined on what cfg names and sent
// over the interface on.
func testHears(t *testing.T, addr, cfg, on string) {
	t.Helper()
	group := testGroup(t, addr)
	g, got := listen(t, GroupConfig{Group: group, Interface: cfg})
	_, again := listen(t, GroupConfig{Group: group, Interface: cfg}) // the port is shared
	c := sender(t, group, on)
	for _, text := range []string{"one", "", "two"} {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		for _, ch := range []<-chan heard{got, again} {
			if h := next(t, ch); h.b != text || h.src.Port() != c.LocalAddr().(*net.UDPAddr).AddrPort().Port() || !h.src.Addr().IsValid() {
				t.Errorf("%s on %q: heard %q from %s, want %q from %s", group, cfg, h.b, h.src, text, c.LocalAddr())
			}
		}
	}
	if facts := g.Facts(); !facts.Joined || facts.Interface != on || facts.Problem != "" || facts.Filter != "off" {
		t.Errorf("facts %+v", facts)
	}
}

// TestGroupHearsOnlyItsGroup: neither unicast nor another group on the same
// port gets through, also when another socket has joined that.
func TestGroupHearsOnlyItsGroup(t *testing.T) {
	group := testGroup(t, "239.1.2.3")
	other := netip.AddrPortFrom(netip.MustParseAddr("239.1.2.4"), group.Port())
	_, got := listen(t, GroupConfig{Group: group, Interface: "lo"})
	_, elsewhere := listen(t, GroupConfig{Group: other, Interface: "lo"})
	unicast, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(group.Port())})
	if err != nil {
		t.Fatal(err)
	}
	defer unicast.Close()
	unicast.Write([]byte("unicast")) // may be refused at once: nobody has that address
	if _, err := sender(t, other, "lo").Write([]byte("other")); err != nil {
		t.Fatal(err)
	}
	if h := next(t, elsewhere); h.b != "other" {
		t.Errorf("the other group heard %q", h.b)
	}
	if _, err := sender(t, group, "lo").Write([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	if h := next(t, got); h.b != "mine" {
		t.Errorf("heard %q", h.b)
	}
}

// TestGroupNeverSends: the socket refuses to send, to its group and to anybody
// else, and while the group is listened to nothing but our own probe arrives.
func TestGroupNeverSends(t *testing.T) { testNeverSends(t, "239.1.2.3", "lo", "127.0.0.1:9") }

func testNeverSends(t *testing.T, addr, on, anybody string) {
	t.Helper()
	group := testGroup(t, addr)
	i, err := net.InterfaceByName(on)
	if err != nil {
		t.Fatal(err)
	}
	file, err := open(group, i)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_, capture := listen(t, GroupConfig{Group: group, Interface: on})
	for _, to := range []netip.AddrPort{group, netip.MustParseAddrPort(anybody)} {
		var serr error
		c.Control(func(fd uintptr) {
			if err := sendOver(t, fd, group, on); err != nil {
				t.Error(err)
			}
			serr = unix.Sendto(int(fd), []byte("sent"), 0, sockaddr(to, i))
		})
		if !errors.Is(serr, syscall.EPIPE) {
			t.Errorf("sending to %s: %v, want a broken pipe", to, serr)
		}
	}
	if _, err := file.Write([]byte("written")); err == nil {
		t.Error("the socket can be written to")
	}
	if _, err := sender(t, group, on).Write([]byte("probe")); err != nil {
		t.Fatal(err)
	}
	if h := next(t, capture); h.b != "probe" {
		t.Errorf("%q was sent to the group", h.b)
	}
}

func TestGroupProblems(t *testing.T) {
	f := func(group, on, want string) {
		t.Helper()
		g := NewGroup(GroupConfig{Group: netip.MustParseAddrPort(group), Interface: on})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var first Notice
		g.Run(ctx, Sink{Notice: func(n Notice) {
			first = n
			cancel()
		}})
		if first.Joined || !strings.Contains(first.Text, want) || !strings.Contains(g.Facts().Problem, want) {
			t.Errorf("%s on %q: %q (joined %t), want %q", group, on, first.Text, first.Joined, want)
		}
	}
	f("239.1.2.3:45564", "nosuch0", `no interface is called "nosuch0"`)
	f("239.1.2.3:45564", "203.0.113.7", "no interface has the address 203.0.113.7")
	f("127.0.0.1:45564", "lo", "join 127.0.0.1: invalid argument")
}

// TestGroupTells: the same trouble is said once.
func TestGroupTells(t *testing.T) {
	g := NewGroup(GroupConfig{Group: netip.MustParseAddrPort("239.1.2.3:45564")})
	notices := 0
	to := Sink{Notice: func(Notice) { notices++ }}
	g.tell(to, false, "interface x is gone")
	g.tell(to, false, "interface x is gone")
	g.tell(to, true, "")
	g.tell(to, true, "")
	g.tell(to, true, "interface x is down")
	g.tell(to, false, "interface x is gone")
	if notices != 4 {
		t.Errorf("%d notices, want 4", notices)
	}
}

// countingFilter stands for a filter of the kernel.
type countingFilter struct{ closed *bool }

func (countingFilter) Dropped() uint64 { return 3 }
func (f countingFilter) Close() error  { *f.closed = true; return nil }

func TestGroupFilter(t *testing.T) {
	closed := false
	var fds []int
	g := NewGroup(GroupConfig{Group: testGroup(t, "239.1.2.3"), Interface: "lo", Attach: func(fd int) (Filter, error) {
		fds = append(fds, fd)
		return countingFilter{&closed}, nil
	}})
	ctx, cancel := context.WithCancel(context.Background())
	g.Run(ctx, Sink{Notice: func(Notice) { cancel() }})
	if len(fds) != 1 || fds[0] < 3 || !closed || g.Facts().Filter != "on" {
		t.Errorf("attached to %v, closed %t, %q", fds, closed, g.Facts().Filter)
	}

	g, got := listen(t, GroupConfig{Group: g.cfg.Group, Interface: "lo", Attach: func(int) (Filter, error) { return nil, errors.New("not permitted") }})
	if _, err := sender(t, g.cfg.Group, "lo").Write([]byte("all the same")); err != nil {
		t.Fatal(err)
	}
	if h := next(t, got); h.b != "all the same" || g.Facts().Filter != "not permitted" {
		t.Errorf("heard %q with filter %q", h.b, g.Facts().Filter)
	}
}

// TestGroupRate: far more than the rate is thrown away, counted and told, and
// what is read keeps to the rate.
func TestGroupRate(t *testing.T) {
	const sent = 3000
	group := testGroup(t, "239.1.2.3")
	g := NewGroup(GroupConfig{Group: group, Interface: "lo", Rate: 10}) // one in 100ms
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var read, lost atomic.Uint64
	joined, told, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx, Sink{
			Hear: func(time.Time, netip.AddrPort, []byte) { read.Add(1) },
			Lost: func(_ time.Time, n uint64) {
				// Most come in one report or in several; the first one past
				// half of them is enough.
				if now := lost.Add(n); now >= sent/2 && now-n < sent/2 {
					close(told)
				}
			},
			Notice: func(Notice) { close(joined) },
		})
	}()
	<-joined
	c := sender(t, group, "lo")
	begin := time.Now()
	for range sent {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	<-told
	cancel()
	<-done
	most := uint64(time.Since(begin)/slot) + 2
	if read.Load() > most || lost.Load()+read.Load() > sent {
		t.Errorf("%d were read (at most %d), %d lost of %d", read.Load(), most, lost.Load(), sent)
	}
	if f := g.Facts(); f.Lost != lost.Load() || f.Datagrams != read.Load() {
		t.Errorf("facts %+v, want %d and %d", f, read.Load(), lost.Load())
	}
}

func TestObserver(t *testing.T) {
	group := testGroup(t, "239.1.2.3")
	events, notices := make(chan Event, 100), make(chan Notice, 10)
	var o *Observer
	o = NewObserver(GroupConfig{Group: group, Interface: "lo"}, Settings{DropAfter: 200 * time.Millisecond, Heartbeat: 50 * time.Millisecond},
		func(es []Event) {
			o.Nodes() // may be asked from here
			for _, e := range es {
				events <- e
			}
		},
		func(n Notice) { notices <- n })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Run(ctx)
	}()
	if n := <-notices; !n.Joined {
		t.Fatal(n.Text)
	}
	b := golden(t)
	c := sender(t, group, "lo")
	want := func(kind EventKind) {
		t.Helper()
		select {
		case e := <-events:
			if e.Kind != kind {
				t.Fatalf("got %v: %s; want %v", e.Kind, e.Text, kind)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event %v in 10 seconds", kind)
		}
	}
	c.Write(b["minimal"])
	want(Appeared)
	if n := o.Nodes(); len(n) != 1 || n[0].Receiver != netip.MustParseAddrPort("127.0.0.1:21100") || n[0].Rewritten {
		t.Errorf("nodes %+v", n)
	}
	want(WentSilent) // without any datagram
	c.Write(b["minimal"])
	want(Returned)
	c.Write(b["shutdown"])
	want(Left)
	if s := o.Status(); s.Heartbeats != 2 || s.Shutdowns != 1 || len(o.Others()) != 0 || !o.Facts().Joined {
		t.Errorf("status %+v, facts %+v", s, o.Facts())
	}
	o.Keep(netip.MustParseAddrPort("127.0.0.1:21100"), true)
	cancel()
	<-done
}
