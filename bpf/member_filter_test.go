package bpf

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// attach makes a receiving socket with the filter on it and a socket that
// sends to it. It skips only when the kernel says that it is not permitted or
// offered.
func attach(t *testing.T) (to *net.UDPConn, from *net.UDPConn, f *MemberFilter) {
	t.Helper()
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { to.Close() })
	c, err := to.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := c.Control(func(fd uintptr) { f, err = AttachMemberFilter(int(fd)) }); cerr != nil {
		t.Fatal(cerr)
	}
	if errors.Is(err, ErrPermission) || errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	from, err = net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	return to, from, f
}

func TestMemberFilter(t *testing.T) {
	to, from, f := attach(t)
	pad := func(begin string, size int) []byte {
		return append([]byte(begin), bytes.Repeat([]byte{'x'}, size-len(begin))...)
	}
	// Loopback delivers in order, so everything before the last datagram has
	// been judged once that has come.
	sent := []struct {
		b    []byte
		pass bool
	}{
		{pad("TRIBES-B\x01\x00", 73), true},
		{pad("TRIBES-B\x01\x00", 72), false},
		{pad("TRIBES-C\x01\x00", 77), false},
		{pad("TRIBES", 300), false},
		{pad("tribes-b", 300), false},
		{nil, false},
		{[]byte("TRIBES-B"), false},
		{pad("FLT2002", 140), true},
		{pad("FLT2003", 140), false},
		{pad("FLT2012", 140), false},
		{pad("v=1&ready=1&busy=2&port=8009", 100), false},
		{[]byte(strings.Repeat("A", 60000)), false},
		{pad("TRIBES-B\x01\x00", 60000), true},
		{pad("TRIBES-B\x01\x00last", 90), true},
	}
	var want []int
	var dropped uint64
	for _, s := range sent {
		if _, err := from.Write(s.b); err != nil {
			t.Fatal(err)
		}
		if s.pass {
			want = append(want, len(s.b))
		} else {
			dropped++
		}
	}
	to.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 1<<16)
	for _, size := range want {
		n, err := to.Read(buf)
		if err != nil {
			t.Fatalf("waiting for %d bytes: %v", size, err)
		}
		if n != size {
			t.Fatalf("got %d bytes, want the datagram of %d", n, size)
		}
	}
	passed, refused, err := f.Counts()
	if err != nil || passed != uint64(len(want)) || refused != dropped {
		t.Errorf("counts: passed %d, refused %d, %v; want %d and %d", passed, refused, err, len(want), dropped)
	}
	if f.Dropped() != dropped {
		t.Errorf("Dropped: %d, want %d", f.Dropped(), dropped)
	}
	to.SetReadDeadline(time.Now())
	if n, err := to.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one more came: %d bytes, %v", n, err)
	}
}

func TestRefusals(t *testing.T) {
	_, err := AttachMemberFilter(-1)
	if err == nil {
		t.Fatal("attached to no socket")
	}
	if !strings.Contains(err.Error(), "member filter") {
		t.Errorf("the error does not name the filter: %v", err)
	}
}
