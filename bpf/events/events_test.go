package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/catherd/catherd/bpf/internal/kern"
	"github.com/catherd/catherd/bpf/internal/netlab"
)

// start watches members from a namespace. It skips only where the kernel does
// not let it.
func start(t *testing.T, in *netlab.Namespace, members ...netip.AddrPort) *Watch {
	t.Helper()
	var w *Watch
	var why error
	in.Do(func() (err error) {
		w, err = Start(members)
		if errors.Is(err, kern.ErrPermission) || errors.Is(err, kern.ErrUnsupported) {
			why, err = err, nil
		}
		return err
	})
	if why != nil {
		t.Skip(why)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// next returns the next event.
func next(t *testing.T, w *Watch) Event {
	t.Helper()
	if len(pending) == 0 {
		select {
		case pending = <-w.Batches():
		case <-time.After(20 * time.Second):
			t.Fatal("no event comes")
		}
	}
	e := pending[0]
	pending = pending[1:]
	return e
}

// pending is what is left of the last batch.
var pending []Event

func expect(t *testing.T, w *Watch, kind Kind, member netip.AddrPort, local net.Addr) Event {
	t.Helper()
	e := next(t, w)
	port := uint16(0)
	if local != nil {
		port = uint16(local.(*net.TCPAddr).Port)
	}
	if e.Kind != kind || e.Member != member || local != nil && e.LocalPort != port {
		t.Errorf("got %+v, want %s of %s at port %d", e, kind, member, port)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	if age := time.Duration(now.Nano()) - e.At; age < 0 || age > 30*time.Second {
		t.Errorf("%s: %v old", e.Kind, age)
	}
	return e
}

// pair listens, connects and accepts in a namespace.
func pair(t *testing.T, in *netlab.Namespace, network, address string) (client, member *net.TCPConn, l *net.TCPListener) {
	t.Helper()
	in.Do(func() error {
		ln, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		l = ln.(*net.TCPListener)
		client, member, err = connect(l)
		return err
	})
	t.Cleanup(func() { l.Close(); client.Close(); member.Close() })
	return client, member, l
}

func connect(l *net.TCPListener) (client, member *net.TCPConn, err error) {
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	m, err := l.Accept()
	if err != nil {
		return nil, nil, err
	}
	return c.(*net.TCPConn), m.(*net.TCPConn), nil
}

func TestResetAndEnd(t *testing.T) {
	lab := netlab.New(t)
	for _, c := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:8009"}, {"tcp6", "[::1]:8009"},
	} {
		member := netip.MustParseAddrPort(c.address)
		w := start(t, lab, member)
		client, server, l := pair(t, lab, c.network, c.address)

		// The member's end, then ours: only the member's is told.
		server.Close()
		expect(t, w, Closed, member, client.LocalAddr())
		client.Close()

		lab.Do(func() (err error) {
			client, server, err = connect(l)
			return err
		})
		server.SetLinger(0)
		server.Close()
		expect(t, w, Reset, member, client.LocalAddr())
		client.Close()

		// With nobody there any more.
		l.Close()
		lab.Do(func() error {
			if c, err := net.Dial("tcp", c.address); err == nil {
				c.Close()
				return fmt.Errorf("connected to nobody")
			}
			return nil
		})
		if e := expect(t, w, Refused, member, nil); e.Error != syscall.ECONNREFUSED || e.LocalPort == 0 {
			t.Errorf("got %+v", e)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if b, ok := <-w.Batches(); ok {
			t.Errorf("more events: %+v", b)
		}
		if w.Lost() != 0 {
			t.Errorf("lost: %d", w.Lost())
		}
	}
}

// TestOthers has connections to what is no member, to what is one no more, and
// to the member's address in another namespace before one that counts.
func TestOthers(t *testing.T) {
	lab, elsewhere := netlab.New(t), netlab.New(t)
	member := netip.MustParseAddrPort("127.0.0.1:8009")
	former := netip.MustParseAddrPort("127.0.0.1:8011")
	w := start(t, lab, member, former)
	if err := w.Set([]netip.AddrPort{netip.MustParseAddrPort("[::ffff:127.0.0.1]:8009")}); err != nil {
		t.Fatal(err)
	}
	for _, o := range []struct {
		in      *netlab.Namespace
		address string
	}{{lab, "127.0.0.1:8010"}, {lab, "127.0.0.1:8011"}, {lab, "127.0.0.2:8009"}, {elsewhere, "127.0.0.1:8009"}} {
		_, server, _ := pair(t, o.in, "tcp4", o.address)
		server.SetLinger(0)
		server.Close()
	}
	client, server, _ := pair(t, lab, "tcp4", "127.0.0.1:8009")
	server.SetLinger(0)
	server.Close()
	expect(t, w, Reset, member, client.LocalAddr())
	if len(pending) != 0 {
		t.Errorf("more: %+v", pending)
	}
}

// TestSilence has a member whose host is gone: behind a cable whose other end
// has no such address.
func TestSilence(t *testing.T) {
	here, there := netlab.New(t), netlab.New(t)
	here.Veth("in", netip.MustParsePrefix("192.0.2.1/24"), there, "out", netip.MustParsePrefix("192.0.2.2/24"))
	gone := netip.MustParseAddrPort("192.0.2.3:8009")
	alive := netip.MustParseAddrPort("192.0.2.2:8009")
	w := start(t, here, gone, alive)

	var server net.Conn
	var l net.Listener
	there.Do(func() (err error) {
		l, err = net.Listen("tcp4", alive.String())
		return err
	})
	defer l.Close()
	var client net.Conn
	here.Do(func() (err error) {
		client, err = net.Dial("tcp4", alive.String())
		return err
	})
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	// The cable is cut; what is written is never acknowledged.
	there.Down("out")
	if _, err := client.Write([]byte("anybody there?")); err != nil {
		t.Fatal(err)
	}
	if e := expect(t, w, TimedOut, alive, client.LocalAddr()); e.Times < 1 {
		t.Errorf("got %+v", e)
	}
	client.(*net.TCPConn).SetLinger(0)
	client.Close()
	pending = nil

	// A connect is not answered, and sent again after a second.
	here.Do(func() error {
		d := net.Dialer{Timeout: 1500 * time.Millisecond}
		if c, err := d.Dial("tcp4", gone.String()); err == nil {
			c.Close()
			return errors.New("connected to nobody")
		}
		return nil
	})
	for {
		e := next(t, w)
		if e.Member == alive {
			continue // one more that was on its way
		}
		if e.Kind != SYNAgain && e.Kind != Unreachable || e.Member != gone {
			t.Errorf("got %+v", e)
		}
		break
	}
}

// TestNobodyReads keeps the channel's reader away. The programs do not wait for
// it: what the ring has no room for is lost and counted.
func TestNobodyReads(t *testing.T) {
	lab := netlab.New(t)
	member := netip.MustParseAddrPort("127.0.0.1:8009")
	w := start(t, lab, member)
	// A record has 8 bytes before it. What is in the channel has left the ring.
	room := int(w.objs.CatherdEvents.MaxEntries())/(eventSize+8) + (batches+1)*batchSize
	n := room + 100
	lab.Do(func() error {
		for range n {
			if _, err := net.Dial("tcp4", member.String()); err == nil {
				return errors.New("connected to nobody")
			}
		}
		return nil
	})
	lost := int(w.Lost())
	if lost < 100 {
		t.Errorf("lost %d of %d, although there is room for %d", lost, n, room)
	}
	for told := 0; told+lost < n; {
		select {
		case batch := <-w.Batches():
			told += len(batch)
		case <-time.After(20 * time.Second):
			t.Fatalf("told %d, lost %d of %d", told, lost, n)
		}
	}
	// Nobody receives, and it ends all the same.
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	b := make([]byte, eventSize)
	binary.NativeEndian.PutUint64(b, 5e9)
	copy(b[8:], netip.MustParseAddr("::ffff:192.0.2.1").AsSlice())
	binary.NativeEndian.PutUint16(b[24:], 8009)
	binary.NativeEndian.PutUint16(b[26:], 40000)
	binary.NativeEndian.PutUint16(b[28:], uint16(syscall.ETIMEDOUT))
	b[30], b[31] = byte(Lost), 3
	want := Event{Lost, netip.MustParseAddrPort("192.0.2.1:8009"), 40000, 5 * time.Second, syscall.ETIMEDOUT, 3}
	if e, err := parse(b); err != nil || e != want {
		t.Errorf("got %+v, %v", e, err)
	}
	for n := range eventSize {
		if _, err := parse(b[:n]); err == nil {
			t.Errorf("%d bytes are an event", n)
		}
	}
	for k := range Lost + 2 {
		if k.String() == "" {
			t.Errorf("kind %d has no word", k)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	lab := netlab.New(t)
	w := start(t, lab)
	if err := w.Set(make([]netip.AddrPort, maxPeers+1)); err == nil {
		t.Error("more members than there is room for")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error("a second time:", err)
	}
	if err := w.Set(nil); err == nil {
		t.Error("set after the end")
	}
}
