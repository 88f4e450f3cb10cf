//go:build !race

package http1

import (
	"bytes"
	"testing"
)

// Reading costs no memory once the values are warm, refusing included: an
// attacker must not be able to make garbage.
func TestAllocations(t *testing.T) {
	f := func(name string, run func()) {
		t.Helper()
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
	var req Request
	var res Response
	for _, c := range readCorpus(t, "requests.txt", 1) {
		b := c.raw[SkipEmpty(c.raw):]
		head := b[:HeadEnd(b, 0)]
		f("request: "+c.name, func() { req.Parse(head) })
	}
	for _, c := range readCorpus(t, "responses.txt", 1) {
		head := c.raw[:HeadEnd(c.raw, 0)]
		f("answer: "+c.name, func() { res.Parse(head) })
	}
	head := []byte(browserGet)
	f("browser", func() {
		if req.Parse(head[:HeadEnd(head, 0)]) != (Reject{}) {
			t.Fatal("browser head is refused")
		}
	})

	body := []byte("5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: a\r\n\r\n")
	var d Chunked
	f("chunked", func() {
		d.Reset()
		for rest, done := body, false; !done; {
			var n int
			_, n, done, _ = d.Next(rest)
			rest = rest[n:]
		}
		for raw, ok := d.Trailer(), true; ok; {
			_, raw, ok = NextTrailer(raw)
		}
	})
	dst := make([]byte, 0, 64)
	path := []byte("/a//b/../%63;x=y/./d%2f")
	f("normalize", func() {
		if out, ok := Normalize(dst, path); !ok || !bytes.HasPrefix(out, []byte("/a/c/")) {
			t.Fatal("path is misread")
		}
		NormalizeSlashes(dst, path)
	})
	f("chunk header", func() { dst = AppendChunkHeader(dst[:0], 8000) })
}
