package ajp

import (
	"testing"
)

// TestSplitTruncated cuts every captured packet at every length: no prefix may pass,
// and what Split says it needs must grow towards the truth, never beyond it.
func TestSplitTruncated(t *testing.T) {
	packets(t, func(tb testing.TB, s step, _ bool) {
		split := Split
		if s.out {
			split = SplitRequest
		}
		if s.want == ErrMagic || s.total != 0 {
			return
		}
		for i := range len(s.bytes) {
			payload, n, need, err := split(s.bytes[:i], DefaultPacket)
			if payload != nil || n != 0 || err != nil {
				tb.Fatalf("prefix of %d bytes: n %d, %v", i, n, err)
			}
			want := HeadLen
			if i >= HeadLen {
				want = len(s.bytes)
			}
			if need != want {
				tb.Fatalf("prefix of %d bytes: need %d, want %d", i, need, want)
			}
		}
	})
}

// TestParseTruncated cuts the payload of every captured packet: every proper prefix
// must be refused by the parser of its type.
func TestParseTruncated(t *testing.T) {
	packets(t, func(tb testing.TB, s step, body bool) {
		// Of a body packet with surplus bytes a prefix is a good packet.
		if s.total != 0 || s.want == ErrMagic || s.want == ErrBody {
			return
		}
		payload := s.bytes[HeadLen:]
		for i := range len(payload) {
			cut := payload[:i:i]
			var err error
			switch {
			case s.out && body:
				if i == 0 { // the other form of the end of a body
					continue
				}
				_, err = ParseBody(cut)
			case s.out && Type(payload[0]) == CPing:
				err = ParseCPing(cut)
			case s.out:
				err = new(Request).Parse(cut)
			case i == 0:
				_, err = ParseEnd(cut)
			default:
				_, err = reappend(cut)
			}
			if err == nil {
				tb.Fatalf("payload cut to %d of %d bytes was accepted", i, len(payload))
			}
		}
	})
}

func TestSplit(t *testing.T) {
	f := func(b string, max, n, need int, want error) {
		t.Helper()
		payload, gotN, gotNeed, err := Split([]byte(b), max)
		if gotN != n || gotNeed != need || err != want || (payload == nil) != (n == 0) {
			t.Errorf("Split(%.20q, %d): n %d, need %d, %v; want %d, %d, %v", b, max, gotN, gotNeed, err, n, need, want)
		}
	}
	full := func(n int) string {
		return string([]byte{'A', 'B', byte(n >> 8), byte(n)}) + string(make([]byte, n))
	}
	f("", 8192, 0, 4, nil)
	f("A", 8192, 0, 4, nil)
	f("AB\x00", 8192, 0, 4, nil)
	f("AB\x00\x02\x05", 8192, 0, 6, nil)
	f("AB\x00\x02\x05\x01AB\x00\x01\x09", 8192, 6, 0, nil)
	f("H", 8192, 0, 0, ErrMagic)        // HTTP is told by its first byte
	f("\x15\x03", 8192, 0, 0, ErrMagic) // so is a TLS alert
	f("AC", 8192, 0, 0, ErrMagic)
	f("\x12\x34\x00\x01\x0a", 8192, 0, 0, ErrMagic)
	f("AB\x00\x00", 8192, 0, 0, ErrLength)
	f(full(8188), 8192, 8192, 0, nil)
	f(full(8189), 8192, 0, 0, ErrLength)
	f("AB\x1f\xfd", 8192, 0, 0, ErrLength) // before the payload is there
	f(full(8189), 8193, 8193, 0, nil)
	f(full(8188), 100, 8192, 0, nil) // smaller settings behave as 8192
	f(full(8189), 100, 0, 0, ErrLength)
	f(full(65532), 65536, 65536, 0, nil)
	f(full(65533), 65536, 0, 0, ErrLength)
	f(full(65533), 1<<20, 0, 0, ErrLength)

	if payload, n, _, err := SplitRequest(EmptyBody, 8192); payload == nil || n != 4 || err != nil {
		t.Errorf("SplitRequest of the empty body: %v, %d, %v", payload, n, err)
	}
	if _, _, _, err := SplitRequest([]byte("AB"), 8192); err != ErrMagic {
		t.Errorf("SplitRequest of a packet to the web server: %v", err)
	}
	if payload, n, _, err := SplitRequest([]byte("\x12\x34\x1f\xfd"), 8192); payload != nil || n != 0 || err != ErrLength {
		t.Errorf("SplitRequest of a packet that is too large: %d, %v", n, err)
	}
}

