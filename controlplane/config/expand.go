package config

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Expand writes the long form of a configuration: every value, defaults
// included, with a comment that says where it came from. Loading it again
// gives the same configuration, except that secrets are written as "(set)".
func Expand(c *Config) []byte {
	var b strings.Builder
	pending := "" // the dash of an item, until its first key
	c.walk(func(e event) {
		if e.depth < 0 {
			return
		}
		indent := strings.Repeat("  ", e.depth)
		if pending != "" {
			indent, pending = pending, ""
		}
		key := e.key
		if key != "" && !bare.MatchString(key) {
			key = quote(key)
		}
		switch e.kind {
		case item:
			pending = indent + "- "
		case open:
			b.WriteString(indent + key + ":\n")
		case leaf:
			line := indent + key + ": " + e.text
			pad := max(1, 44-utf8.RuneCountInString(line))
			b.WriteString(line + strings.Repeat(" ", pad) + "# " + c.Origin(e.path).String() + "\n")
		}
	})
	return []byte(b.String())
}

// stretch makes guessing a secret from a digest expensive, see Digest.
const stretch = 10_000

// Digest returns 8 hex digits of a hash over the effective values: neither
// comments nor the form matter, nor the order of keys. A changed secret
// changes it. Secrets go through PBKDF2 first, because a digest is printed and
// logged and must not help in guessing one.
func (c *Config) Digest() string {
	h := sha256.New()
	c.walk(func(e event) {
		h.Write([]byte(e.path + "\x00" + e.text + "\x00"))
		if e.secret != "" {
			key, err := pbkdf2.Key(sha256.New, e.secret, []byte("catherd configuration"), stretch, 16)
			if err != nil {
				panic(err) // only for lengths that are not these
			}
			h.Write(key)
		}
	})
	return hex.EncodeToString(h.Sum(nil)[:4])
}
