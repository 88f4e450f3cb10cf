package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// readChunked feeds raw to a Chunked in pieces that end at cuts (ascending) and
// at the end of raw, keeping what is not consumed as an engine does, and says
// in one line what came out.
func readChunked(t testing.TB, raw []byte, cuts ...int) string {
	var d Chunked
	var body, trailer []byte
	verdict, at, have := "more", 0, 0
feed:
	for _, cut := range append(cuts, len(raw)) {
		for have = cut; ; {
			b := raw[at:have:have]
			data, n, done, rej := d.Next(b)
			if n < 0 || n > len(b) || len(data) > n {
				t.Fatalf("Next(%q) consumed %d of %d for %d bytes of data", b, n, len(b), len(data))
			}
			body = append(body, data...)
			at += n
			if !rej.OK() {
				if data != nil || n != 0 || done {
					t.Fatalf("Next(%q) gives data, progress or an end with a rejection", b)
				}
				if _, _, _, again := d.Next(raw[at:]); again != rej {
					t.Fatalf("Next after a rejection = %v, want %v again", again, rej)
				}
				verdict = fmt.Sprintf("%d %s", rej.Status, rej.Reason)
				break feed
			}
			if done {
				trailer = bytes.Clone(d.Trailer())
				verdict = "done"
				break feed
			}
			if n == 0 {
				if len(b) >= MaxTrailer {
					t.Fatalf("Next wants more than %d bytes at once", len(b))
				}
				break
			}
		}
	}
	s := verdict
	if len(body) > 0 {
		s += fmt.Sprintf(" data=%q", body)
	}
	if trailer != nil {
		s += fmt.Sprintf(" trailer=%d", len(trailer))
		WalkTrailer(trailer, func(name, value []byte) {
			s += fmt.Sprintf(" %s=%.20q", name, value)
		})
	}
	if verdict == "done" && at < len(raw) {
		s += fmt.Sprintf(" rest=%q", raw[at:])
	}
	return s
}

func everyByte(n int) (cuts []int) {
	for i := range n {
		cuts = append(cuts, i)
	}
	return cuts
}

func TestChunkedCorpus(t *testing.T) {
	runCorpus(t, "chunked.txt", 70, func(raw []byte) string {
		once := readChunked(t, raw)
		if got := readChunked(t, raw, everyByte(len(raw))...); got != once {
			t.Errorf("%.80q byte by byte\n got  %s\n want %s", raw, got, once)
		}
		for cut := range raw {
			// A long run of one byte has no corner cases inside.
			if cut > 300 && cut < len(raw)-20 {
				continue
			}
			if got := readChunked(t, raw, cut); got != once {
				t.Errorf("%.80q cut at %d\n got  %s\n want %s", raw, cut, got, once)
			}
		}
		return once
	})
}

// Every proper prefix of a sound body wants more and gives only what the whole
// gives.
func TestChunkedTruncated(t *testing.T) {
	raw := []byte("5 ;a=\"b\\\"\";c=d\r\nhello\r\n1\r\n!\r\n0;e\r\nX-Sum: 1\r\nY: 2\r\n\r\n")
	if got := readChunked(t, raw); !strings.HasPrefix(got, `done data="hello!"`) {
		t.Fatalf("whole body: %s", got)
	}
	for n := range raw {
		got := readChunked(t, raw[:n])
		if got != "more" && !strings.HasPrefix(`more data="hello!"`, strings.TrimSuffix(got, `"`)) {
			t.Errorf("prefix of %d bytes: %s", n, got)
		}
	}
}

func TestChunkedReset(t *testing.T) {
	var d Chunked
	if _, _, _, rej := d.Next([]byte("x")); rej.OK() {
		t.Fatal("a bad size is accepted")
	}
	d.Reset()
	if _, n, done, rej := d.Next([]byte("0\r\n\r\n")); n != 5 || !done || !rej.OK() {
		t.Fatalf("after Reset: n=%d done=%v rej=%v", n, done, rej)
	}
}

func TestAppendChunkHeader(t *testing.T) {
	f := func(n int, want string) {
		t.Helper()
		if got := string(AppendChunkHeader([]byte("x"), n)); got != "x"+want {
			t.Errorf("AppendChunkHeader(%d) = %q, want %q", n, got, "x"+want)
		}
	}
	f(0, "0\r\n")
	f(1, "1\r\n")
	f(15, "f\r\n")
	f(16, "10\r\n")
	f(8000, "1f40\r\n")
	f(65536, "10000\r\n")
	f(1<<62, "4000000000000000\r\n")
	f(1<<63-1, "7fffffffffffffff\r\n")
}

func TestNextTrailer(t *testing.T) {
	raw := []byte("Host: a\r\nX: 1\r\nExpires: b\r\nY:2\r\nCookie: c\r\n")
	f, rest, ok := NextTrailer(raw)
	if !ok || string(f.Name) != "X" || string(f.Value) != "1" {
		t.Fatalf("first field %q=%q %v", f.Name, f.Value, ok)
	}
	f, rest, ok = NextTrailer(rest)
	if !ok || string(f.Name) != "Y" || string(f.Value) != "2" {
		t.Fatalf("second field %q=%q %v", f.Name, f.Value, ok)
	}
	if f, _, ok = NextTrailer(rest); ok {
		t.Fatalf("third field %q, want none", f.Name)
	}
	if _, _, ok = NextTrailer([]byte("no field line")); ok {
		t.Fatal("bytes that are no field line give a field")
	}
}
