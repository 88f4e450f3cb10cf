package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Bounds of a file. A configuration that does not fit is not one.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 32      // nested mappings and lists; the language itself needs seven
)

// source is the text that positions point into.
type source struct {
	name  string
	lines []string
	args  []string // names of the lines when they are arguments of a command

	raw, masked map[int][]rune // lines already taken apart: one may be a megabyte long and have a thousand problems
}

// runes returns the characters of a line, from 1.
func (s *source) runes(line int) []rune {
	return remembered(&s.raw, line, func() string { return s.lines[line-1] })
}

func remembered(known *map[int][]rune, line int, make func() string) []rune {
	if *known == nil {
		*known = map[int][]rune{}
	}
	runes, ok := (*known)[line]
	if !ok {
		runes = []rune(make())
		(*known)[line] = runes
	}
	return runes
}

func newSource(name, text string) *source {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return &source{name: name, lines: lines}
}

// problem makes a Problem at a position; the line is looked up, masked and, when
// it is long, cut to what is around the position.
func (s *source) problem(line, col, length int, path, what, cure string) Problem {
	p := Problem{File: s.name, Line: line, Col: col, Len: max(1, length), Path: path,
		What: clipTo(what, 300), Cure: clipTo(cure, 400), Severity: Error, order: line}
	if line >= 1 && line <= len(s.lines) {
		runes := remembered(&s.masked, line, func() string { return mask(s.lines[line-1]) })
		p.Source, p.caret = crop(runes, col)
	}
	if s.args != nil {
		p.Line = 0
		p.File = "arguments"
		if line >= 1 && line <= len(s.args) {
			p.File = s.args[line-1]
		}
	}
	return p
}

// origin says where a line is, for Config.Origin.
func (s *source) origin(line, col int) Origin {
	if s.args != nil {
		if line >= 1 && line <= len(s.args) {
			return Origin{File: s.args[line-1]}
		}
		return Origin{}
	}
	return Origin{File: s.name, Line: line, Col: col}
}

var secretValue = regexp.MustCompile(`(^|[\s{,"'])secret["']?\s*:\s*`)

var userInfo = regexp.MustCompile(`://[^/@\s"']*@`)

// mask makes a line fit to be shown. It hides what follows a secret key, the
// rest of the line included (better a hidden comment than a shown secret), and
// the user and password of a URL. Control characters, which could command the
// terminal, become question marks. Columns stay true.
func mask(line string) string {
	line = strings.Map(visible, line)
	line = userInfo.ReplaceAllStringFunc(line, func(s string) string {
		return "://" + strings.Repeat("*", utf8.RuneCountInString(s)-4) + "@"
	})
	at := secretValue.FindStringIndex(line)
	if at == nil {
		return line
	}
	return line[:at[1]] + strings.Repeat("*", utf8.RuneCountInString(line[at[1]:]))
}

// readBounded reads a file up to one byte more than parse accepts.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

// unreadable tells why a file could not be read.
func unreadable(name string, err error) Problem {
	return Problem{File: name, Len: 1, What: "the file cannot be read: " + reason(err),
		Cure: "name the file with --config, or see `catherd help` for starting without one", Severity: Error}
}

// reason shortens an error of the file system to its cause.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// parse turns text into a tree of nodes. The root is a mapping, or there are
// errors.
func parse(name string, data []byte) (*source, *yaml.Node, Problems) {
	src, root, ps := parseAny(name, data)
	if root != nil && root.Kind != yaml.MappingNode {
		return src, nil, Problems{src.problem(root.Line, root.Column, 1, "", "the file is not a mapping of keys", "begin with a key, for example listen: 80")}
	}
	return src, root, ps
}

