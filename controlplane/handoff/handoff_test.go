package handoff

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var offer = Message{Kind: Offer, Version: Version, Program: "1.0",
	Sockets: []Socket{{Client, ":8080"}, {Admin, "/run/x.sock"}}, State: json.RawMessage(`{"a":1}`)}

// The bytes are what other versions have to understand.
func TestGolden(t *testing.T) {
	b, err := Append(nil, &Message{Kind: Refused, Why: "no"})
	if want := "cthd\x00\x00\x00\x1d" + `{"kind":"refused","why":"no"}`; err != nil || string(b) != want {
		t.Errorf("%q, %v", b, err)
	}
	b, err = Append(nil, &offer)
	want := `{"kind":"offer","version":1,"program":"1.0","sockets":[{"role":"client","address":":8080"},{"role":"admin","address":"/run/x.sock"}],"state":{"a":1}}`
	if err != nil || string(b[head:]) != want {
		t.Errorf("%q, %v", b, err)
	}
}

func TestTruncated(t *testing.T) {
	b, err := Append(nil, &offer)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		if _, n, err := Parse(b[:i]); !errors.Is(err, ErrMore) || n != 0 {
			t.Fatalf("%d bytes: %d, %v", i, n, err)
		}
	}
	m, n, err := Parse(append(b, "more"...))
	if err != nil || n != len(b) || !reflect.DeepEqual(m, offer) {
		t.Errorf("%+v, %d, %v", m, n, err)
	}
}

