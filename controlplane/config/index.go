package config

import "fmt"

// Origin says where a value came from.
type Origin struct {
	File string // name of the file, "" when it is not from one
	Line int    // from 1, 0 when it is not from a file
	Col  int    // from 1, in characters
	Env  string // environment variable it came from, alone or inside the text
	Note string // "default", or how it was derived
}

// String returns "catherd.yaml:9", "environment NAME", "default".
func (o Origin) String() string {
	switch {
	case o.Line > 0 && o.Env != "":
		return fmt.Sprintf("%s:%d, environment %s", o.File, o.Line, o.Env)
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case o.File != "":
		return o.File
	case o.Env != "":
		return "environment " + o.Env
	case o.Note != "":
		return o.Note
	}
	return "default"
}

// index is the path-to-mark index: for each path that was set, where.
type index map[string]Origin

// Origin returns where the value at a path came from, for example
// "pools.app.members.tomcat3.state" or "routes[0].pool". Unknown paths are
// "default".
func (c *Config) Origin(path string) Origin { return c.marks[path] }

// Pool returns the pool of that name, or nil.
func (c *Config) Pool(name string) *Pool {
	for i := range c.Pools {
		if c.Pools[i].Name == name {
			return &c.Pools[i]
		}
	}
	return nil
}

// Member returns the member of that name, or nil.
func (p *Pool) Member(name string) *Member {
	for i := range p.Members {
		if p.Members[i].Name == name {
			return &p.Members[i]
		}
	}
	return nil
}
