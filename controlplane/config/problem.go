package config

import (
	"cmp"
	"slices"
)

// Severity says what a Problem does to the outcome.
type Severity string

// The severities. An error refuses the file, a warning does so only on demand,
// a note never.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Problem is one remark about a configuration, with its place and its cure.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // from 1; 0 when there is no line, as for an argument
	Col      int      `json:"col"`  // from 1, in characters
	Len      int      `json:"len"`  // characters the caret underlines, at least 1
	Path     string   `json:"path"` // "pools.app.balance", "" for the file as a whole
	What     string   `json:"what"`
	Source   string   `json:"source"` // the line, secrets masked, a long one cut
	Cure     string   `json:"cure"`
	Severity Severity `json:"severity"`

	caret int // column of the caret under Source
	order int // sorts problems of arguments, which have no line
}

// Problems are all remarks about one configuration, sorted by position.
type Problems []Problem

// HasErrors reports whether the configuration is refused.
func (ps Problems) HasErrors() bool { return ps.count(Error) > 0 }

// HasWarnings reports whether there is a warning.
func (ps Problems) HasWarnings() bool { return ps.count(Warning) > 0 }

func (ps Problems) count(s Severity) int {
	n := 0
	for _, p := range ps {
		if p.Severity == s {
			n++
		}
	}
	return n
}

// sort puts the problems in the order of the file; those of one place stay in
// the order they were found in.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
