package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// maxShown bounds the errors of one report: after twenty a person starts over.
const maxShown = 20

// maxWidth bounds the characters of a source line that are shown.
const maxWidth = 160

// The escape sequences of a coloured report.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

// Format writes the problems for people: for each the place and what is wrong,
// the line, a caret and the cure, and at the end a count. At most 20 errors
// are shown. Without problems it writes nothing.
func (ps Problems) Format(w io.Writer, color bool) error {
	if len(ps) == 0 {
		return nil
	}
	var b strings.Builder
	shown, hidden := 0, 0
	for _, p := range ps {
		if p.Severity == Error {
			if shown == maxShown {
				hidden++
				continue
			}
			shown++
		}
		p.format(&b, color)
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "and %d more\n", hidden)
	}
	b.WriteString(ps.summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// String returns what Format writes without colour.
func (ps Problems) String() string {
	var b strings.Builder
	ps.Format(&b, false) // a Builder takes everything
	return b.String()
}

// Err returns nil when there are no errors, else an error whose text is String.
func (ps Problems) Err() error {
	if !ps.HasErrors() {
		return nil
	}
	return problemsError{ps}
}

type problemsError struct{ ps Problems }

func (e problemsError) Error() string { return strings.TrimSuffix(e.ps.String(), "\n") }

// JSON returns the problems as a JSON array, all of them, never null.
func (ps Problems) JSON() []byte {
	if ps == nil {
		ps = Problems{}
	}
	data, err := json.MarshalIndent(ps, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(data, '\n')
}

func (ps Problems) summary() string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Note} {
		switch n := ps.count(s); {
		case n == 1:
			parts = append(parts, "1 "+string(s))
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	text := strings.Join(parts, ", ")
	if ps.HasErrors() {
		text += ", nothing was changed"
	}
	return text
}

func (p Problem) format(b *strings.Builder, color bool) {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	}
	what := p.What
	if p.Severity != Error {
		what = string(p.Severity) + ": " + what
	}
	number := ""
	if p.Line > 0 {
		number = fmt.Sprint(p.Line)
	}
	line, col := p.Source, p.caret
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, prefix(line, col-1))
	carets := strings.Repeat("^", max(1, min(p.Len, 40)))
	if color {
		c := red
		if p.Severity != Error {
			c = yellow
		}
		place = bold + place + plain
		carets = c + carets + plain
	}
	fmt.Fprintf(b, "%s: %s\n", place, what)
	if p.Col == 0 {
		fmt.Fprintf(b, "     | %s\n", p.Cure)
		return
	}
	fmt.Fprintf(b, "%4s | %s\n", number, line)
	fmt.Fprintf(b, "     | %s%s %s\n", pad, carets, p.Cure)
}

// crop shortens a long line to a window around the column.
func crop(runes []rune, col int) (string, int) {
	if len(runes) <= maxWidth {
		return string(runes), col
	}
	from := max(0, min(col-maxWidth/2, len(runes)-maxWidth))
	out := runes[from:min(len(runes), from+maxWidth)]
	text := string(out)
	if from > 0 {
		text = "..." + text
		col += 3
	}
	if from+maxWidth < len(runes) {
		text += "..."
	}
	return text, col - from
}

// prefix returns the first n characters, padded with blanks when there are fewer.
func prefix(s string, n int) string {
	runes := []rune(s)
	if n > len(runes) {
		return s + strings.Repeat(" ", n-len(runes))
	}
	return string(runes[:max(0, n)])
}
