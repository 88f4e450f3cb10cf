package http1

import (
	"encoding/binary"
	"math/bits"
)

// Bits of class: what a byte may be part of.
const (
	cToken   = 1 << iota // tchar, RFC 9110 section 5.6.2
	cTarget              // a request target: visible ASCII but '#' (RFC 9112 section 3.2)
	cRegName             // reg-name but the percent sign, RFC 3986 section 3.2.2
	cHex                 // HEXDIG, either case
	cDigit               // DIGIT
	cText                // field content and reason phrases: HTAB, SP, VCHAR, obs-text
	cQuoted              // qdtext, RFC 9110 section 5.6.4
)

// class tells for every byte the productions it belongs to. Indexing an array
// of 256 with a byte needs no bounds check, which is why it is an array.
var class = buildClass()

func buildClass() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		alpha := b|0x20 >= 'a' && b|0x20 <= 'z'
		digit := b >= '0' && b <= '9'
		if alpha || digit || in("!#$%&'*+-.^_`|~", b) {
			t[c] |= cToken
		}
		if b > 0x20 && b < 0x7f && b != '#' {
			t[c] |= cTarget
		}
		if alpha || digit || in("-._~!$&'()*+,;=", b) {
			t[c] |= cRegName
		}
		if digit || b|0x20 >= 'a' && b|0x20 <= 'f' {
			t[c] |= cHex
		}
		if digit {
			t[c] |= cDigit
		}
		if b == '\t' || b >= 0x20 && b != 0x7f {
			t[c] |= cText
			if b != '"' && b != '\\' {
				t[c] |= cQuoted
			}
		}
	}
	return t
}

func in(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// lower folds A to Z and leaves every other byte alone, so that two different
// bytes never compare equal but for the case of a letter.
var lower = buildLower()

func buildLower() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if c >= 'A' && c <= 'Z' {
			t[c] = byte(c) + 'a' - 'A'
		}
	}
	return t
}

// foldEqual reports whether b is s, which must be in lower case.
func foldEqual(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower[b[i]] != s[i] {
			return false
		}
	}
	return true
}

// unhex returns the value of a byte of class cHex.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// textEnd returns the index, from i on, of the first byte of b that is neither
// HTAB, SP, VCHAR nor obs-text (RFC 9110 section 5.5), or len(b). Field values
// are most of a head, so they are looked at eight bytes at a time.
func textEnd(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ 0x7f*ones
		// A byte below 0x20, or equal to 0x7f, sets its top bit here. The
		// subtractions borrow upwards, and only from a byte that is itself
		// marked, so the lowest mark is never a false one.
		marks := ((x-0x20*ones)&^x | (del-ones)&^del) & tops
		if marks == 0 {
			i += 8
			continue
		}
		if i += bits.TrailingZeros64(marks) / 8; b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&cText != 0 {
		i++
	}
	return i
}
