package learned

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/catherd/catherd/dataplane/table"
)

// Route is the jvmRoute of a member.
type Route struct {
	Name string
	At   time.Time // when it was first seen; zero: before everything else
	// Hint says that it was seen before this process began, or before the member
	// was started again, and not since. It is not kept: what Load gives is a hint.
	Hint bool
}

// Routes is what is known of all members.
type Routes map[table.ID]Route

// Bounds of what is kept: a route longer than maxRoute bytes is none (the data path
// learns no longer one), maxEntries members of maxID bytes fit into maxFile.
const (
	maxRoute   = 128
	maxID      = 1024
	maxEntries = 10000
)

// maxGone is how many members that are not there keep their route.
const maxGone = 1000

// Prune forgets members that here says are not there, the oldest routes first,
// when they are more than are worth keeping.
func (r Routes) Prune(here func(table.ID) bool) {
	var gone []table.ID
	for id := range r {
		if !here(id) {
			gone = append(gone, id)
		}
	}
	if len(gone) <= maxGone {
		return
	}
	slices.SortFunc(gone, func(a, b table.ID) int {
		return cmp.Or(r[a].At.Compare(r[b].At), cmp.Compare(a, b))
	})
	for _, id := range gone[:len(gone)-maxGone] {
		delete(r, id)
	}
}

// Clone is a copy that does not change when r does.
func (r Routes) Clone() Routes { return maps.Clone(r) }
