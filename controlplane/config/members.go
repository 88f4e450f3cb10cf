package config

import (
	"reflect"

	"go.yaml.in/yaml/v4"
)

// memberList is the whole of a file that a pool's discover.file names.
type memberList struct {
	Backends []Address `key:"backends" doc:"Addresses, whose names come from host and port and whose routes are learned."`
	Members  []Member  `key:"members" name:"member" short:"url" doc:"The members by name; the name is the jvmRoute of the Tomcat."`
}

// LoadMembers reads a file of members: a mapping with members or backends, in
// the same words as in a pool, as YAML or JSON. A list without a mapping is
// taken for backends. An empty list is no mistake: the pool may be empty. With
// an error among the problems the members are nil.
func LoadMembers(name string, data []byte, getenv func(string) string) ([]Member, Problems) {
	src, root, ps := parseAny(name, data)
	if ps.HasErrors() {
		return nil, ps
	}
	if root.Kind == yaml.SequenceNode {
		word := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "backends", Line: root.Line, Column: root.Column}
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: root.Line, Column: root.Column, Content: []*yaml.Node{word, root}}
	}
	d := newDecoder(src, getenv, Options{})
	var list memberList
	d.group(root, reflect.ValueOf(&list).Elem(), "")
	p := Pool{Backends: list.Backends, Members: list.Members}
	d.foldList(&p)
	d.ps.sort()
	if d.ps.HasErrors() {
		return nil, d.ps
	}
	return p.Members, d.ps
}

// foldList does for a file of members what foldMembers and checkMembers do for
// a pool.
func (d *decoder) foldList(p *Pool) {
	switch {
	case d.set("backends") && d.set("members"):
		d.errorAtKey("backends", "the file has both backends and members", "write all of them as members")
		return
	case !d.set("backends") && !d.set("members"):
		if len(d.ps) == 0 {
			d.errorAt("", "the file has neither members nor backends", "write members: and the members below, or backends: []")
		}
		return
	}
	taken := map[string]int{}
	for _, a := range p.Backends {
		m := NewMember(unique(MemberName(a), taken))
		m.URL = a
		p.Members = append(p.Members, m)
	}
	routes := map[string]string{}
	for i := range p.Members {
		m := &p.Members[i]
		if d.set("members") && !d.set("members."+m.Name+".route") {
			m.Route = m.Name
		}
		if other := routes[m.Route]; other != "" && m.Route != "" {
			d.errorAt("members."+m.Name+".route", "members "+other+" and "+m.Name+" have the same route \""+m.Route+"\"", "every Tomcat needs a jvmRoute of its own in server.xml")
		}
		routes[m.Route] = m.Name
	}
}
