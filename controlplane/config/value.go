package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

// defaults fills in the declared defaults of a group and of the groups in it.
// A default goes through the same decoder as a value of the file, so it cannot
// break its own limits unseen.
func (d *decoder) defaults(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		fv := v.Field(f.Index)
		switch {
		case f.isGroup():
			d.defaults(fv)
		case f.Default == "" || f.emptyAllowed():
			fv.SetZero()
		default:
			inner := newDecoder(newSource("default of "+f.Key, f.Default), nil, Options{})
			inner.quiet = true
			inner.value(f, defaultNode(f.Default), fv, f.Key)
			if len(inner.ps) > 0 {
				panic(inner.ps.String())
			}
		}
	}
}

// defaultNodes remembers the parsed defaults: a file with a thousand members
// would parse the same words ten thousand times.
var defaultNodes sync.Map // text to *yaml.Node

// defaultNode parses a default of the declaration, which is never wrong YAML.
func defaultNode(text string) *yaml.Node {
	if known, ok := defaultNodes.Load(text); ok {
		return known.(*yaml.Node)
	}
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil {
		panic("default " + text + ": " + err.Error())
	}
	defaultNodes.Store(text, doc.Content[0])
	return doc.Content[0]
}

// value decodes one value into its field.
func (d *decoder) value(f field, node *yaml.Node, v reflect.Value, path string) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		what := "there is no value"
		if node.Value != "" {
			what = fmt.Sprintf("%q means no value", node.Value)
		}
		at := node
		if s, ok := d.spots[path]; ok && node.Value == "" {
			at = s.key // an absent value has no place of its own
		}
		d.keyProblem(at, path, lead(path)+what, "write a value, or remove the line")
		return
	}
	switch {
	case f.isGroup():
		d.groupValue(f, node, v, path)
	case f.Type == typeStatuses:
		d.statuses(f, node, v, path)
	case f.isList() && f.Name != "":
		d.named(f, node, v, path)
	case f.isList():
		d.list(f, node, v, path)
	default:
		if node.Kind != yaml.ScalarNode {
			d.problem(node, path, "a single value is wanted, not a "+kindOf(node), "write "+f.sample())
			return
		}
		if s, ok := d.scalar(node, path); ok {
			d.single(f, s, v, path)
			d.mark(path, nil, node, s.env)
		}
	}
}

// groupValue decodes a group in its long form, or what a short form stands for.
func (d *decoder) groupValue(f field, node *yaml.Node, v reflect.Value, path string) {
	if node.Kind == yaml.MappingNode {
		d.group(node, v, path)
	} else {
		d.shortGroup(f, node, v, path)
	}
	if f.Used != "" {
		v.FieldByName(f.Used).SetBool(true)
	}
}

// shortGroup decodes what stands for a whole group.
func (d *decoder) shortGroup(f field, node *yaml.Node, v reflect.Value, path string) {
	d.defaults(v)
	if f.None != "" && node.Kind == yaml.ScalarNode && node.Value == "none" {
		v.FieldByName(f.None).SetBool(true)
		return
	}
	if f.Short == "" {
		d.problem(node, path, "a mapping is wanted, not a "+kindOf(node), "write its keys indented below: "+listWords(keysOf(f.Type)))
		return
	}
	inner, _ := fieldByKey(f.Type, f.Short)
	if node.Kind == yaml.SequenceNode && !inner.isList() {
		d.problem(node, path, "a mapping or a single value is wanted, not a list", "write "+inner.sample()+", or its keys indented below")
		return
	}
	sub := join(path, f.Short)
	d.mark(sub, nil, node, "")
	d.value(inner, node, v.Field(inner.Index), sub)
}

// maxItems bounds a list, because checks compare its items with each other.
const maxItems = 4096

// list decodes a sequence; a single value stands for a list of one.
func (d *decoder) list(f field, node *yaml.Node, v reflect.Value, path string) {
	items := []*yaml.Node{node}
	switch {
	case node.Kind == yaml.SequenceNode:
		items = node.Content
	case node.Kind == yaml.MappingNode && f.Short == "":
		d.problem(node, path, "a list is wanted, not a mapping", "begin each item with -")
		return
	case node.Kind == yaml.ScalarNode && f.Type.Elem().Kind() == reflect.Struct && f.Short == "" && f.elem().isGroup():
		d.problem(node, path, "a list of mappings is wanted, not a single value", "begin each item with - and a key")
		return
	}
	if len(items) > maxItems {
		d.problem(node, path, fmt.Sprintf("the list has more than %d items", maxItems), "a configuration of this size is a mistake")
		return
	}
	out := reflect.MakeSlice(f.Type, 0, len(items))
	e := f.elem()
	for i, item := range items {
		sub := path
		if node.Kind == yaml.SequenceNode || e.isGroup() {
			sub = path + "[" + strconv.Itoa(i) + "]"
		}
		if s, ok := d.spots[path]; ok && node.Kind != yaml.SequenceNode {
			d.mark(sub, s.key, item, "") // what lacks something is the key, as for a group
		} else {
			d.mark(sub, nil, item, "")
		}
		if !d.usable(item, sub) {
			continue
		}
		ev := reflect.New(e.Type).Elem()
		if !e.isGroup() && item.Kind == yaml.SequenceNode {
			d.problem(item, sub, "a list inside the list", "write the values one after the other")
			continue
		}
		if node.Kind != yaml.SequenceNode && e.isGroup() {
			d.lone = append(d.lone, path)
		}
		d.value(e, item, ev, sub)
		out = reflect.Append(out, ev)
	}
	v.SetZero() // an empty list is nil, however it was written
	if out.Len() > 0 {
		v.Set(out)
	}
}

