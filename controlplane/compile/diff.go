package compile

import (
	"github.com/catherd/catherd/controlplane/config"
)

// Change is one value that differs between two configurations.
type Change struct {
	Path string `json:"path"` // "pools.app.members.tomcat2.weight"
	Old  string `json:"old"`  // as written in a file; "" when it was not there
	New  string `json:"new"`  // "" when it is there no longer
}

// Diff lists what changed, in the order of the new configuration, removed
// values last. A secret shows that it changed and nothing else.
func Diff(old, new *config.Config) []Change {
	was, order := values(old)
	is, newOrder := values(new)
	changes := []Change{}
	for _, path := range newOrder {
		before, had := was[path]
		if !had {
			changes = append(changes, Change{path, "", is[path]})
		} else if before != is[path] {
			changes = append(changes, Change{path, before, is[path]})
		}
	}
	for _, path := range order {
		if _, still := is[path]; !still {
			changes = append(changes, Change{path, was[path], ""})
		}
	}
	for i := range new.Pools {
		p := &new.Pools[i]
		if q := old.Pool(p.Name); q != nil && q.Secret != p.Secret && (q.Secret == "") == (p.Secret == "") {
			changes = append(changes, Change{"pools." + p.Name + ".secret", "(set)", "(another)"})
		}
	}
	if old.Admin.Token != new.Admin.Token && (old.Admin.Token == "") == (new.Admin.Token == "") {
		changes = append(changes, Change{"admin.token_file", "(content)", "(other content)"})
	}
	return changes
}

func values(c *config.Config) (map[string]string, []string) {
	all := c.Values()
	texts, order := make(map[string]string, len(all)), make([]string, 0, len(all))
	for _, v := range all {
		texts[v.Path] = v.Text
		order = append(order, v.Path)
	}
	return texts, order
}
