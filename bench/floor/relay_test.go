package main

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// startEcho is a backend that gives back what it gets.
func startEcho(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String())
}

// startRelay is a loop in front of to. It has no end but that of the process.
func startRelay(t *testing.T, to netip.AddrPort) string {
	t.Helper()
	r, err := open(netip.MustParseAddrPort("127.0.0.1:0"), to)
	if err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(r.ls)
	if err != nil {
		t.Fatal(err)
	}
	go func() { t.Errorf("the loop ended: %v", r.run()) }()
	port := sa.(*unix.SockaddrInet4).Port
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String()
}

func TestRelay(t *testing.T) {
	addr := startRelay(t, startEcho(t))
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<15) // more than a buffer
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, err := net.Dial("tcp4", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			for _, n := range []int{1, 100, len(want)} {
				go func() { _, _ = c.Write(want[:n]) }()
				got := make([]byte, n)
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want[:n]) {
					t.Errorf("%d bytes came back as others: %v", n, err)
				}
			}
			_ = c.(*net.TCPConn).CloseWrite()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("the end is not passed on: %d, %v", n, err)
			}
		})
	}
	all.Wait()
}

func TestRelayWithoutBackend(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := netip.MustParseAddrPort(ln.Addr().String())
	_ = ln.Close()
	c, err := net.Dial("tcp4", startRelay(t, gone))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d of nobody", n)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"", "-listen=here", "-listen=127.0.0.1:0", "-listen=127.0.0.1:0 -backend=there",
		"-listen=[::1]:0 -backend=127.0.0.1:1", "-listen=127.0.0.1:0 -backend=127.0.0.1:1 -loops=0", "-no"} {
		if err := run(strings.Fields(args)); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if err := run(strings.Fields("-listen=192.0.2.1:1 -backend=127.0.0.1:1")); err == nil || !strings.Contains(err.Error(), "192.0.2.1:1") {
		t.Errorf("an address of somebody else: %v", err)
	}
}
