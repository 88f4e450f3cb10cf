package config

import (
	"maps"
	"reflect"
	"slices"
)

// Extra is a member that the file does not have.
type Extra struct {
	Pool   string
	Member Member
	Origin string // how it was found, for Config.Origin: "heard in 228.0.0.4:45564 as 10.0.0.7:4000"
}

// NewMember returns a member with the defaults of the language and no address.
// Its route is to be learned.
func NewMember(name string) Member {
	var m Member
	newDecoder(newSource("", ""), nil, Options{}).defaults(reflect.ValueOf(&m).Elem())
	m.Name = name
	return m
}

// With returns a copy of the configuration that has further members at the end
// of their pools; c itself does not change. A pool that does not exist is
// passed over. The copy's digest is not that of the file: use c.Digest for
// what an operator is to compare.
func (c *Config) With(extra []Extra) *Config {
	out := *c
	out.Pools = slices.Clone(c.Pools)
	out.marks = maps.Clone(c.marks)
	if out.marks == nil {
		out.marks = index{}
	}
	cloned := map[string]bool{}
	for _, e := range extra {
		p := out.Pool(e.Pool)
		if p == nil {
			continue
		}
		if !cloned[e.Pool] {
			p.Members = slices.Clone(p.Members)
			cloned[e.Pool] = true
		}
		p.Members = append(p.Members, e.Member)
		path := "pools." + e.Pool + ".members." + e.Member.Name
		for _, key := range []string{"", ".url", ".http", ".receiver"} {
			out.marks[path+key] = Origin{Note: e.Origin}
		}
		if e.Member.Route == "" {
			out.marks[path+".route"] = Origin{Note: "learned from sessions"}
		}
	}
	return &out
}
