package ajp

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A golden file is one exchange: "> hex" from the web server, "< hex" from the
// container, "! Name" before a packet this package refuses, "hex... n" for a packet of
// n bytes of which only the beginning was kept.
type exchange struct {
	name  string
	steps []step
}

type step struct {
	out   bool // web server to container
	bytes []byte
	total int // not 0: bytes is the beginning of a packet this long
	want  error
}

var refusals = map[string]error{
	"ErrMagic": ErrMagic, "ErrType": ErrType, "ErrBody": ErrBody,
	"ErrShort": ErrShort, "ErrFraming": ErrFraming,
}

func golden(tb testing.TB) []exchange {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*.hex")
	if err != nil || len(files) != 35 {
		tb.Fatalf("golden files: %d, %v; want 35", len(files), err)
	}
	var all []exchange
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		x := exchange{name: filepath.Base(file)}
		var want error
		for line := range strings.Lines(string(text)) {
			mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch mark {
			case "#":
			case "!":
				if want = refusals[rest]; want == nil {
					tb.Fatalf("%s: unknown refusal %q", file, rest)
				}
			case ">", "<":
				digits, length, _ := strings.Cut(rest, "... ")
				s := step{out: mark == ">", want: want}
				if s.bytes, err = hex.DecodeString(digits); err != nil {
					tb.Fatalf("%s: %v", file, err)
				}
				if length != "" {
					if s.total, err = strconv.Atoi(length); err != nil {
						tb.Fatalf("%s: %v", file, err)
					}
				}
				x.steps, want = append(x.steps, s), nil
			default:
				tb.Fatalf("%s: line %q", file, line)
			}
		}
		all = append(all, x)
	}
	return all
}

// packets calls f with every whole packet of every vector. body tells that the place
// of a packet to the container makes it a body packet: nothing inside it says so.
func packets(tb testing.TB, f func(tb testing.TB, s step, body bool)) {
	for _, x := range golden(tb) {
		body := false
		for i, s := range x.steps {
			for len(s.bytes) > 0 {
				one := s
				if s.out {
					if _, n, _, err := SplitRequest(s.bytes, DefaultPacket); err == nil && n > 0 {
						one.bytes = s.bytes[:n:n]
					}
				}
				f(at{tb, x.name, i}, one, body && s.out)
				if s.out {
					var r Request
					body = r.Parse(one.bytes[HeadLen:]) == nil && hasFirstBody(&r)
				} else {
					body = Type(one.bytes[4]) == GetBodyChunk
				}
				s.bytes = s.bytes[len(one.bytes):]
			}
		}
	}
}

func hasFirstBody(r *Request) bool {
	n, err := r.BodyLength()
	return err == nil && n > 0
}

// at puts the place of a packet before what a test says about it.
type at struct {
	testing.TB
	file string
	step int
}

func (a at) Fatalf(format string, args ...any) {
	a.TB.Helper()
	a.TB.Fatalf("%s step %d: "+format, append([]any{a.file, a.step}, args...)...)
}

// TestGolden parses every captured packet and writes it again: same bytes.
func TestGolden(t *testing.T) {
	seen := 0
	packets(t, func(tb testing.TB, s step, body bool) {
		seen++
		switch {
		case s.total != 0:
			goldenCut(tb, s, body)
		case s.out:
			goldenToContainer(tb, s, body)
		default:
			goldenToWeb(tb, s)
		}
	})
	if seen < 150 {
		t.Fatalf("only %d packets in the golden files", seen)
	}
}

// goldenCut checks a packet whose data was not kept: its heads must agree.
func goldenCut(tb testing.TB, s step, body bool) {
	split := Split
	if s.out {
		split = SplitRequest
	}
	payload, n, need, err := split(s.bytes, DefaultPacket)
	if payload != nil || n != 0 || need != s.total || err != nil {
		tb.Fatalf("split of a cut packet: n %d, need %d, %v; want need %d", n, need, err, s.total)
	}
	if s.out {
		head := AppendBodyHeader(nil, s.total-BodyHeadLen)
		if !body || !bytes.HasPrefix(s.bytes, head) {
			tb.Fatalf("body head %x, captured %x", head, s.bytes[:BodyHeadLen])
		}
		return
	}
	length, ok, err := SplitHeader(s.bytes, DefaultPacket)
	if length != s.total-HeadLen || !ok || err != nil {
		tb.Fatalf("SplitHeader: %d, %t, %v", length, ok, err)
	}
	data, ok, err := ChunkHeader(s.bytes[HeadLen:], length)
	if data != s.total-8 || !ok || err != nil {
		tb.Fatalf("ChunkHeader: %d, %t, %v", data, ok, err)
	}
}

