package tribes

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// golden returns the packages of testdata/members.hex by name.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/members.hex")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b
	}
	return out
}

func TestMemberGolden(t *testing.T) {
	g := golden(t)
	f := func(name string, want Member) {
		t.Helper()
		var got Member
		n, err := Parse(g[name], &got)
		if err != nil || n != len(g[name]) {
			t.Fatalf("%s: %d bytes, %v", name, n, err)
		}
		if got.Host != want.Host || got.Port != want.Port || got.SecurePort != want.SecurePort || got.UDPPort != want.UDPPort ||
			got.ID != want.ID || got.Alive != want.Alive || string(got.Command) != string(want.Command) ||
			string(got.Domain) != string(want.Domain) || string(got.Payload) != string(want.Payload) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		if b := want.Append(nil); !bytes.Equal(b, g[name]) {
			t.Errorf("%s: written as %x", name, b)
		}
	}
	f("minimal", Member{Host: netip.MustParseAddr("127.0.0.1"), Port: 21100, SecurePort: -1, UDPPort: -1, ID: ID([]byte("\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")), Alive: 5000})
	f("full", Member{Host: netip.MustParseAddr("10.1.2.3"), Port: 4000, SecurePort: 4443, UDPPort: 4001, ID: ID([]byte("0123456789:;<=>?")), Alive: 5000, Domain: []byte("dom"), Payload: []byte{1, 2, 3, 4}})
	f("shutdown", Member{Host: netip.MustParseAddr("127.0.0.1"), Port: 21100, SecurePort: -1, UDPPort: -1, ID: ID([]byte("\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")), Alive: 5000, Command: []byte("BABY-ALEX")})
	f("ipv6", Member{Host: netip.MustParseAddr("::1"), Port: 21100, SecurePort: -1, UDPPort: -1, ID: ID([]byte("@ABCDEFGHIJKLMNO")), Alive: 5000})
}

func TestMemberTruncated(t *testing.T) {
	var m Member
	for name, b := range golden(t) {
		for n := range b {
			var err error
			want := ErrShort
			if strings.HasPrefix(name, "frame.") {
				_, _, err = ParseFrame(b[:n])
				want = ErrFrameShort
			} else {
				_, err = Parse(b[:n], &m)
			}
			if !errors.Is(err, want) {
				t.Fatalf("%s: the first %d bytes: got %v, want %v", name, n, err, want)
			}
		}
	}
}

func TestMemberTrailing(t *testing.T) {
	b := golden(t)["minimal"]
	var m Member
	n, err := Parse(append(bytes.Clone(b), "more"...), &m)
	if err != nil || n != len(b) {
		t.Errorf("%d bytes, %v; want %d", n, err, len(b))
	}
	if kind, err := ParseDatagram(append(bytes.Clone(b), 0, 0), &m); kind != Heartbeat || err != nil {
		t.Errorf("a heartbeat with trailing bytes: %v, %v", kind, err)
	}
}

func TestMemberRefused(t *testing.T) {
	g := golden(t)
	f := func(name string, want error, change func(b []byte)) {
		t.Helper()
		b := bytes.Clone(g[name])
		change(b)
		var m Member
		if _, err := Parse(b, &m); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if kind, err := ParseDatagram(b, &m); kind != Junk || err == nil {
			t.Errorf("%s as a datagram: got %v, %v", name, kind, err)
		}
	}
	put := func(at int, v int32) func([]byte) {
		return func(b []byte) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
	}
	f("minimal", ErrBegin, func(b []byte) { b[8] = 2 })
	f("minimal", ErrBegin, func(b []byte) { b[0] = 't' })
	f("minimal", ErrEnd, func(b []byte) { b[len(b)-1] = 1 })
	f("minimal", ErrEnd, func(b []byte) { b[67] = 'X' })
	f("minimal", ErrLength, put(10, -1))
	f("minimal", ErrLength, put(10, 48))
	f("minimal", ErrLength, put(10, math.MaxInt32))
	f("minimal", ErrLength, put(10, 52))
	f("minimal", ErrShort, put(10, 54))
	f("minimal", ErrHost, func(b []byte) { b[34] = 0 })
	f("minimal", ErrHost, func(b []byte) { b[34] = 5 })
	f("minimal", ErrHost, func(b []byte) { b[34] = 0xff })
	f("minimal", ErrLength, func(b []byte) { b[34] = 16 })
	f("minimal", ErrLength, put(39, 1))
	f("minimal", ErrLength, put(39, -1))
	f("minimal", ErrLength, put(39, math.MaxInt32))
	f("minimal", ErrLength, put(43, math.MinInt32))
	f("minimal", ErrLength, put(43, 5))
	f("minimal", ErrLength, put(63, 1))
	f("full", ErrLength, put(66, 3))
	f("full", ErrLength, put(66, -4))
}

