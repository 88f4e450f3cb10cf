package main

import (
	"strings"
	"unicode/utf8"
)

// table lines cells up. A heading that begins with ">" makes its column
// right-aligned.
type table struct {
	indent string
	rows   [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table, without blanks at the ends of lines.
func (t *table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	width := make([]int, len(t.rows[0]))
	right := make([]bool, len(t.rows[0]))
	for i, head := range t.rows[0] {
		t.rows[0][i], right[i] = strings.CutPrefix(head, ">")
	}
	for _, r := range t.rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if right[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
			line.WriteString("  ")
		}
		b.WriteString(t.indent + strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
