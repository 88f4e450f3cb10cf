package freeport

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// No port is given twice, by whichever of two processes, and each can be listened on.
// A file of its own stands for another process: such locks belong to the open file.
func TestNobodyGetsThemTwice(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var a, b claims
	defer func() { _ = a.file.Close(); _ = b.file.Close() }()
	seen := map[int]bool{}
	for range 100 {
		for _, c := range []*claims{&a, &b} {
			list, err := c.find("127.0.0.1", 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != 3 {
				t.Fatalf("%d ports", len(list))
			}
			for _, port := range list {
				if seen[port] || port < first || port >= last {
					t.Fatalf("port %d: seen %t", port, seen[port])
				}
				seen[port] = true
			}
		}
	}
}

// A pattern is free as a whole, and claimed as a whole.
func TestPattern(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var a, b claims
	defer func() { _ = a.file.Close(); _ = b.file.Close() }()
	offsets := []int{0, 4009, 9009}
	base, err := a.pattern("127.0.0.1", offsets)
	if err != nil || base < first || base+9009 >= last {
		t.Fatalf("%d, %v", base, err)
	}
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	for _, offset := range offsets {
		if ok, err := b.claim(base + offset); ok || err != nil {
			t.Errorf("%d above is not claimed: %v", offset, err)
		}
	}
}

// A claim of another process is respected, and ends with its file.
func TestClaimOfAnother(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var a, b claims
	for _, c := range []*claims{&a, &b} {
		if err := c.open(); err != nil {
			t.Fatal(err)
		}
	}
	defer b.file.Close()
	f := func(c *claims, want bool) {
		t.Helper()
		if got, err := c.claim(20000); got != want || err != nil {
			t.Fatalf("claimed %t, want %t; %v", got, want, err)
		}
	}
	f(&a, true)
	f(&a, false)
	f(&b, false)
	if err := a.file.Close(); err != nil {
		t.Fatal(err)
	}
	f(&b, true)
}

func TestTakenPortIsNotIdle(t *testing.T) {
	list, err := Addresses("127.0.0.2", 2)
	if err != nil || len(list) != 2 || !strings.HasPrefix(list[0], "127.0.0.2:") || list[0] == list[1] {
		t.Fatalf("%q, %v", list, err)
	}
	_, text, err := net.SplitHostPort(list[0])
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, want bool) {
		t.Helper()
		if got := idle("127.0.0.2", port); got != want {
			t.Errorf("%s: idle %t, want %t", what, got, want)
		}
	}
	f("nobody listens", true)
	l, err := net.Listen("tcp", list[0])
	if err != nil {
		t.Fatal(err)
	}
	f("somebody listens by TCP", false)
	_ = l.Close()
	p, err := net.ListenPacket("udp", list[0])
	if err != nil {
		t.Fatal(err)
	}
	f("somebody listens by UDP", false)
	_ = p.Close()
}

func TestWhatCannotBe(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var c claims
	defer func() { _ = c.file.Close() }()
	if _, err := c.find("192.0.2.1", 1); err == nil || !strings.Contains(err.Error(), "find a free port of 192.0.2.1 between ") {
		t.Errorf("an address of nobody: %v", err)
	}
	t.Setenv("TMPDIR", os.DevNull)
	var none claims
	if _, err := none.find("127.0.0.1", 1); err == nil || !strings.HasPrefix(err.Error(), "open the lock of ports: ") {
		t.Errorf("no file: %v", err)
	}
}