func TestKinds(t *testing.T) {
	g := golden(t)
	var m Member
	f := func(b []byte, want Kind) {
		t.Helper()
		if got, err := ParseDatagram(b, &m); got != want || (err != nil) != (want == Junk) {
			t.Errorf("%.20q: got %v, %v; want %v", b, got, err, want)
		}
	}
	f(g["minimal"], Heartbeat)
	f(g["ipv6"], Heartbeat)
	f(g["shutdown"], Shutdown)
	f(g["frame.hello"], Frame)
	f(append(bytes.Clone(g["frame.hello"]), g["frame.ack"]...), Frame)
	f(append(bytes.Clone(g["frame.hello"]), "rest"...), Junk)
	f(g["frame.hello"][:30], Junk)
	f([]byte("FLT2002\xff\xff\xff\xff"), Junk)
	f([]byte("FLT2002\x7f\xff\xff\xffTLF2003"), Junk)
	f([]byte("FLT2002\x00\x00\x00\x00TLF2004"), Junk)
	f([]byte("FLT2002\x00\x00\x00\x00TLF2003"), Frame)
	f([]byte("v=1&ready=1&busy=0&port=8009"), Junk)
	f(nil, Junk)
}

func TestFrameGolden(t *testing.T) {
	g := golden(t)
	f := func(name string, want int) {
		t.Helper()
		data, n, err := ParseFrame(g[name])
		if err != nil || n != len(g[name]) || len(data) != want {
			t.Fatalf("%s: %d of %d bytes, %d of data, %v", name, n, len(g[name]), len(data), err)
		}
		if b := AppendFrame(nil, data); !bytes.Equal(b, g[name]) {
			t.Errorf("%s: written as %x", name, b)
		}
	}
	f("frame.hello", 122)
	f("frame.ack", 3)
	f("frame.failack", 3)
}

func TestAge(t *testing.T) {
	f := func(alive int64, want time.Duration) {
		t.Helper()
		if got := (&Member{Alive: alive}).Age(); got != want {
			t.Errorf("%d: got %v, want %v", alive, got, want)
		}
	}
	f(5000, 5*time.Second)
	f(-1, 0)
	f(math.MinInt64, 0)
	f(math.MaxInt64, 876000*time.Hour)
}

func FuzzMember(f *testing.F) {
	for _, b := range golden(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Member
		n, err := Parse(b, &m)
		if (n == 0) != (err != nil) {
			t.Fatalf("%d bytes and %v", n, err)
		}
		if err == nil {
			if again := m.Append(nil); !bytes.Equal(again, b[:n]) {
				t.Fatalf("%x is written as %x", b[:n], again)
			}
			if _, err := Parse(b[:n-1], &m); err != ErrShort {
				t.Fatalf("one byte less: %v", err)
			}
		}
		data, n, err := ParseFrame(b)
		if (n == 0) != (err != nil) {
			t.Fatalf("frame: %d bytes and %v", n, err)
		}
		if err == nil && !bytes.Equal(AppendFrame(nil, data), b[:n]) {
			t.Fatalf("frame %x is not written back", b[:n])
		}
		kind, err := ParseDatagram(b, &m)
		if (kind == Junk) != (err != nil) {
			t.Fatalf("%v and %v", kind, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data := golden(b)["full"]
	var m Member
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseDatagram(data, &m); err != nil {
			b.Fatal(err)
		}
	}
}
