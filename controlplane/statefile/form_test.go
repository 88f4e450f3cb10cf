package statefile

import (
	"strings"
	"testing"
)

type doc struct {
	Form
	Names []string `json:"names"`
}

func TestForm(t *testing.T) {
	text := Append([]byte("# "), &doc{Form{Current}, []string{"a"}})
	if want := "# {\n  \"version\": 1,\n  \"names\": [\n    \"a\"\n  ]\n}\n"; string(text) != want {
		t.Errorf("%q", text)
	}
	var back doc
	if err := Parse(text[2:], len(text), &back); err != nil || len(back.Names) != 1 || back.Names[0] != "a" {
		t.Errorf("%+v, %v", back, err)
	}
	good := `{"version":1,"names":["a"]}`
	for n := range good {
		if Parse([]byte(good[:n]), 100, &doc{}) == nil {
			t.Errorf("the first %d bytes are taken for the whole", n)
		}
	}
	for text, want := range map[string]string{
		`{"version":2}`:                "version 2 is not known",
		`{"names":[]}`:                 "version 0 is not known",
		good + `{}`:                    "something follows",
		`{"version":1,"more":true}`:    "unknown field",
		good + strings.Repeat(" ", 80): "larger than 100 bytes",
	} {
		if err := Parse([]byte(text), 100, &doc{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
