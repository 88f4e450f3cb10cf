package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// scalar is one plain value of the file after variables were put in.
type scalar struct {
	text   string
	tag    string // "!!str", "!!int", "!!float", "!!bool" or "!!null"
	quoted bool
	env    string // variables it was made from, joined by commas
	node   *yaml.Node
}

var (
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	integer   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	floating  = regexp.MustCompile(`^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	maxExpand = 64 << 10 // bytes one value may grow to
)

// scalar reads a plain value and puts variables in: ${NAME}, and $${ for a
// literal ${. It reports what is wrong and returns false then.
func (d *decoder) scalar(node *yaml.Node, path string) (scalar, bool) {
	s := scalar{text: node.Value, tag: node.Tag, node: node,
		quoted: node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0}
	if !strings.Contains(s.text, "${") {
		return s, true
	}
	var out strings.Builder
	var names []string
	ok := true
	rest, nth := s.text, 0
	for {
		at := strings.Index(rest, "${")
		if at < 0 {
			out.WriteString(rest)
			break
		}
		nth++
		if at > 0 && rest[at-1] == '$' {
			out.WriteString(rest[:at-1] + "${")
			rest = rest[at+2:]
			continue
		}
		out.WriteString(rest[:at])
		name, after, closed := strings.Cut(rest[at+2:], "}")
		bad := func(length int, what, cure string) {
			if !d.full() {
				line, col := d.placeOf(node, nth)
				d.add(d.src.problem(line, col, length, path, lead(path)+what, cure))
			}
			ok = false
		}
		switch {
		case !closed:
			bad(2, "${ is not closed", "write ${NAME}, or $${ for the two characters themselves")
			return s, false
		case !variable.MatchString(name):
			bad(utf8.RuneCountInString(name)+3, fmt.Sprintf("%q is not the name of a variable", clip(name)),
				"write ${NAME} with letters, digits and underscores; there are no defaults inside the braces")
		case d.getenv(name) == "":
			bad(len(name)+3, "the environment variable "+clip(name)+" is not set",
				"set it before the start (Environment= or EnvironmentFile= in the unit), or write the value here")
		default:
			out.WriteString(d.getenv(name))
			names = append(names, name)
		}
		rest = after
		if out.Len() > maxExpand {
			d.problem(node, path, "the value is longer than 64 KiB with its variables", "check what the environment holds")
			return s, false
		}
	}
	s.text, s.env = out.String(), strings.Join(names, ",")
	if !s.quoted && s.env != "" {
		s.tag = retag(s.text)
	}
	return s, ok
}

// retag decides what an unquoted value is once its variables are in.
func retag(text string) string {
	switch {
	case integer.MatchString(text):
		return "!!int"
	case floating.MatchString(text):
		return "!!float"
	case text == "true", text == "false":
		return "!!bool"
	}
	return "!!str"
}

// placeOf finds the nth "${" of a value in the source, which differs from the
// value when there are escapes or folded lines.
func (d *decoder) placeOf(node *yaml.Node, nth int) (line, col int) {
	line, col = max(1, node.Line), max(1, node.Column)
	for n := line; n <= len(d.src.lines); n++ {
		runes := d.src.runes(n)
		from := 0
		if n == line {
			from = min(col-1, len(runes))
		}
		for i := from; i+1 < len(runes); i++ {
			if runes[i] == '$' && runes[i+1] == '{' {
				if nth--; nth == 0 {
					return n, i + 1
				}
			}
		}
	}
	return line, col
}

// lead is the path as the beginning of a message.
func lead(path string) string {
	if path == "" {
		return ""
	}
	return shown(path) + ": "
}

// clipTo cuts a text to a number of characters.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return text
}

// clip bounds a text that a message repeats.
func clip(text string) string {
	return clipTo(text, 60)
}