// named decodes a mapping of names to groups; the order of the file is kept.
func (d *decoder) named(f field, node *yaml.Node, v reflect.Value, path string) {
	if node.Kind != yaml.MappingNode {
		cure := fmt.Sprintf("write the name of each %s, a colon, and its keys indented below", f.Name)
		if f.Name == "member" {
			cure += "; a bare list of addresses is called backends"
		}
		d.problem(node, path, "a mapping of names is wanted, not a "+kindOf(node), cure)
		return
	}
	if len(node.Content)/2 > maxItems {
		d.problem(node, path, fmt.Sprintf("there are more than %d %ss", maxItems, f.Name), "a configuration of this size is a mistake")
		return
	}
	out := reflect.MakeSlice(f.Type, 0, len(node.Content)/2)
	seen := map[string]*yaml.Node{}
	e := f.elem()
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, item := node.Content[i], node.Content[i+1]
		if !d.key(key, path, seen) {
			continue
		}
		sub := join(path, key.Value)
		if _, what, cure := checkName(key.Value); what != "" {
			d.keyProblem(key, path, lead(path)+what, cure)
			continue
		}
		d.mark(sub, key, item, "")
		if !d.usable(item, sub) {
			continue
		}
		ev := reflect.New(e.Type).Elem()
		d.value(e, item, ev, sub)
		ev.FieldByName("Name").SetString(key.Value)
		out = reflect.Append(out, ev)
	}
	v.Set(out)
}

// statuses decodes a number, a range or a list of both.
func (d *decoder) statuses(f field, node *yaml.Node, v reflect.Value, path string) {
	items := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		items = node.Content
	}
	var set StatusSet
	for i, item := range items {
		sub := path
		if node.Kind == yaml.SequenceNode {
			sub = path + "[" + strconv.Itoa(i) + "]"
		}
		if !d.usable(item, sub) {
			continue
		}
		if item.Kind != yaml.ScalarNode {
			d.problem(item, sub, "a status is wanted, not a "+kindOf(item), "write a number from 100 to 599 or a range, as in 200-399")
			continue
		}
		s, ok := d.scalar(item, sub)
		if !ok {
			continue
		}
		r, what, cure := parseStatuses(s.text)
		if what != "" {
			d.problem(item, sub, what, cure)
			continue
		}
		set = append(set, r)
	}
	v.Set(reflect.ValueOf(set))
}

// single decodes one scalar.
func (d *decoder) single(f field, s scalar, v reflect.Value, path string) {
	fail := func(what, cure string) {
		if f.Hint != "" {
			cure += " (" + f.Hint + ")"
		}
		if f.Word != "" {
			cure += ", or " + f.Word
		}
		d.problem(s.node, path, what, cure)
	}
	var what, cure string
	switch {
	case f.Word != "" && s.text == f.Word:
		v.SetInt(-1)
	case f.Type == typeAddress:
		if s.text == "" && f.emptyAllowed() {
			return
		}
		var a Address
		if a, what, cure = parseAddress(s.text, f.schemes()); what == "" {
			v.Set(reflect.ValueOf(a))
		}
	case f.Type == typePrefix:
		if p, w, c := parsePrefix(s.text); w == "" {
			v.Set(reflect.ValueOf(p))
		} else {
			what, cure = w, c
		}
	case f.Type == typeDuration:
		var n time.Duration
		if n, what, cure = parseDuration(s.text); what == "" {
			v.SetInt(int64(n))
			what, cure = f.limits(int64(n), func(text string) int64 { n, _, _ := parseDuration(text); return int64(n) })
		}
	case f.Unit == "bytes":
		var n int64
		if n, what, cure = parseSize(s.text, f.Bare); what == "" {
			v.SetInt(n)
			what, cure = f.limits(n, func(text string) int64 { n, _, _ := parseSize(text, false); return n })
		}
	case f.Unit == "percent":
		var n int
		if n, what, cure = parsePercent(s.text); what == "" {
			v.SetInt(int64(n))
			what, cure = f.limits(int64(n), func(text string) int64 { n, _, _ := parsePercent(text); return int64(n) })
		}
	case f.Type.Kind() == reflect.Int:
		n, err := strconv.ParseInt(s.text, 10, 64)
		if s.tag == "!!int" && errors.Is(err, strconv.ErrRange) {
			what, cure = "the number is out of range", fmt.Sprintf("write %s to %s", f.Min, f.Max)
		} else if len(s.text) > 1 && s.text[0] == '0' && err == nil {
			what, cure = fmt.Sprintf("%q begins with 0", clip(s.text)), "leave the 0 out; some YAML readers take the number for octal"
		} else if s.tag != "!!int" || err != nil || strings.HasPrefix(s.text, "+") {
			what, cure = fmt.Sprintf("%q is not a whole number", clip(s.text)), "write digits, without quotes and without a unit"
		} else if what, cure = f.limits(n, func(text string) int64 { n, _ := strconv.ParseInt(text, 10, 64); return n }); what == "" {
			v.SetInt(n)
		}
	case f.Type.Kind() == reflect.Bool:
		if s.tag == "!!bool" && (s.text == "true" || s.text == "false") {
			v.SetBool(s.text == "true")
		} else {
			what, cure = fmt.Sprintf("%q is not a truth value here", clip(s.text)), "write true or false"
			switch strings.ToLower(s.text) {
			case "yes", "on", "y", "1":
				cure = "write true"
			case "no", "off", "n", "0":
				cure = "write false"
			}
		}
	default:
		what, cure = d.text(f, s, v)
	}
	if what != "" {
		fail(what, cure)
	}
}

