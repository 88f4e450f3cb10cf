package config

import (
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Value is one effective value of a configuration.
type Value struct {
	Path string // "pools.app.balance"
	Text string // as it is written in a file; "(set)" for a secret
	From Origin
}

// Values returns every effective value in the order of the language. A secret
// shows only whether there is one.
func (c *Config) Values() []Value {
	var list []Value
	c.walk(func(e event) {
		if e.kind == leaf && e.depth >= 0 {
			list = append(list, Value{e.path, e.text, c.Origin(e.path)})
		}
	})
	return list
}

// event is one step through a configuration.
type event struct {
	kind   eventKind
	path   string
	key    string // "" for an item of a sequence
	depth  int
	text   string // of a leaf
	secret string // of a leaf that is one: what must not be shown
}

type eventKind int

const (
	leaf eventKind = iota
	open           // a group, a list or a mapping of names begins
	item           // an item of a sequence of groups begins
)

// walk visits every effective value, groups that are not in use left out.
func (c *Config) walk(visit func(event)) {
	walkGroup(reflect.ValueOf(c).Elem(), "", 0, visit)
}

func walkGroup(v reflect.Value, path string, depth int, visit func(event)) {
	for _, f := range fieldsOf(v.Type()) {
		fv := v.Field(f.Index)
		sub := join(path, f.Key)
		switch {
		case f.Key == "backends":
			// Always folded into members by now.
		case f.Key == "secret" && v.FieldByName("SecretFile").String() != "":
			// The file is the value; both together would be refused.
			visit(event{kind: leaf, depth: -1, secret: fv.String()})
		case f.isGroup():
			if f.None != "" && fv.FieldByName(f.None).Bool() {
				visit(event{kind: leaf, path: sub, key: f.Key, depth: depth, text: "none"})
				continue
			}
			if f.Used != "" && !fv.FieldByName(f.Used).Bool() {
				continue
			}
			if need, ok := optionalGroup(f.Type); ok && fv.Field(need.Index).IsZero() {
				continue
			}
			visit(event{kind: open, path: sub, key: f.Key, depth: depth})
			walkGroup(fv, sub, depth+1, visit)
		case f.isList() && f.elem().isGroup():
			if fv.Len() == 0 {
				continue // an empty mapping or list of mappings says nothing
			}
			visit(event{kind: open, path: sub, key: f.Key, depth: depth})
			for i := range fv.Len() {
				ev := fv.Index(i)
				if f.Name != "" {
					name := ev.FieldByName("Name").String()
					visit(event{kind: open, path: join(sub, name), key: name, depth: depth + 1})
					walkGroup(ev, join(sub, name), depth+2, visit)
					continue
				}
				itemPath := sub + "[" + strconv.Itoa(i) + "]"
				visit(event{kind: item, path: itemPath, depth: depth + 1})
				walkGroup(ev, itemPath, depth+2, visit)
			}
		default:
			e := event{kind: leaf, path: sub, key: f.Key, depth: depth, text: write(f, fv)}
			if f.Secret {
				e.secret, e.text = fv.String(), `""`
				if e.secret != "" {
					e.text = `"` + secretShown + `"`
				}
			}
			visit(e)
		}
	}
	if f, ok := v.Type().FieldByName("Token"); ok {
		visit(event{kind: leaf, depth: -1, secret: v.FieldByIndex(f.Index).String()})
	}
}

// write turns a value into what stands in a file.
func write(f field, v reflect.Value) string {
	switch {
	case f.Type == typeStatuses:
		set := v.Interface().(StatusSet)
		var parts []string
		for _, r := range set {
			parts = append(parts, StatusSet{r}.String())
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case f.isList():
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = write(f.elem(), v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case f.Type == typeAddress:
		return quote(v.Interface().(Address).String())
	case f.Type == typePrefix:
		return quote(formatPrefix(v.Interface().(netip.Prefix)))
	case f.Word != "" && v.Int() == -1:
		return f.Word
	case f.Type == typeDuration:
		return formatDuration(v.Interface().(time.Duration))
	case f.Unit == "bytes":
		return formatSize(v.Int())
	case f.Unit == "percent":
		return strconv.FormatInt(v.Int(), 10) + "%"
	case f.Type.Kind() == reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	case f.Type.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case len(f.Enum) > 0 && f.Is == "" && v.String() != "":
		return v.String()
	}
	return quote(v.String())
}

// bare are texts that every YAML reader takes for the text they are.
var bare = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*(://[A-Za-z0-9][A-Za-z0-9._-]*:[0-9]+)?$`)

// quote writes a text, in quotes unless it is harmless without. A ${ is
// written so that it is not read as a variable again.
func quote(text string) string {
	if bare.MatchString(text) {
		switch strings.ToLower(text) {
		case "yes", "no", "on", "off", "true", "false", "null", "y", "n":
		default:
			return text
		}
	}
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	return `"` + strings.ReplaceAll(text, "${", "$${") + `"`
}
