package doctor

import (
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	f := func(text string, want speech) {
		t.Helper()
		if got := sniff([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("", nothing)
	f("AB\x00\x01\x09", speaksAJP)
	f("AB", unknown)
	f("HTTP/1.1 400 \r\n", speaksWeb)
	f("HTTP", unknown)
	f("\x15\x03\x03\x00\x02\x02\x50", speaksTLS) // captured, ajp13.md 11
	f("\x16\x03\x01", speaksTLS)
	f("\x15\x02", unknown)
	f("SSH-2.0-x", speaksSSH)
	f("220 ftp ready\r\n", speaksEng)
	f("+OK pop\r\n", speaksEng)
	f("\x00\x01\x02", unknown)
}

func TestSample(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := sample([]byte(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("220 mail\r\nmore", `"220 mail"`)
	f("\x1b[31mred", `"\x1b[31mred"`)
	f("\xff\x00", `"\xff\x00"`)
	f(strings.Repeat("x", 500), `"`+strings.Repeat("x", 40)+`"`)
}

// Whatever comes: one of the words, and a sample that a terminal can show.
func FuzzSniff(f *testing.F) {
	for _, s := range []string{"", "AB\x00\x01\x09", "HTTP/1.1 200", "\x15\x03\x03", "SSH-", "220 ", "\n\n", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if (sniff(b) == nothing) != (len(b) == 0) {
			t.Errorf("%q: %q", b, sniff(b))
		}
		for _, c := range []byte(sample(b)) {
			if c < ' ' || c > '~' {
				t.Errorf("%q: %q", b, sample(b))
			}
		}
	})
}

// FuzzAnswer feeds the reader of answers whatever a peer may send: it ends, it
// keeps no more than it may, and it never takes for complete what is not.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("AB\x00\x06\x04\x00\xc8\xff\xff\x00\x00AB\x00\x02\x05\x01"))
	f.Add([]byte("AB\x00\x03\x06\x1f\xfaAB\x00\x02\x05\x00"))
	f.Add([]byte("HTTP/1.1 400 \r\n\r\n"))
	f.Add([]byte("AB\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := &exam{}
		a := x.answer(&line{Conn: &replay{left: b}})
		if a.outcome == notAsked || len(a.heard) > sniffed {
			t.Errorf("%q: %+v", b, a)
		}
		if a.end && a.outcome == answered && (a.status < 100 || a.status > 999) {
			t.Errorf("%q: status %d", b, a.status)
		}
	})
}

// Every proper prefix of an answer is none that is complete.
func TestAnswerTruncated(t *testing.T) {
	whole := "AB\x00\x07\x04\x00\xc8\xff\xff\x00\x00AB\x00\x05\x03\x00\x01x\x00AB\x00\x02\x05\x01"
	for n := range len(whole) + 1 {
		a := (&exam{}).answer(&line{Conn: &replay{left: []byte(whole[:n])}})
		if a.end != (n == len(whole)) {
			t.Errorf("%d of %d bytes: %+v", n, len(whole), a)
		}
	}
}
