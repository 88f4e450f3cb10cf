package http1

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Read what -rewrite changed before it is kept: it writes down what the code
// does, and that is only right if the specification says the same.
var rewrite = flag.Bool("rewrite", false, "write the verdicts of this run into testdata")

// rawCase is one entry of a corpus file:
//
//	== name
//	raw bytes with the escapes \r \n \t \" \\ \xHH; a new line in the file is no
//	byte, and a line that begins with *N stands N times
//	-- the expected verdict
type rawCase struct {
	name, want string
	line       int
	text       []string
	raw        []byte
}

func readCorpus(t testing.TB, file string, atLeast int) []rawCase {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []rawCase
	names := map[string]bool{}
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, "#"), line == "":
		case strings.HasPrefix(line, "== "):
			if names[line] {
				t.Fatalf("%s:%d: name used twice: %s", file, n, line)
			}
			names[line] = true
			cases = append(cases, rawCase{name: line[3:], line: n})
		case strings.HasPrefix(line, "-- "):
			cases[len(cases)-1].want = line[3:]
		default:
			c := &cases[len(cases)-1]
			c.text = append(c.text, line)
			times := 1
			if rest, ok := strings.CutPrefix(line, "*"); ok {
				count, body, _ := strings.Cut(rest, " ")
				if times, err = strconv.Atoi(count); err != nil {
					t.Fatalf("%s:%d: repeat count %q", file, n, count)
				}
				line = body
			}
			raw, err := strconv.Unquote(`"` + line + `"`)
			if err != nil {
				t.Fatalf("%s:%d: unquote %q", file, n, line)
			}
			c.raw = append(c.raw, strings.Repeat(raw, times)...)
		}
	}
	if len(cases) < atLeast {
		t.Fatalf("%s: %d cases, want at least %d", file, len(cases), atLeast)
	}
	return cases
}

// runCorpus compares verdict(raw) of every case with the expected one.
func runCorpus(t *testing.T, file string, atLeast int, verdict func(raw []byte) string) {
	t.Helper()
	cases := readCorpus(t, file, atLeast)
	got := make([]string, len(cases))
	for i, c := range cases {
		got[i] = verdict(c.raw)
		if got[i] != c.want {
			t.Errorf("testdata/%s:%d: %s\n got  %s\n want %s", file, c.line, c.name, got[i], c.want)
		}
	}
	if !*rewrite {
		return
	}
	old, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	i := -1
	for line := range strings.Lines(string(old)) {
		switch {
		case strings.HasPrefix(line, "== "):
			i++
		case strings.HasPrefix(line, "-- "):
			line = "-- " + got[i] + "\n"
		}
		out.WriteString(line)
	}
	if err := os.WriteFile("testdata/"+file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// requestVerdict reads raw as an engine does and says in one line what came of it.
func requestVerdict(raw []byte) string {
	b := raw[SkipEmpty(raw):]
	end := HeadEnd(b, 0)
	if end == 0 {
		return "incomplete"
	}
	var r Request
	if rej := r.Parse(b[:end]); !rej.OK() {
		return fmt.Sprintf("%d %s", rej.Status, rej.Reason)
	}
	s := fmt.Sprintf("ok %s %s", r.Method, r.Path)
	if r.Query != nil {
		s += "?" + string(r.Query)
	}
	s += fmt.Sprintf(" 1.%d", r.Minor)
	if r.Host != nil {
		s += " host=" + string(r.Host)
	}
	switch {
	case r.Chunked:
		s += " body=chunked"
	case r.Length >= 0:
		s += fmt.Sprintf(" body=%d", r.Length)
	}
	s += flags("safe", r.MethodSafe, "close", r.Close, "expect", r.Expect100, "websocket", r.UpgradeWebSocket)
	return s + fieldNotes(r.Fields) + restNote(b[end:])
}

// responseVerdict is requestVerdict for answers.
func responseVerdict(raw []byte) string {
	end := HeadEnd(raw, 0)
	if end == 0 {
		return "incomplete"
	}
	var r Response
	if rej := r.Parse(raw[:end]); !rej.OK() {
		return fmt.Sprintf("%d %s", rej.Status, rej.Reason)
	}
	s := fmt.Sprintf("ok %d %q 1.%d", r.Status, r.Reason, r.Minor)
	switch {
	case r.UntilClose(false):
		s += " body=rest"
	case r.NoBody(false):
		s += " body=none"
	case r.Chunked:
		s += " body=chunked"
	default:
		s += fmt.Sprintf(" body=%d", r.Length)
	}
	s += flags("close", r.Close, "upgrade", r.Upgrade)
	return s + fieldNotes(r.Fields) + restNote(raw[end:])
}

func flags(pairs ...any) (s string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			s += " " + pairs[i].(string)
		}
	}
	return s
}

// fieldNotes lists what is passed on and what is not, as name or name=value
// where the name is no known one.
func fieldNotes(fields []Field) (s string) {
	for _, drop := range []bool{false, true} {
		var names []string
		for _, f := range fields {
			switch {
			case f.Drop != drop || f.ID == Host:
			case f.ID == Other || f.ID == ContentLength:
				names = append(names, fmt.Sprintf("%s=%q", f.Name, f.Value))
			default:
				names = append(names, string(f.Name))
			}
		}
		if len(names) > 4 {
			names = append(names[:4], fmt.Sprintf("and %d more", len(names)-4))
		}
		if len(names) > 0 {
			s += map[bool]string{false: " pass=", true: " drop="}[drop] + strings.Join(names, ",")
		}
	}
	return s
}

func restNote(rest []byte) string {
	if len(rest) == 0 {
		return ""
	}
	return fmt.Sprintf(" rest=%q", rest)
}

func TestRequestCorpus(t *testing.T) { runCorpus(t, "requests.txt", 140, requestVerdict) }

func TestResponseCorpus(t *testing.T) { runCorpus(t, "responses.txt", 60, responseVerdict) }