func TestSplitHeader(t *testing.T) {
	f := func(b string, length int, ok bool, want error) {
		t.Helper()
		if l, o, err := SplitHeader([]byte(b), DefaultPacket); l != length || o != ok || err != want {
			t.Errorf("SplitHeader(%q): %d, %t, %v", b, l, o, err)
		}
	}
	f("", 0, false, nil)
	f("AB\x1f", 0, false, nil)
	f("AB\x1f\xfc", 8188, true, nil)
	f("AB\x1f\xfd", 0, false, ErrLength)
	f("AB\x00\x00", 0, false, ErrLength)
	f("BA\x00\x01", 0, false, ErrMagic)
}

func TestPing(t *testing.T) {
	f := func(payload string, pong, ping error) {
		t.Helper()
		if err := ParseCPong([]byte(payload)); err != pong {
			t.Errorf("ParseCPong(%q): %v, want %v", payload, err, pong)
		}
		if err := ParseCPing([]byte(payload)); err != ping {
			t.Errorf("ParseCPing(%q): %v, want %v", payload, err, ping)
		}
	}
	f("\x09", nil, ErrType)
	f("\x0a", ErrType, nil)
	f("", ErrShort, ErrShort)
	f("\x09\x00", ErrTrailing, ErrType)
	f("\x0a\x00", ErrType, ErrTrailing)
	f("\x08", ErrType, ErrType) // the obsolete PING is another message
}

func TestTypeString(t *testing.T) {
	f := func(typ Type, want string) {
		t.Helper()
		if got := typ.String(); got != want {
			t.Errorf("Type(%d): %q, want %q", byte(typ), got, want)
		}
	}
	f(SendHeaders, "SEND_HEADERS")
	f(CPong, "CPONG")
	f(Shutdown, "SHUTDOWN")
	f(0, "type 0")
	f(200, "type 200")
}

func TestBody(t *testing.T) {
	f := func(payload, data string, want error) {
		t.Helper()
		got, err := ParseBody([]byte(payload))
		if string(got) != data || err != want {
			t.Errorf("ParseBody(%q): %q, %v; want %q, %v", payload, got, err, data, want)
		}
	}
	f("", "", nil)
	f("\x00\x00", "", nil)
	f("\x00\x03abc", "abc", nil)
	f("\x00", "", ErrBody)
	f("\x00\x02abc", "", ErrBody)
	f("\x00\x04abc", "", ErrBody)
	f("\x00\x00a", "", ErrBody)

	for _, n := range []int{0, 1, 255, 256, MaxBody(DefaultPacket), MaxBody(MaxPacket)} {
		b := append(AppendBodyHeader(nil, n), make([]byte, n)...)
		payload, got, _, err := SplitRequest(b, MaxPacket)
		if err != nil || got != len(b) {
			t.Fatalf("body of %d bytes: n %d, %v", n, got, err)
		}
		if data, err := ParseBody(payload); err != nil || len(data) != n {
			t.Errorf("body of %d bytes: %d, %v", n, len(data), err)
		}
	}
	if MaxBody(8192) != 0x1ffa || MaxBody(65536) != 0xfffa || MaxBody(1) != 0x1ffa {
		t.Errorf("MaxBody: %x, %x, %x", MaxBody(8192), MaxBody(65536), MaxBody(1))
	}
	if MaxChunk(8192) != 0x1ff8 || MaxChunk(65536) != 0xfff8 || MaxChunk(1<<20) != 0xfff8 {
		t.Errorf("MaxChunk: %x, %x, %x", MaxChunk(8192), MaxChunk(65536), MaxChunk(1<<20))
	}
}