// text decodes a text, a word of a list of words, or a form.
func (d *decoder) text(f field, s scalar, v reflect.Value) (what, cure string) {
	if s.text == "" && f.emptyAllowed() {
		v.SetString("")
		return "", ""
	}
	if len(f.Enum) > 0 {
		if slices.Contains(f.Enum, s.text) {
			v.SetString(s.text)
			return "", ""
		}
		cure = "it can be " + listWords(f.Enum)
		if near := nearest(strings.ReplaceAll(s.text, "_", "-"), f.Enum); near != "" {
			if len(f.Enum) == 1 {
				cure = ""
			}
			cure = strings.TrimSpace(fmt.Sprintf("did you mean %q? %s", near, cure))
		}
		return fmt.Sprintf("%q is not a word this key takes", clip(s.text)), cure
	}
	shownText := clip(s.text)
	if f.Secret {
		shownText = "the value"
	}
	if f.Off != "" && (s.tag == "!!bool" && s.text == "false" || !s.quoted && slices.Contains([]string{"off", "no", "n"}, strings.ToLower(s.text))) {
		return fmt.Sprintf("%s is a truth value for some YAML readers", shownText), "write " + f.Off
	}
	if s.tag == "!!bool" {
		return fmt.Sprintf("%s is a truth value and a text is wanted", shownText), "put it in quotes if it is meant"
	}
	if !s.quoted && s.env == "" {
		switch strings.ToLower(s.text) {
		case "yes", "no", "on", "off", "y", "n":
			return fmt.Sprintf("%s is a truth value for some YAML readers", shownText), "put it in quotes if it is meant"
		}
	}
	if f.Secret && s.text == secretShown {
		return "this is what an expanded configuration shows instead of a secret", "name the file that holds it: secret_file: /etc/catherd/ajp.secret"
	}
	kept, what, cure := forms[f.Is].check(s.text)
	if what == "" {
		v.SetString(kept)
	}
	return what, cure
}

// secretShown stands for a secret wherever a configuration is printed.
const secretShown = "(set)"

// limits compares a number with the declared limits.
func (f field) limits(n int64, parse func(string) int64) (what, cure string) {
	switch {
	case f.Min != "" && n < parse(f.Min):
		what = "the value is below " + f.Min
	case f.Max != "" && n > parse(f.Max):
		what = "the value is above " + f.Max
	default:
		return "", ""
	}
	cure = fmt.Sprintf("write %s to %s", f.Min, f.Max)
	if f.Min == f.Max {
		cure = "write " + f.Min
	}
	if f.Key == "weight" && n == 0 {
		return "weight 0 does not stop a member", "to give it no new sessions write state: drain"
	}
	return what, cure
}

// schemes are the protocols an address may name.
func (f field) schemes() []string {
	if f.Is == "" {
		return []string{"ajp", "http", "https"}
	}
	return strings.Split(f.Is, "|")
}

// sample shows how a value of the field is written.
func (f field) sample() string {
	switch {
	case f.Example != "":
		return f.Key + ": " + f.Example
	case f.Default != "" && !f.emptyAllowed():
		return f.Key + ": " + f.Default
	case len(f.Enum) > 0:
		return f.Key + ": " + f.Enum[0]
	}
	return f.Key + ": TEXT"
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.Key)
	}
	return keys
}

// kindOf names what a node is.
func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	case yaml.AliasNode:
		return "alias"
	}
	return "single value"
}