// parseAny is parse for files whose root may be anything.
func parseAny(name string, data []byte) (*source, *yaml.Node, Problems) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	src := newSource(name, "")
	fail := func(line, col int, what, cure string) (*source, *yaml.Node, Problems) {
		p := src.problem(line, col, 1, "", what, cure)
		return src, nil, Problems{p}
	}
	switch {
	case len(data) > maxSize:
		return fail(1, 1, "the file has more than 1 MiB", "a configuration of this size is a mistake; is it the right file?")
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return fail(1, 1, "the file is UTF-16", "save it as UTF-8")
	}
	src = newSource(name, text)
	if !utf8.ValidString(text) {
		line, col := invalidAt(text)
		src.lines[line-1] = strings.ToValidUTF8(src.lines[line-1], "?")
		return fail(line, col, "the file is not UTF-8 here", "save it as UTF-8")
	}
	if line, col := controlAt(src.lines); line > 0 {
		return fail(line, col, "there is a control character here", "remove it")
	}
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return fail(1, 1, "the YAML reader does not start: "+err.Error(), "report this as a bug of Catherd")
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); err != nil && !errors.Is(err, io.EOF) {
		line, col, what, cure := explainSyntax(src, err)
		return fail(line, col, what, cure)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return fail(1, 1, "the file is empty", "the shortest configuration is two lines: listen: 80 and backends: [ajp://127.0.0.1:8009]")
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		line, col, what, cure := explainSyntax(src, err)
		return fail(line, col, what, cure)
	default:
		return fail(max(1, second.Line), max(1, second.Column), "a second document begins here", "one file is one document; remove the line ---")
	}
	return src, doc.Content[0], nil
}

// invalidAt finds the first byte that is not UTF-8.
func invalidAt(text string) (line, col int) {
	line, col = 1, 1
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if col++; r == '\n' {
			line, col = line+1, 1
		}
		text = text[n:]
	}
	return line, col
}

// controlAt finds the first control character that YAML does not allow; 0 when
// there is none.
func controlAt(lines []string) (line, col int) {
	for i, text := range lines {
		col := 0
		for _, r := range text {
			col++
			if r != '\t' && r != '\u0085' && unicode.IsControl(r) {
				return i + 1, col
			}
		}
	}
	return 0, 0
}

// visible replaces control characters other than tabs.
func visible(r rune) rune {
	if r != '\t' && unicode.IsControl(r) {
		return '?'
	}
	return r
}

// syntaxCures explains the commoner messages of the YAML reader.
var syntaxCures = []struct{ part, what, cure string }{
	{"cannot start any token", "", "a value may not begin with this character; put it in quotes"},
	{"mapping values are not allowed", "a second colon makes this line ambiguous", "check the indentation, or put the value in quotes"},
	{"exceeded max depth", "the file is nested too deeply", "the language needs no more than seven levels"},
	{"did not find expected ',' or ']'", "this list in [ ] is not closed properly", "separate values with commas and close with ]"},
	{"did not find expected ',' or '}'", "this mapping in { } is not closed properly", "separate entries with commas and close with }"},
	{"did not find expected key", "a key was expected here", "keys of one mapping begin in the same column"},
	{"did not find expected '-' indicator", "a list item was expected here", "items of one list begin with - in the same column"},
	{"could not find expected ':'", "this key has no colon", "write key: value"},
	{"unexpected end of stream", "a quote is opened and not closed", "close the quote"},
	{"unknown anchor", "aliases are not part of this language", "write the value out"},
}

// explainSyntax turns an error of the YAML reader into a place, a cause and a cure.
func explainSyntax(src *source, err error) (line, col int, what, cure string) {
	line, col, what, cure = 1, 1, "this is not YAML: "+err.Error(), "check the indentation and the quotes here and on the line above"
	var le *yaml.LoadError
	if errors.As(err, &le) {
		line, col = le.Mark.Line, le.Mark.Column
		what = "this is not YAML: " + strings.Map(visible, le.Message)
		// What was opened and not closed is found where it was opened.
		for _, part := range []string{"quoted scalar", "flow sequence", "flow mapping", "simple key"} {
			if strings.Contains(le.ContextMsg, part) && le.ContextMark.Line > 0 {
				line, col = le.ContextMark.Line, le.ContextMark.Column
			}
		}
	}
	for _, c := range syntaxCures {
		if strings.Contains(what, c.part) {
			cure = c.cure
			if c.what != "" {
				what = c.what
			}
			break
		}
	}
	line = min(max(1, line), len(src.lines))
	// At the end of the text the last line that says something is the culprit.
	for line > 1 && strings.TrimSpace(src.lines[line-1]) == "" {
		line--
		col = utf8.RuneCountInString(src.lines[line-1]) + 1
	}
	if strings.Contains(leading(src.lines[line-1]), "\t") {
		tab := strings.IndexByte(src.lines[line-1], '\t')
		return line, tab + 1, "a tab is used for indentation", "YAML knows only spaces here"
	}
	return line, max(1, col), strings.TrimSuffix(what, fmt.Sprintf(" at line %d", line)), cure
}

// leading returns the white space a line begins with.
func leading(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}
