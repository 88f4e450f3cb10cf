package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// decoder walks the nodes of one file beside the declaration.
type decoder struct {
	src    *source
	getenv func(string) string
	opts   Options
	ps     Problems
	marks  index
	spots  map[string]spot // where each path stands, for problems found later
	bad    map[string]bool // paths that already have an error
	quiet  bool            // a default is decoded: no marks
	lone   []string        // lists of groups that are written as one group
}

// spot is the place of one path: its key and its value.
type spot struct{ key, value *yaml.Node }

func newDecoder(src *source, getenv func(string) string, opts Options) *decoder {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	return &decoder{src: src, getenv: getenv, opts: opts,
		marks: index{}, spots: map[string]spot{}, bad: map[string]bool{}}
}

// decode is Load behind the parser.
func decode(src *source, root *yaml.Node, getenv func(string) string, opts Options) (*Config, Problems) {
	d := newDecoder(src, getenv, opts)
	cfg := &Config{marks: d.marks}
	d.group(root, reflect.ValueOf(cfg).Elem(), "")
	d.resolve(cfg)
	d.validate(cfg)
	d.ps.sort()
	if d.ps.HasErrors() {
		return nil, d.ps
	}
	return cfg, d.ps
}

// maxProblems bounds what is remembered of one file: a person reads twenty.
const maxProblems = 500

// full reports whether further problems of the file are not remembered.
func (d *decoder) full() bool { return len(d.ps) >= maxProblems }

func (d *decoder) add(p Problem) {
	if p.Severity == Error {
		for path := p.Path; ; {
			d.bad[path] = true
			at := strings.LastIndexAny(path, ".[")
			if at < 0 {
				break
			}
			path = path[:at]
		}
	}
	if !d.full() {
		for _, path := range d.lone { // who wrote no list is not told of a number
			p.What = strings.ReplaceAll(p.What, path+"[0]", path)
		}
		d.ps = append(d.ps, p)
	}
}

// problem reports an error at a value.
func (d *decoder) problem(node *yaml.Node, path, what, cure string) {
	if d.full() {
		return // finding the line costs more than the rest of the work
	}
	d.add(d.src.problem(node.Line, node.Column, 1, path, lead(path)+what, cure))
}

// keyProblem reports an error at a key, which is underlined.
func (d *decoder) keyProblem(key *yaml.Node, path, what, cure string) {
	if d.full() {
		return
	}
	d.add(d.src.problem(key.Line, key.Column, d.width(key), path, what, cure))
}

// width is how many characters of its line a key takes.
func (d *decoder) width(key *yaml.Node) int {
	if d.src.args != nil {
		return 1 // an argument has no keys
	}
	n := utf8.RuneCountInString(key.Value)
	if key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		n += 2
	}
	if key.Line >= 1 && key.Line <= len(d.src.lines) {
		n = min(n, len(d.src.runes(key.Line))-key.Column+1)
	}
	return max(1, n)
}

// shown shortens a path for messages: the pool of a member is left out, the
// line says where it is.
func shown(path string) string {
	if rest, ok := strings.CutPrefix(path, "pools."); ok {
		if at := strings.Index(rest, ".members."); at >= 0 {
			return rest[at+1:]
		}
	}
	return path
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// usable refuses the parts of YAML that the language leaves out, whatever
// they are used for: aliases, anchors, explicit tags.
func (d *decoder) usable(node *yaml.Node, path string) bool {
	switch {
	case node.Kind == yaml.AliasNode:
		d.problem(node, path, fmt.Sprintf("*%s is an alias, and aliases are not part of this language", clip(node.Value)), "write the value out")
	case node.Anchor != "":
		d.problem(node, path, fmt.Sprintf("&%s is an anchor, and anchors are not part of this language", clip(node.Anchor)), "remove it and write the value where it is needed")
	case node.Style&yaml.TaggedStyle != 0:
		d.problem(node, path, fmt.Sprintf("%s is a type tag, and tags are not part of this language", clip(node.Tag)), "remove it; quotes make a text of a number")
	default:
		return true
	}
	return false
}

// mark notes where a path was set.
func (d *decoder) mark(path string, key, value *yaml.Node, env string) {
	if d.quiet {
		return
	}
	o := d.src.origin(value.Line, value.Column)
	o.Env = env
	d.marks[path] = o
	if key == nil {
		key = value
	}
	if _, known := d.spots[path]; !known {
		d.spots[path] = spot{key, value}
	}
}

// group decodes a mapping with known keys. Defaults are filled in first.
func (d *decoder) group(node *yaml.Node, v reflect.Value, path string) {
	d.defaults(v)
	words := make([]string, 0, v.NumField())
	for _, f := range fieldsOf(v.Type()) {
		words = append(words, f.Key)
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !d.key(key, path, seen) {
			continue
		}
		f, known := fieldByKey(v.Type(), key.Value)
		if !known {
			what := fmt.Sprintf("unknown key %q", clip(key.Value))
			if path != "" {
				what += " in " + path
			}
			cure := "it can be " + listWords(words)
			if near := nearest(key.Value, words); near != "" {
				cure = fmt.Sprintf("did you mean %q?", near)
			} else if ours := spokenElsewhere[key.Value]; ours != "" {
				cure = "that is " + ours + " here"
			} else if home := homeOf(key.Value); home != "" {
				cure = fmt.Sprintf("%q belongs into %s", key.Value, home)
			}
			d.keyProblem(key, join(path, key.Value), what, cure)
			continue
		}
		sub := join(path, f.Key)
		d.mark(sub, key, value, "")
		if d.usable(value, sub) {
			d.value(f, value, v.Field(f.Index), sub)
		}
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.Required && seen[f.Key] == nil {
			at := node
			if s, ok := d.spots[path]; ok {
				at = s.key
			}
			what := fmt.Sprintf("%s has no %s", shown(path), f.Key)
			d.keyProblem(at, path, what, fmt.Sprintf("add %s: %s", f.Key, f.Example))
		}
	}
}

// key checks one key of a mapping.
func (d *decoder) key(key *yaml.Node, path string, seen map[string]*yaml.Node) bool {
	if key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
		d.keyProblem(key, path, "<< merges an alias, and aliases are not part of this language", "write the keys out")
		return false
	}
	if !d.usable(key, path) {
		return false
	}
	if key.Kind != yaml.ScalarNode {
		d.problem(key, path, "a key is a list or a mapping", "write a word, then a colon")
		return false
	}
	if first := seen[key.Value]; first != nil {
		what := fmt.Sprintf("duplicate key %q", clip(key.Value))
		if path != "" {
			what += " in " + path
		}
		d.keyProblem(key, join(path, key.Value), what, fmt.Sprintf("it is already on line %d; keep one of them", first.Line))
		return false
	}
	seen[key.Value] = key
	return true
}

// homeOf finds a group that has a key, for keys at the wrong level.
func homeOf(key string) string {
	var find func(t reflect.Type, path string) string
	find = func(t reflect.Type, path string) string {
		for _, f := range fieldsOf(t) {
			sub := join(path, f.Key)
			if f.Key == key && path != "" {
				return path
			}
			inner := f.Type
			if f.isList() {
				inner = f.Type.Elem()
				if f.Name != "" {
					sub += "." + strings.ToUpper(f.Name)
				}
			}
			if inner.Kind() == reflect.Struct && inner != typeAddress && inner != typePrefix {
				if home := find(inner, sub); home != "" {
					return home
				}
			}
		}
		return ""
	}
	return find(reflect.TypeFor[Config](), "")
}
