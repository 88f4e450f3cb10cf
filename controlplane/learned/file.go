package learned

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/catherd/catherd/controlplane/statefile"
	"github.com/catherd/catherd/dataplane/table"
)

// maxFile bounds the file, in bytes.
const maxFile = 16 << 20

// document is the file's form.
type document struct {
	statefile.Form
	Routes []entry `json:"routes"`
}

type entry struct {
	Member table.ID  `json:"member"` // "pool/name@url"
	Route  string    `json:"route"`
	Since  time.Time `json:"since,omitzero"`
}

// Beside is where routes are kept when overrides are kept at that path: routes.json
// in the same folder, with the same words before it.
func Beside(overrides string) string {
	return statefile.Beside(overrides, "routes.json")
}

// Load reads what is kept at path. A file that is not there holds nothing. With
// an error nothing of it is to be used.
func Load(path string) (Routes, error) {
	data, err := statefile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read learned routes: %w", err)
	}
	if data == nil {
		return Routes{}, nil
	}
	r, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read learned routes %q: %w", path, err)
	}
	return r, nil
}

// Parse reads the content of a file written by Save. Every entry is checked: the
// file may have been edited.
func Parse(data []byte) (Routes, error) {
	var d document
	if err := statefile.Parse(data, maxFile, &d); err != nil {
		return nil, err
	}
	if len(d.Routes) > maxEntries {
		return nil, fmt.Errorf("more than %d members", maxEntries)
	}
	out := make(Routes, len(d.Routes))
	for i, e := range d.Routes {
		if e.Member == "" || len(e.Member) > maxID {
			return nil, fmt.Errorf("entry %d: no member, or a name of more than %d bytes", i+1, maxID)
		}
		if !plausible(e.Route) {
			return nil, fmt.Errorf("entry %d: %q is no jvmRoute", i+1, e.Route)
		}
		if _, twice := out[e.Member]; twice {
			return nil, fmt.Errorf("entry %d: member %q twice", i+1, e.Member)
		}
		out[e.Member] = Route{Name: e.Route, At: e.Since, Hint: true}
	}
	return out, nil
}

// plausible is what the data path learns as well, see sticky.SetCookie.
func plausible(route string) bool {
	for i := range len(route) {
		if route[i] <= ' ' || route[i] >= 0x7f {
			return false
		}
	}
	return route != "" && len(route) <= maxRoute
}

// Append writes the content of a file that holds r, sorted by member. Entries that
// Parse would refuse are left out.
func (r Routes) Append(dst []byte) []byte {
	d := document{statefile.Form{Version: statefile.Current}, []entry{}}
	for id, e := range r {
		// A year of more than four digits cannot be written.
		if y := e.At.Year(); id == "" || len(id) > maxID || !plausible(e.Name) || y < 0 || y > 9999 {
			continue
		}
		d.Routes = append(d.Routes, entry{id, e.Name, e.At.UTC()})
	}
	slices.SortFunc(d.Routes, func(a, b entry) int { return cmp.Compare(a.Member, b.Member) })
	d.Routes = d.Routes[:min(len(d.Routes), maxEntries)]
	return statefile.Append(dst, &d)
}

// Save keeps r at path.
func (r Routes) Save(path string) error {
	if err := statefile.Replace(path, r.Append(nil)); err != nil {
		return fmt.Errorf("keep learned routes in %q: %w", path, err)
	}
	return nil
}
