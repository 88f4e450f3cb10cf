package overrides

import (
	"errors"
	"fmt"

	"github.com/catherd/catherd/controlplane/statefile"
)

// DefaultPath is where overrides live when nothing else is said.
const DefaultPath = "/var/lib/catherd/overrides.json"

// maxFile bounds the file, in bytes: ten thousand members fit.
const maxFile = 4 << 20

// document is the file's form.
type document struct {
	statefile.Form
	Overrides []Override `json:"overrides"`
}

// Load reads the list kept at path. A file that is not there is an empty
// list. A file that cannot be understood is an error and is left as it is: it
// may hold the only word that a member must not be used.
func Load(path string) ([]Override, error) {
	data, err := statefile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	if data == nil {
		return nil, nil
	}
	list, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read overrides %q: %w", path, err)
	}
	return list, nil
}

// Parse reads the content of a file written by Save. Every entry is checked:
// the file may have been edited.
func Parse(data []byte) ([]Override, error) {
	var d document
	if err := statefile.Parse(data, maxFile, &d); err != nil {
		return nil, err
	}
	seen := map[[3]string]bool{}
	for i, o := range d.Overrides {
		if o.Pool == "" || o.Member == "" || o.Owner == "" {
			return nil, fmt.Errorf("entry %d lacks pool, member or owner", i+1)
		}
		if err := o.check(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		about := "state"
		if o.Weight != 0 {
			about = "weight"
		}
		key := [3]string{o.Pool, o.Member, about}
		if seen[key] {
			return nil, fmt.Errorf("entry %d: the %s of member %q of pool %q twice", i+1, about, o.Member, o.Pool)
		}
		seen[key] = true
	}
	sortList(d.Overrides)
	return d.Overrides, nil
}

// check reports what is wrong with an entry of the file.
func (o Override) check() error {
	if o.Weight == 0 {
		_, err := ParseState(string(o.State))
		return err
	}
	if o.State != "" {
		return errors.New("state and weight in one entry")
	}
	return CheckWeight(o.Weight)
}

// Append writes the content of a file that holds list.
func Append(dst []byte, list []Override) []byte {
	if list == nil {
		list = []Override{}
	}
	// A time outside the years 0 to 9999 cannot be written; Put's caller bounds those.
	return statefile.Append(dst, &document{statefile.Form{Version: statefile.Current}, list})
}

// Save keeps list at path.
func Save(path string, list []Override) error {
	if err := statefile.Replace(path, Append(nil, list)); err != nil {
		return fmt.Errorf("keep overrides in %q: %w", path, err)
	}
	return nil
}
