package conformance

import (
	"bufio"
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The format of the tables in testdata/requests:
//
//	== name
//	@with OPTION...       how the engine is set up, see options
//	raw bytes             escapes \r \n \t \" \\ \xHH; a new line in the file is no
//	                      byte, and a line that begins with *N stands N times
//	@split                the next bytes go out in a segment of their own
//	@awaitmember          the client waits until the member has a request
//	@await                an interim answer is read before the client goes on
//	@fin                  the client ends its direction
//	-- STATUS... END      the answers on the wire, /head behind those to HEAD, and
//	                      the connection then: keep, close or abort
//	> METHOD TARGET       a request as the member sees it, in this order; "broken"
//	                      behind it when its body does not end
//	+ Name: value         the member sees exactly these fields of that name,
//	                      several are joined by " | "
//	- Name                it sees none of that name
//	= "body"              its body; with *N before it, N times
//	~ Name: value         its trailer has this field
//	<+ <- <= <~           the same of the last answer the client got; "pattern N"
//	                      stands for the N bytes that size=N asks for
//
// A word ajp or http directly behind one of the signs restricts the line to that
// kind of member; without any "--" line for a kind the case does not run there.
// $PORT is the port the engine listens on.
type script struct {
	file  string
	name  string
	line  int
	with  []string
	steps []step
	want  map[string]*expectation // by kind
}

type step struct {
	bytes string
	verb  string // "" for bytes; await, fin, split
}

type expectation struct {
	line    int
	answers []string
	end     string
	reqs    []*wantRequest
	answer  []check
}

type wantRequest struct {
	line           int
	method, target string
	broken         bool
	checks         []check
}

// check is one line that begins with + - = or ~.
type check struct {
	line       int
	sign, text string
}

var signed = regexp.MustCompile(`^(--|<?[-+=~]|>)(ajp|http)? (.*)$`)

func readScripts(t testing.TB, file string) (list []*script) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(bytes.NewReader(text))
	names := map[string]bool{}
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if name, ok := strings.CutPrefix(line, "== "); ok {
			if names[name] {
				t.Fatalf("%s:%d: name used twice", file, n)
			}
			names[name] = true
			list = append(list, &script{file: file, name: name, line: n, want: map[string]*expectation{}})
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		s := list[len(list)-1]
		if m := signed.FindStringSubmatch(line); m != nil {
			for _, kind := range []string{"ajp", "http"} {
				if m[2] == "" || m[2] == kind {
					s.expect(t, kind, m[1], m[3], n)
				}
			}
			continue
		}
		if verb, ok := strings.CutPrefix(line, "@"); ok {
			if with, ok := strings.CutPrefix(verb, "with "); ok {
				s.with = strings.Fields(with)
			} else {
				s.steps = append(s.steps, step{verb: verb})
			}
			continue
		}
		raw := unquote(t, line, n)
		if k := len(s.steps); k > 0 && s.steps[k-1].verb == "" {
			s.steps[k-1].bytes += raw
		} else {
			s.steps = append(s.steps, step{bytes: raw})
		}
	}
	return list
}

// unquote resolves the escapes and the repetition of a line.
func unquote(t testing.TB, line string, n int) string {
	t.Helper()
	times := 1
	if rest, ok := strings.CutPrefix(line, "*"); ok {
		count, body, _ := strings.Cut(rest, " ")
		var err error
		if times, err = strconv.Atoi(count); err != nil {
			t.Fatalf("line %d: repeat count %q", n, count)
		}
		line = body
	}
	if !strings.HasPrefix(line, `"`) {
		line = `"` + line + `"`
	}
	raw, err := strconv.Unquote(line)
	if err != nil {
		t.Fatalf("line %d: unquote %q: %v", n, line, err)
	}
	return strings.Repeat(raw, times)
}

// expect takes one line of expectations for one kind of member.
func (s *script) expect(t testing.TB, kind, sign, text string, n int) {
	t.Helper()
	e := s.want[kind]
	if sign == "--" {
		f := strings.Fields(text)
		s.want[kind] = &expectation{line: n, answers: f[:len(f)-1], end: f[len(f)-1]}
		return
	}
	if e == nil {
		return // the case does not run with this kind
	}
	switch {
	case sign == ">":
		f := strings.Fields(text)
		e.reqs = append(e.reqs, &wantRequest{line: n, method: f[0], target: strings.ReplaceAll(f[1], `\\`, `\`), broken: len(f) > 2 && f[2] == "broken"})
	case sign[0] == '<':
		e.answer = append(e.answer, check{n, sign[1:], text})
	case len(e.reqs) == 0:
		t.Fatalf("line %d: no request to check", n)
	default:
		r := e.reqs[len(e.reqs)-1]
		r.checks = append(r.checks, check{n, sign, text})
	}
}