func goldenToContainer(tb testing.TB, s step, body bool) {
	payload, n, _, err := SplitRequest(s.bytes, DefaultPacket)
	if err != nil || n != len(s.bytes) {
		if err == s.want && n == 0 {
			return
		}
		tb.Fatalf("split: n %d of %d, %v", n, len(s.bytes), err)
	}
	var again []byte
	switch {
	case body:
		data, err := ParseBody(payload)
		if err != s.want {
			tb.Fatalf("body: %v, want %v", err, s.want)
		}
		if err != nil {
			return
		}
		if again = append(AppendBodyHeader(nil, len(data)), data...); len(payload) == 0 {
			again = EmptyBody
		}
	case ParseCPing(payload) == nil:
		again = AppendCPing(nil)
	default:
		var r Request
		err := r.Parse(payload)
		if err == nil {
			_, err = r.BodyLength()
		}
		if err != s.want {
			tb.Fatalf("request: %v, want %v", err, s.want)
		}
		if r.Method == nil {
			return
		}
		again, err = r.Append(nil, DefaultPacket)
		if err != nil {
			tb.Fatalf("append: %v", err)
		}
		goldenWriter(tb, &r, s.bytes)
	}
	if !bytes.Equal(again, s.bytes) {
		tb.Fatalf("written again:\n%x\ncaptured:\n%x", again, s.bytes)
	}
}

// goldenWriter writes a captured request with Writer: same bytes, but for a null
// header value, which Writer never sends.
func goldenWriter(tb testing.TB, r *Request, captured []byte) {
	prefix := AppendCPing(nil)
	got, err := rewrite(&Writer{}, prefix, DefaultPacket, r)
	if err != nil {
		tb.Fatalf("writer: %v", err)
	}
	if !bytes.HasPrefix(got, prefix) {
		tb.Fatalf("writer changed the bytes before the packet: %x", got)
	}
	want := bytes.Replace(captured, []byte("X-Null\x00\xff\xff"), []byte("X-Null\x00\x00\x00\x00"), 1)
	want[3] += byte(len(want) - len(captured))
	if !bytes.Equal(got[len(prefix):], want) {
		tb.Fatalf("writer:\n%x\nwant:\n%x", got[len(prefix):], want)
	}
}

// rewrite sends a parsed request through Writer, attributes in their order.
func rewrite(w *Writer, dst []byte, max int, r *Request) ([]byte, error) {
	w.Begin(dst, max, &r.Line)
	for _, f := range r.Headers {
		if f.Code != 0 {
			w.HeaderCode(f.Code, f.Value)
		} else {
			w.Header(f.Name, f.Value)
		}
	}
	for _, a := range r.Attributes {
		switch a.Code {
		case AttrReqAttr:
			w.ReqAttr(string(a.Name), a.Value)
		case AttrKeySize:
			w.KeySize(a.Bits)
		case AttrSecret:
			w.Raw(AppendAttr(nil, AttrSecret, a.Value))
		default:
			w.Attr(a.Code, a.Value)
		}
	}
	return w.End()
}

func goldenToWeb(tb testing.TB, s step) {
	payload, n, _, err := Split(s.bytes, DefaultPacket)
	if err != nil || n != len(s.bytes) {
		tb.Fatalf("split: n %d of %d, %v", n, len(s.bytes), err)
	}
	again, err := reappend(payload)
	if err != s.want {
		tb.Fatalf("%v: %v, want %v", Type(payload[0]), err, s.want)
	}
	if err == nil && !bytes.Equal(again, s.bytes) {
		tb.Fatalf("written again:\n%x\ncaptured:\n%x", again, s.bytes)
	}
}

// reappend parses a payload from a container by its type and writes it again.
func reappend(payload []byte) ([]byte, error) {
	switch Type(payload[0]) {
	case SendHeaders:
		var h ResponseHead
		if err := h.Parse(payload); err != nil {
			return nil, err
		}
		return h.Append(nil), nil
	case SendBodyChunk:
		data, err := ParseChunk(payload)
		if err != nil {
			return nil, err
		}
		return AppendChunk(nil, data), nil
	case EndResponse:
		reuse, err := ParseEnd(payload)
		if err != nil {
			return nil, err
		}
		return AppendEnd(nil, reuse), nil
	case GetBodyChunk:
		want, err := ParseGetBody(payload)
		if err != nil {
			return nil, err
		}
		return AppendGetBody(nil, want), nil
	case CPong:
		if err := ParseCPong(payload); err != nil {
			return nil, err
		}
		return AppendCPong(nil), nil
	}
	return nil, ErrType
}
