package doctor

import (
	"bytes"
	"strconv"
)

// speech is what a peer seems to speak.
type speech string

// What sniff knows.
const (
	nothing   speech = ""     // not a byte
	speaksAJP speech = "AJP"  // from a container
	speaksWeb speech = "HTTP" // 1.0 or 1.1
	speaksTLS speech = "TLS"  // a record: an alert or a handshake
	speaksSSH speech = "SSH"
	speaksEng speech = "a line protocol" // greets with 220 or +OK: FTP, SMTP, POP3
	unknown   speech = "something else"
)

// sniffed is enough to know; no more is kept of a strange answer.
const sniffed = 256

// sniff tells from the first bytes of an answer what the peer speaks. It looks
// at sniffed bytes at most.
func sniff(b []byte) speech {
	b = b[:min(len(b), sniffed)]
	switch {
	case len(b) == 0:
		return nothing
	case bytes.HasPrefix(b, []byte("AB")) && len(b) >= 4:
		return speaksAJP
	case bytes.HasPrefix(b, []byte("HTTP/")):
		return speaksWeb
	// Content type 21 (alert) or 22 (handshake), then the version 3.x
	// (RFC 8446 section 5.1).
	case len(b) >= 2 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3:
		return speaksTLS
	case bytes.HasPrefix(b, []byte("SSH-")):
		return speaksSSH
	case bytes.HasPrefix(b, []byte("220")), bytes.HasPrefix(b, []byte("+OK")):
		return speaksEng
	default:
		return unknown
	}
}

// sample quotes the first line of a strange answer for a person: at most 40
// bytes, what does not print as an escape.
func sample(b []byte) string {
	b = b[:min(len(b), 40)]
	if i := bytes.IndexAny(b, "\r\n"); i > 0 {
		b = b[:i]
	}
	return strconv.QuoteToASCII(string(b))
}
