package compile

import (
	"fmt"
	"slices"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/learned"
)

// assigned is the jvmRoute a member has in the next table.
type assigned struct {
	name    string
	learned bool
}

// assign gives each member of a pool its route: the configured one, else the
// learned one. Two members cannot have the same route, or sessions of one
// would be sent to the other; configured routes go first, then who showed it
// first keeps it (the order of the file decides between two at one moment), and
// who comes later stays without. The notes say so. What is only a hint yields to
// all that, and is no reason for a note: the member may have changed since.
func assign(c *config.Pool, seen learned.Routes) (out []assigned, notes []string) {
	out = make([]assigned, len(c.Members))
	owner := map[string]string{}
	var open []int // members without a configured route that have shown one
	for i := range c.Members {
		m := &c.Members[i]
		shown := seen[ID(c.Name, m)]
		if m.Route == "" {
			if shown.Name != "" {
				open = append(open, i)
			}
			continue
		}
		out[i].name = m.Route
		if owner[m.Route] == "" {
			owner[m.Route] = m.Name
		}
		if shown.Name != "" && shown.Name != m.Route && !shown.Hint {
			notes = append(notes, fmt.Sprintf(
				"member %s of pool %s is configured with the route %q but its session cookies end in %q: "+
					"its sessions cannot be found again; make jvmRoute in its server.xml and route here the same",
				m.Name, c.Name, m.Route, shown.Name))
		}
	}
	of := func(i int) learned.Route { return seen[ID(c.Name, &c.Members[i])] }
	slices.SortStableFunc(open, func(a, b int) int {
		if x, y := of(a), of(b); x.Hint == y.Hint {
			return x.At.Compare(y.At)
		} else if x.Hint {
			return 1
		}
		return -1
	})
	var late []int
	for _, i := range open {
		route := of(i).Name
		if owner[route] != "" {
			if !of(i).Hint {
				late = append(late, i)
			}
			continue
		}
		owner[route] = c.Members[i].Name
		out[i] = assigned{name: route, learned: true}
	}
	slices.Sort(late) // notes in the order of the file, whoever came first
	for _, i := range late {
		m, route := &c.Members[i], of(i).Name
		notes = append(notes, fmt.Sprintf(
			"members %s and %s of pool %s use the same route %q: sessions of %s go to %s; "+
				"give each Tomcat its own jvmRoute in server.xml",
			owner[route], m.Name, c.Name, route, m.Name, owner[route]))
	}
	return out, notes
}
