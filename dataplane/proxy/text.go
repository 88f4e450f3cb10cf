package proxy

import "github.com/valyala/fasthttp"

// statusText is the reason phrase of a status, as AJP members send none that
// is worth passing on. Unknown ones get none, which HTTP allows.
func statusText(status int) string {
	if status < 100 || status > 599 {
		return ""
	}
	if s := fasthttp.StatusMessage(status); s != unknownStatus {
		return s
	}
	return ""
}

var unknownStatus = fasthttp.StatusMessage(599)

// decimal reads a number of digits only, at most 18 of them.
func decimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// equalFold compares a field name with a lower- or mixed-case ASCII name.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		x, y := b[i], s[i]
		if x == y {
			continue
		}
		if x |= 0x20; x != y|0x20 || x < 'a' || x > 'z' {
			return false
		}
	}
	return true
}

func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}