func TestParseRefuses(t *testing.T) {
	many, err := json.Marshal(Message{Kind: Offer, Sockets: make([]Socket, maxSockets+1)})
	if err != nil {
		t.Fatal(err)
	}
	size := func(n int) string { return string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) }
	for _, text := range []string{"HTTP/1.1 400", "ctx", "cthd\xff\xff\xff\xff", "cthd\x00\x00\x00\x01{", "cthd" + size(len(many)) + string(many)} {
		if _, n, err := Parse([]byte(text)); err == nil || errors.Is(err, ErrMore) || n != 0 {
			t.Errorf("%.20q: %d, %v", text, n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range []Message{offer, {Kind: Ready}, {Kind: Refused, Why: "no"}} {
		b, err := Append(nil, &m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, n, err := Parse(b)
		if (err == nil) != (n > 0) || n > len(b) {
			t.Fatalf("%d of %d bytes, %v", n, len(b), err)
		}
		if err != nil {
			return
		}
		again, err := Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		if _, k, err := Parse(again); err != nil || k != len(again) {
			t.Fatalf("what was parsed cannot be written: %v", err)
		}
	})
}

// pair is both ends, the second as a process inherits it.
func pair(t *testing.T) (a, b *Link) {
	t.Helper()
	a, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(theirs.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	b, err = Inherit(func(name string) string { return map[string]string{Env: strconv.Itoa(fd)}[name] })
	if err != nil || b == nil {
		t.Fatal(b, err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return a, b
}

// More sockets than one control message takes, and every one of them works.
func TestSocketsTravel(t *testing.T) {
	a, b := pair(t)
	const n = 2*batch + 3
	m := Message{Kind: Offer}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for i := range n {
		m.Sockets = append(m.Sockets, Socket{Client, strconv.Itoa(i)})
		fds = append(fds, int(raw.Fd()))
	}
	sent := make(chan error, 1)
	go func() {
		sent <- errors.Join(a.Send(m, fds, 10*time.Second), a.Send(Message{Kind: Go}, nil, 10*time.Second))
	}()
	got, there, err := b.Receive(10 * time.Second)
	if err != nil || len(there) != n || !reflect.DeepEqual(got.Sockets, m.Sockets) {
		t.Fatalf("%d descriptors of %d sockets, %v", len(there), len(got.Sockets), err)
	}
	if got, _, err := b.Receive(10 * time.Second); err != nil || got.Kind != Go {
		t.Errorf("%+v, %v", got, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	address := ln.Addr().String()
	_ = ln.Close()
	_ = raw.Close()
	for i, fd := range there {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Fatalf("descriptor %d: flags %x, %v", fd, flags, err)
		}
		if i > 0 {
			_ = unix.Close(fd)
		}
	}
	// The last one keeps the socket open.
	f := os.NewFile(uintptr(there[0]), "listener")
	ln, err = net.FileListener(f)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func TestEndAndWrongCounts(t *testing.T) {
	a, b := pair(t)
	if err := a.Send(offer, nil, time.Second); err == nil {
		t.Error("sockets without descriptors were sent")
	}
	if err := a.Send(Message{Kind: Ready}, nil, time.Second); err != nil {
		t.Error(err)
	}
	_ = a.Close()
	if m, _, err := b.Receive(0); err != nil || m.Kind != Ready {
		t.Errorf("%+v, %v", m, err)
	}
	if _, _, err := b.Receive(0); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
}

func TestReceiveGivesUp(t *testing.T) {
	_, b := pair(t)
	if _, _, err := b.Receive(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// An interrupt ends one wait, early or late, and takes no message apart.
func TestInterrupt(t *testing.T) {
	a, b := pair(t)
	b.Interrupt()
	if _, _, err := b.Receive(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("before: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := b.Receive(0)
		done <- err
	}()
	b.Interrupt()
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("meanwhile: %v", err)
	}
	bytes, err := Append(nil, &Message{Kind: Counts, Why: "x"})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan Message, 1)
	go func() {
		m, _, err := b.Receive(0)
		done <- err
		got <- m
	}()
	if _, err := a.c.Write(bytes[:5]); err != nil {
		t.Fatal(err)
	}
	for begun := false; !begun; runtime.Gosched() {
		b.mu.Lock()
		begun = !b.waiting && !b.stopped && peeked(b) == 0
		b.mu.Unlock()
	}
	b.Interrupt()
	if _, err := a.c.Write(bytes[5:]); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("in the middle: %v", err)
	}
	if m := <-got; m.Kind != Counts || m.Why != "x" {
		t.Errorf("%+v", m)
	}
}

// peeked is how many bytes wait to be read.
func peeked(l *Link) (n int) {
	raw, err := l.c.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil {
		return -1
	}
	return n
}

// A link goes on in another process where the first one has stopped.
func TestContinue(t *testing.T) {
	a, b := pair(t)
	if err := errors.Join(a.Send(Message{Kind: Counts, Why: "1"}, nil, time.Second), a.Send(Message{Kind: Counts, Why: "2"}, nil, time.Second)); err != nil {
		t.Fatal(err)
	}
	if m, _, err := b.Receive(time.Second); err != nil || m.Why != "1" {
		t.Errorf("%+v, %v", m, err)
	}
	fd, err := b.Descriptor()
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	c, err := Continue(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if m, _, err := c.Receive(time.Second); err != nil || m.Why != "2" {
		t.Errorf("%+v, %v", m, err)
	}
}

// An offer whose sockets do not come is refused, and nothing leaks.
func TestSocketsThatDoNotCome(t *testing.T) {
	a, b := pair(t)
	bytes, err := Append(nil, &offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.c.Write(append(bytes, 1)); err != nil {
		t.Fatal(err)
	}
	if _, fds, err := b.Receive(10 * time.Second); err == nil || fds != nil {
		t.Errorf("%v, %v", fds, err)
	}
}

func TestInheritNothing(t *testing.T) {
	if l, err := Inherit(func(string) string { return "" }); l != nil || err != nil {
		t.Error(l, err)
	}
	for _, text := range []string{"x", "1", "-4"} {
		if l, err := Inherit(func(string) string { return text }); l != nil || err == nil {
			t.Errorf("%s: %v, %v", text, l, err)
		}
	}
}
