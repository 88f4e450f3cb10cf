package load

import (
	"bytes"
	"strings"
	"testing"
)

const (
	plainAnswer   = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
	chunkedAnswer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nwiki\r\n00A \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"
)

func TestAnswerWhole(t *testing.T) {
	f := func(wire string, status int, length int64, polite bool) {
		t.Helper()
		var a Answer
		n, done, err := a.Feed([]byte(wire))
		if err != nil || !done || n != len(wire) {
			t.Fatalf("%q: took %d of %d, done %v, error %v", wire, n, len(wire), done, err)
		}
		if a.Status != status || a.Length != length || a.Close != polite {
			t.Errorf("%q: status %d length %d close %v, want %d %d %v", wire, a.Status, a.Length, a.Close, status, length, polite)
		}
	}
	f(plainAnswer, 200, 5, false)
	f(chunkedAnswer, 200, 14, false)
	f("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, 0, false)
	f("HTTP/1.1 200 \r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", 200, 0, true)
	f("HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, 1, true)
	f("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false)
	f("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"+plainAnswer, 200, 5, false)
}

// In two pieces cut anywhere, and byte by byte: the same answer. No proper
// prefix is taken for the whole.
func TestAnswerInPieces(t *testing.T) {
	for _, wire := range []string{plainAnswer, chunkedAnswer, "HTTP/1.1 100 Continue\r\n\r\n" + chunkedAnswer} {
		var whole Answer
		if _, done, err := whole.Feed([]byte(wire)); !done || err != nil {
			t.Fatalf("%q: done %v, error %v", wire, done, err)
		}
		for cut := range len(wire) {
			var a Answer
			n, done, err := a.Feed([]byte(wire[:cut]))
			if n != cut || done || err != nil {
				t.Fatalf("%q cut at %d: took %d, done %v, error %v", wire, cut, n, done, err)
			}
			n, done, err = a.Feed([]byte(wire[cut:]))
			if n != len(wire)-cut || !done || err != nil {
				t.Fatalf("%q from %d: took %d, done %v, error %v", wire, cut, n, done, err)
			}
			if a.Status != whole.Status || a.Length != whole.Length || a.Close != whole.Close {
				t.Fatalf("%q cut at %d: %d/%d", wire, cut, a.Status, a.Length)
			}
		}
		var a Answer
		for i := range len(wire) {
			_, done, err := a.Feed([]byte{wire[i]})
			if err != nil || done != (i == len(wire)-1) {
				t.Fatalf("%q byte %d: done %v, error %v", wire, i, done, err)
			}
		}
	}
}

func TestAnswerStopsAtItsEnd(t *testing.T) {
	var a Answer
	for range 3 {
		a.Reset()
		n, done, err := a.Feed([]byte(chunkedAnswer + plainAnswer))
		if n != len(chunkedAnswer) || !done || err != nil {
			t.Fatalf("took %d, done %v, error %v", n, done, err)
		}
	}
}

func TestAnswerRefused(t *testing.T) {
	f := func(wire, reason string) {
		t.Helper()
		var a Answer
		_, done, err := a.Feed([]byte(wire))
		if err == nil || done || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: done %v, error %v, want %q", clip([]byte(wire)), done, err, reason)
		}
	}
	f("HTTP/2 200\r\n\r\n", "status line")
	f("HTTP/1.1 200OK\r\n\r\n", "status line")
	f("HTTP/1.1 2x0 OK\r\n\r\n", "status")
	f("HTTP/1.1 099 \r\n\r\n", "status")
	f("HTTP/1.1 200 OK\r\n\r\n", "neither")
	f("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "content length")
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "content length")
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer encoding")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "hexadecimal")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "hexadecimal")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "after a chunk")
	f(strings.Repeat("x", maxHead+8), "without an end")
	f("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", maxHead)+"\r\n\r\n", "without an end")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("0", maxLine+8), "without an end")
}

// However the bytes are cut, the outcome is the same, and what is kept of them
// stays bounded.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(plainAnswer), 3)
	f.Add([]byte(chunkedAnswer), 50)
	f.Add([]byte("HTTP/1.1 100 \r\n\r\nHTTP/1.1 204 \r\n\r\n"), 16)
	f.Fuzz(func(t *testing.T, wire []byte, cut int) {
		if cut < 0 || cut > len(wire) {
			return
		}
		var whole, parts Answer
		n, done, err := whole.Feed(wire)
		if n > len(wire) || done && err != nil {
			t.Fatalf("took %d of %d, done %v, error %v", n, len(wire), done, err)
		}
		m, done2, err2 := parts.Feed(bytes.Clone(wire[:cut]))
		if err2 == nil && !done2 {
			var more int
			more, done2, err2 = parts.Feed(bytes.Clone(wire[cut:]))
			m += more
		}
		if done != done2 || (err == nil) != (err2 == nil) {
			t.Fatalf("whole: done %v error %v; cut at %d: done %v error %v", done, err, cut, done2, err2)
		}
		if done && (n != m || whole.Status != parts.Status || whole.Length != parts.Length) {
			t.Fatalf("whole: took %d, status %d, length %d; cut at %d: %d %d %d", n, whole.Status, whole.Length, cut, m, parts.Status, parts.Length)
		}
		if cap(parts.carry) > 4*maxHead+2*len(wire) {
			t.Fatalf("kept %d bytes", cap(parts.carry))
		}
	})
}
