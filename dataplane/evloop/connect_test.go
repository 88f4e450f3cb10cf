package evloop

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connect connects in a task of l.
func connect(t *testing.T, l *Loop, addr string, d time.Duration, detach bool) (s *Sock, err error) {
	t.Helper()
	done := task(l, func(tk *Task) {
		if detach {
			tk.Detach()
		}
		s, err = l.Connect(tk, netip.MustParseAddrPort(addr), d)
	})
	await(t, "connect ends", done)
	return s, err
}

func TestConnect(t *testing.T) {
	l := start(t)
	for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
		ln, err := net.Listen("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		for _, detach := range []bool{false, true} {
			s, err := connect(t, l, ln.Addr().String(), tooLong, detach)
			if err != nil {
				t.Fatalf("%s: %v", host, err)
			}
			nc, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if nc.RemoteAddr().String() != s.LocalAddr().String() || s.RemoteAddr().String() != ln.Addr().String() {
				t.Errorf("%s to %s; the listener sees %s", s.LocalAddr(), s.RemoteAddr(), nc.RemoteAddr())
			}
			if v, err := unix.GetsockoptInt(s.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY); v == 0 || err != nil {
				t.Errorf("no TCP_NODELAY: %d, %v", v, err)
			}
			if _, err := nc.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if n, err := s.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Errorf("read %d, %v", n, err)
			}
			_ = nc.Close()
			_ = s.Close()
		}
		_ = ln.Close()
		if _, err := connect(t, l, ln.Addr().String(), tooLong, false); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s, nobody there: %v", host, err)
		}
	}
}

// A listener whose queue is full drops what comes: nobody answers.
func TestConnectGivesUp(t *testing.T) {
	l := start(t)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	addr := LocalAddr(fd)
	for range 16 { // the first of them fill the queue
		s, err := connect(t, l, addr.String(), 50*time.Millisecond, false)
		if err == nil {
			defer func() { _ = s.Close() }()
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		return
	}
	t.Error("sixteen connections fit a queue of none")
}

func TestConnectTellsWhyItCannot(t *testing.T) {
	l := start(t)
	if _, err := connect(t, l, "255.255.255.255:1", tooLong, false); err == nil {
		t.Error("connected to everybody")
	}
	scoped := netip.AddrPortFrom(netip.MustParseAddr("fe80::1%7"), 1)
	fd, to, err := socket(scoped)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	if in6, ok := to.(*unix.SockaddrInet6); !ok || in6.ZoneId != 7 {
		t.Errorf("the zone is lost: %+v", to)
	}
	if a := addrOf(to); a.String() != "[fe80::1%7]:1" {
		t.Errorf("back as %s", a)
	}
}

func TestAdopt(t *testing.T) {
	l := start(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	s, err := l.Adopt(nc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the old connection can be used: %v", err)
	}
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := s.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if _, err := Descriptor(t); err == nil {
		t.Error("a test has a descriptor")
	}
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	if _, err := l.Adopt(here); err == nil {
		t.Error("a pipe was adopted")
	}
}
