package frontend

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestPeersCountPerAddress(t *testing.T) {
	var p peers
	p.init()
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if n := p.enter(a); n < 1 || n > 8 {
					t.Errorf("%d of at most 8", n)
				}
				p.leave(a)
			}
		})
	}
	wg.Wait()
	if n := p.enter(a); n != 1 {
		t.Errorf("a starts with %d", n)
	}
	if n := p.enter(b); n != 1 {
		t.Errorf("b starts with %d: it counts with a", n)
	}
	p.leave(a)
	p.leave(b)
	for i := range p.shards {
		if n := len(p.shards[i].n); n != 0 {
			t.Errorf("shard %d remembers %d addresses nobody comes from", i, n)
		}
	}
}

// Neighbours in a network must not share a few locks only.
func TestPeersAreSpread(t *testing.T) {
	var p peers
	p.init()
	for _, format := range []string{"192.0.2.%d", "10.%d.0.1", "2001:db8::%x"} {
		used := map[*peerShard]bool{}
		for i := range 200 {
			used[p.shard(netip.MustParseAddr(fmt.Sprintf(format, i)))] = true
		}
		if format != "10.%d.0.1" && len(used) < 32 {
			t.Errorf("%s: 200 addresses share %d locks", format, len(used))
		}
	}
}

// failing is a listener whose Accept fails as told and then blocks.
type failing struct {
	errs   chan error
	closed chan struct{}
}

func (f *failing) Accept() (net.Conn, error) {
	select {
	case err := <-f.errs:
		return nil, err
	case <-f.closed:
		return nil, net.ErrClosed
	}
}
func (f *failing) Close() error   { close(f.closed); return nil }
func (f *failing) Addr() net.Addr { return &net.TCPAddr{} }

// Running out of descriptors is no reason to stop listening for ever.
func TestAcceptorDoesNotGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{errs: make(chan error, 20), closed: make(chan struct{})}
		told := 0
		a := &acceptor{Listener: f, group: &group{}, onErr: func(err error) {
			if !errors.Is(err, syscall.EMFILE) {
				t.Errorf("told of %v", err)
			}
			told++
		}}
		for range 20 {
			f.errs <- syscall.EMFILE
		}
		ended := make(chan error, 1)
		go func() {
			_, err := a.Accept()
			ended <- err
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("gave up with %v", err)
		default:
		}
		_ = a.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if told == 0 {
			t.Error("nobody was told")
		}
	})
}

func TestListenErrorsNameTheCause(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for address, want := range map[string]error{ln.Addr().String(): syscall.EADDRINUSE, "192.0.2.77:8080": syscall.EADDRNOTAVAIL} {
		_, err := listenGroup(address, 2)
		var le *ListenError
		if !errors.As(err, &le) || le.Address != address || !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	group, err := listenGroup("127.0.0.1:0", 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range group {
		if l.Addr().String() != group[0].Addr().String() {
			t.Errorf("%s and %s are no group", l.Addr(), group[0].Addr())
		}
		_ = l.Close()
	}
}
