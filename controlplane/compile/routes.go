package compile

import (
	"fmt"

	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/dataplane/table"
)

// assigned is the jvmRoute a member has in the next table.
type assigned struct {
	name    string
	learned bool
}

// assign gives each member of a pool its route: the configured one, else the
// learned one. Two members cannot have the same route, or sessions of one
// would be sent to the other; configured routes go first, then the order of
// the file decides, and who comes later stays without. The notes say so.
func assign(c *config.Pool, learned map[table.ID]string) (out []assigned, notes []string) {
	out = make([]assigned, len(c.Members))
	owner := map[string]string{}
	for i := range c.Members {
		m := &c.Members[i]
		if m.Route == "" {
			continue
		}
		out[i].name = m.Route
		if owner[m.Route] == "" {
			owner[m.Route] = m.Name
		}
		if seen := learned[ID(c.Name, m)]; seen != "" && seen != m.Route {
			notes = append(notes, fmt.Sprintf(
				"member %s of pool %s is configured with the route %q but its session cookies end in %q: "+
					"its sessions cannot be found again; make jvmRoute in its server.xml and route here the same",
				m.Name, c.Name, m.Route, seen))
		}
	}
	for i := range c.Members {
		m := &c.Members[i]
		seen := learned[ID(c.Name, m)]
		if m.Route != "" || seen == "" {
			continue
		}
		if other := owner[seen]; other != "" {
			notes = append(notes, fmt.Sprintf(
				"members %s and %s of pool %s use the same route %q: sessions of %s go to %s; "+
					"give each Tomcat its own jvmRoute in server.xml",
				other, m.Name, c.Name, seen, m.Name, other))
			continue
		}
		owner[seen] = m.Name
		out[i] = assigned{name: seen, learned: true}
	}
	return out, notes
}
