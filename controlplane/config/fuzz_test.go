package config

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkLoad loads a text and checks what must hold for every text.
func checkLoad(t *testing.T, data []byte) *Config {
	t.Helper()
	c, ps := Load("f.yaml", data, testEnv, testOptions())
	if (c == nil) != ps.HasErrors() {
		t.Fatalf("configuration %v with problems\n%s", c != nil, ps)
	}
	last := Problem{}
	for _, p := range ps {
		if p.What == "" || p.Cure == "" || p.Line < 1 || p.Col < 1 || p.Len < 1 || p.Line > 1+strings.Count(string(data), "\n") {
			t.Fatalf("incomplete: %+v", p)
		}
		if p.Line < last.Line || p.Line == last.Line && p.Col < last.Col {
			t.Fatalf("not sorted:\n%s", ps)
		}
		last = p
	}
	if text := ps.String(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) || !utf8.ValidString(text) {
		t.Fatalf("control characters in %q", text)
	}
	if c != nil && (len(c.Pools) == 0 || len(c.Listen) == 0 || len(c.Routes) == 0) {
		t.Fatalf("incomplete configuration %+v", c)
	}
	return c
}

// checkLong loads the long form of a configuration.
func checkLong(t *testing.T, c *Config) {
	t.Helper()
	for i := range c.Pools {
		if p := &c.Pools[i]; p.Secret != "" && p.SecretFile == "" {
			p.Secret = "s3cret" // the long form does not show what it was
		}
	}
	long := strings.ReplaceAll(string(Expand(c)), `"`+secretShown+`"`, "s3cret")
	if again, ps := Load("f.yaml", []byte(long), testEnv, testOptions()); again == nil {
		t.Fatalf("the long form is refused:\n%s%s", ps, long)
	} else if again.Digest() != c.Digest() {
		t.Fatalf("the long form has another digest:\n%s", long)
	}
}

func FuzzLoad(f *testing.F) {
	for _, folder := range []string{"valid", "invalid", "warned"} {
		for _, name := range corpus(f, folder, 1) {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<14 {
			if c := checkLoad(t, data); c != nil {
				checkLong(t, c)
			}
		}
	})
}

// Every prefix of a file is refused or is a configuration, never something between.
func TestPrefixes(t *testing.T) {
	for _, name := range []string{"testdata/valid/everything.yaml", "testdata/valid/members.yaml", "testdata/valid/crlf-bom.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if c := checkLoad(t, data[:n]); c != nil && n%16 == 0 {
				checkLong(t, c)
			}
		}
	}
}

// Nine levels of nine aliases each would be 387 million values.
func TestAliasesCostNothing(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 x\n")
	for i := 1; i <= 9; i++ {
		alias := "*a" + string(rune('0'+i-1))
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.TrimSuffix(strings.Repeat(alias+", ", 9), ", ") + "]\n")
	}
	b.WriteString("listen: *a9\nbackends: [ajp://127.0.0.1:8009]\n")
	allocated := testing.AllocsPerRun(1, func() {
		if _, ps := Load("f.yaml", []byte(b.String()), nil, Options{}); !strings.Contains(ps.String(), "*a9 is an alias") {
			t.Errorf("got\n%s", ps)
		}
	})
	if allocated > 20_000 {
		t.Errorf("%.0f allocations", allocated)
	}
}
