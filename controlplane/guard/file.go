package guard

import (
	"fmt"

	"github.com/catherd/catherd/controlplane/statefile"
)

// maxFile bounds the file, in bytes.
const maxFile = 1 << 20

// document is the file's form.
type document struct {
	statefile.Form
	Rules []Rule `json:"rules"`
}

// Beside is where rules are kept when overrides are kept at that path: guard.json in
// the same folder, with the same words before it. "" stays so.
func Beside(overrides string) string {
	if overrides == "" {
		return ""
	}
	return statefile.Beside(overrides, "guard.json")
}

// Load reads what is kept at path. A file that is not there holds nothing. With an
// error nothing of it is to be used.
func Load(path string) ([]Rule, error) {
	data, err := statefile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read rules of the guard: %w", err)
	}
	if data == nil {
		return nil, nil
	}
	list, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read rules of the guard %q: %w", path, err)
	}
	return list, nil
}

// Parse reads the content of a file written by Save. Every entry is checked: the file
// may have been edited.
func Parse(data []byte) ([]Rule, error) {
	var d document
	if err := statefile.Parse(data, maxFile, &d); err != nil {
		return nil, err
	}
	if len(d.Rules) > maxRules {
		return nil, fmt.Errorf("more than %d rules", maxRules)
	}
	var list []Rule
	for i, r := range d.Rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if find(list, r.Prefix) != nil {
			return nil, fmt.Errorf("entry %d: %s twice", i+1, r.Prefix)
		}
		list = put(list, r)
	}
	return list, nil
}

// Append writes the content of a file that holds list.
func Append(dst []byte, list []Rule) []byte {
	if list == nil {
		list = []Rule{}
	}
	// A time outside the years 0 to 9999 cannot be written; who makes a Change bounds those.
	return statefile.Append(dst, &document{statefile.Form{Version: statefile.Current}, list})
}

// Save keeps list at path.
func Save(path string, list []Rule) error {
	if err := statefile.Replace(path, Append(nil, list)); err != nil {
		return fmt.Errorf("keep rules of the guard in %q: %w", path, err)
	}
	return nil
}
