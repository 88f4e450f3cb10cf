package statefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Form begins the document of a file; it is embedded first.
type Form struct {
	Version int `json:"version"` // Current in a file that is written
}

// Current is the version that this program writes and reads.
const Current = 1

func (f *Form) version() int { return f.Version }

// Document is a struct that embeds Form.
type Document interface{ version() int }

// Parse reads the content of a file of at most limit bytes into doc. Unknown fields,
// another version and what follows the document are errors: the file may have been
// edited, or written by a later program.
func Parse(data []byte, limit int, doc Document) error {
	if len(data) > limit {
		return fmt.Errorf("larger than %d bytes", limit)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(doc); err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("parse: something follows the document")
	}
	if v := doc.version(); v != Current {
		return fmt.Errorf("version %d is not known to this program", v)
	}
	return nil
}

// Append appends the content of a file that holds doc to dst. It panics when doc holds
// what JSON cannot say, such as a year of five digits: callers bound what they keep.
func Append(dst []byte, doc Document) []byte {
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(append(dst, out...), '\n')
}

// Beside is where a file of that name is kept when overrides are kept at a path: in the
// same folder, with the same words before it.
func Beside(overrides, name string) string {
	dir, base := filepath.Split(overrides)
	before, ok := strings.CutSuffix(base, "overrides.json")
	if !ok {
		before = base + "."
	}
	return dir + before + name
}
