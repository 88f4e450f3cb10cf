package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (d *decoder) checkRoutes(c *Config) {
	var names []string
	for _, p := range c.Pools {
		names = append(names, p.Name)
	}
	type target struct{ host, path string }
	first := map[target]int{}
	used := map[string]bool{}
	for i, r := range c.Routes {
		path := "routes[" + strconv.Itoa(i) + "]"
		used[r.Pool] = true
		if r.Pool != "" && !slices.Contains(names, r.Pool) && !d.bad[path+".pool"] && !d.set("pools."+r.Pool) {
			cure := "the pools are " + listWords(names)
			if len(names) == 1 {
				cure = "the only pool is " + names[0]
			}
			if near := nearest(r.Pool, names); near != "" {
				cure = fmt.Sprintf("did you mean %q?", near)
			} else if len(names) == 0 {
				cure = "add it to pools"
			}
			d.errorAt(path+".pool", fmt.Sprintf("%s.pool: there is no pool %q", path, r.Pool), cure)
		}
		if d.bad[path] {
			continue
		}
		key := target{r.Host, strings.TrimSuffix(r.Path, "/")}
		if before, twice := first[key]; twice {
			d.errorAt(path+".path", fmt.Sprintf("%s matches the same requests as routes[%d]", path, before), "remove one of them; the order of routes does not matter")
		} else {
			first[key] = i
		}
		for _, u := range r.Unmount {
			if covers(u, r.Path) {
				d.warnAt(path+".unmount", fmt.Sprintf("%s.unmount: %s excludes everything the route matches", path, u), "remove the route, or exclude less")
			}
		}
	}
	if d.bad["routes"] || len(c.Routes) == 0 {
		return
	}
	for _, name := range names {
		if !used[name] {
			d.warnAtKey("pools."+name, "no route leads to pool "+name, "add a route to it, or remove it")
		}
	}
}

// covers reports whether every path of pattern b is one of pattern a.
func covers(a, b string) bool {
	switch {
	case a == b:
		return true
	case strings.HasPrefix(a, "*."):
		return strings.HasPrefix(b, "=") && strings.HasSuffix(b, a[1:])
	case strings.HasPrefix(a, "="):
		return false
	case strings.HasPrefix(b, "*."):
		return a == "/"
	}
	prefix, path := strings.TrimSuffix(a, "/"), strings.TrimPrefix(b, "=")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func keysOfMap(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
