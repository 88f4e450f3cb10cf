package doctor

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Severity says how much a finding matters.
type Severity string

// The severities. A note is worth knowing and nothing is wrong.
const (
	Fault   Severity = "fault"   // requests fail
	Warning Severity = "warning" // requests will fail under load, or after a pause
	Note    Severity = "note"
)

// Finding is one thing that was seen, with what it most likely means.
type Finding struct {
	ID        string   `json:"id"` // stable, for programs: "secret-wrong"
	Severity  Severity `json:"severity"`
	Seen      string   `json:"seen"`                // a sentence
	Cause     string   `json:"cause"`               // a sentence
	Attribute string   `json:"attribute,omitempty"` // of the Connector in server.xml
	Cure      string   `json:"cure"`                // a sentence
}

// String is the finding as one paragraph.
func (f Finding) String() string {
	text := f.Seen + " " + f.Cause + " " + f.Cure
	if f.Severity == Fault {
		return text
	}
	return string(f.Severity) + ": " + text
}

// Step is one question that was asked.
type Step struct {
	Name   string // "connect", "cping", "GET /healthz"
	OK     bool
	Result string // "refused", "200"; empty when the time says it all
	Took   time.Duration
}

// MarshalJSON writes the time in seconds, as all of the JSON does.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name   string  `json:"name"`
		OK     bool    `json:"ok"`
		Result string  `json:"result,omitempty"`
		Took   float64 `json:"took_seconds"`
	}{s.Name, s.OK, s.Result, s.Took.Seconds()})
}

// String is the step as it stands in a line: "connect 0.3 ms",
// "GET /healthz 200 in 4.1 ms".
func (s Step) String() string {
	switch {
	case s.Result == "":
		return s.Name + " " + span(s.Took)
	case !s.OK || s.Took == 0:
		return s.Name + " " + s.Result
	default:
		return s.Name + " " + s.Result + " in " + span(s.Took)
	}
}

// span is a time with the unit that suits it.
func span(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// set is a time that somebody has set: "60 s", "2.5 s", "300 ms".
func set(d time.Duration) string {
	switch {
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// Report is the result of one examination.
type Report struct {
	URL      string    `json:"url"`
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings"` // gravest first
}

// OK says whether nothing but notes was found.
func (r *Report) OK() bool {
	for _, f := range r.Findings {
		if f.Severity != Note {
			return false
		}
	}
	return true
}

// Has says whether there is a finding of that ID.
func (r *Report) Has(id string) bool {
	for _, f := range r.Findings {
		if f.ID == id {
			return true
		}
	}
	return false
}

// Text is the report as a line behind name, padded to width cells, with each
// finding below it as a paragraph of at most columns cells a line.
func (r *Report) Text(name string, width, columns int) string {
	var b strings.Builder
	indent := strings.Repeat(" ", width+2)
	b.WriteString(name + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(name))) + "  ")
	for i, s := range r.Steps {
		if i > 0 {
			b.WriteString("   ")
		}
		b.WriteString(s.String())
	}
	b.WriteByte('\n')
	for _, f := range r.Findings {
		wrap(&b, f.String(), indent, columns)
	}
	return b.String()
}

// wrap writes a paragraph.
func wrap(b *strings.Builder, text, indent string, columns int) {
	used := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
			b.WriteString(indent)
			used = utf8.RuneCountInString(indent)
		case used+1+n > columns:
			b.WriteString("\n" + indent)
			used = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	b.WriteByte('\n')
}
