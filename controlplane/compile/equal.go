package compile

import (
	"crypto/sha256"
	"encoding/json"
	"slices"

	"github.com/catherd/catherd/dataplane/table"
)

// Print is a fingerprint of what a table says, apart from its version.
type Print [sha256.Size]byte

// Fingerprint returns the same value for two tables exactly when the data
// path would do the same with both. Counters do not count.
func Fingerprint(t *table.Table) Print {
	// The unexported indexes are made from the exported fields, so leaving
	// them out (as encoding/json does) loses nothing.
	c := *t
	c.Version = 0
	c.Routes = slices.Clone(t.Routes)
	names := make([]string, len(c.Routes))
	for i := range c.Routes {
		names[i] = c.Routes[i].Pool.Name
		c.Routes[i].Pool = nil
	}
	c.Pools = make([]*table.Pool, len(t.Pools))
	for i, p := range t.Pools {
		flat := *p
		flat.Live = nil
		flat.Members = slices.Clone(p.Members)
		for k := range flat.Members {
			flat.Members[k].Live = nil
		}
		c.Pools[i] = &flat
	}
	data, err := json.Marshal(struct {
		Table  *table.Table
		Routes []string
	}{&c, names})
	if err != nil {
		panic(err) // every field is a plain value
	}
	return sha256.Sum256(data)
}
