package admin

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzBody feeds the body of an action. What is accepted is one short line.
func FuzzBody(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"reason": "deploy 4.2", "for": "30m"}`, `{"reason": "a\nb"}`, `{"reason":1}`, `[]`, `{} x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, bad := parseBody(strings.NewReader(s))
		if bad != nil {
			if bad.Status != 400 || bad.What == "" || bad.Cure == "" {
				t.Fatalf("refusal %+v", bad)
			}
			return
		}
		if strings.ContainsAny(b.Reason, "\r\n\x00") || utf8.RuneCountInString(b.Reason) > maxReason || !utf8.ValidString(b.Reason) {
			t.Fatalf("accepted %q", b.Reason)
		}
	})
}
