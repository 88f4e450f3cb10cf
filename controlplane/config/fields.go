package config

import (
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"
)

// field is one declaration of the language, read from a struct tag.
type field struct {
	Key      string
	Type     reflect.Type
	Index    int
	Default  string // as written in a file; "" for none
	Enum     []string
	Min, Max string
	Is       string
	Unit     string
	Short    string
	None     string
	Used     string
	Off      string
	Word     string
	Name     string
	Required bool
	Secret   bool
	Later    bool
	Bare     bool
	Hint     string
	Example  string
	Doc      string
}

// The types that have a form of their own.
var (
	typeAddress  = reflect.TypeFor[Address]()
	typeStatuses = reflect.TypeFor[StatusSet]()
	typePrefix   = reflect.TypeFor[netip.Prefix]()
	typeDuration = reflect.TypeFor[time.Duration]()
)

var fieldCache sync.Map // reflect.Type to []field

// fieldsOf returns the keys of a mapping in the order of the declaration.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]field)
	}
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag
		key := tag.Get("key")
		if key == "" || key == "-" {
			continue
		}
		f := field{
			Key: key, Type: sf.Type, Index: i,
			Default: tag.Get("default"), Min: tag.Get("min"), Max: tag.Get("max"),
			Is: tag.Get("is"), Unit: tag.Get("unit"), Short: tag.Get("short"), None: tag.Get("none"), Used: tag.Get("used"), Off: tag.Get("off"), Word: tag.Get("word"), Name: tag.Get("name"),
			Required: tag.Get("required") == "true", Secret: tag.Get("secret") == "true",
			Later: tag.Get("later") == "true", Bare: tag.Get("bare") == "true",
			Hint: tag.Get("hint"), Example: tag.Get("example"), Doc: tag.Get("doc"),
		}
		if enum := tag.Get("enum"); enum != "" {
			f.Enum = strings.Split(enum, "|")
		}
		list = append(list, f)
	}
	fieldCache.Store(t, list)
	return list
}

// fieldByKey finds a key of a mapping.
func fieldByKey(t reflect.Type, key string) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.Key == key {
			return f, true
		}
	}
	return field{}, false
}

// elem returns the declaration of one element of a list field.
func (f field) elem() field {
	e := f
	e.Type = f.Type.Elem()
	e.Default = ""
	return e
}

// isGroup reports whether the field is a mapping with keys of its own.
func (f field) isGroup() bool {
	return f.Type.Kind() == reflect.Struct && f.Type != typeAddress && f.Type != typePrefix
}

// isList reports whether the field is a list, written as a sequence or, when
// Name is set, as a mapping of names.
func (f field) isList() bool {
	return f.Type.Kind() == reflect.Slice && f.Type != typeStatuses
}

// emptyAllowed reports whether "" may be written and means the default.
func (f field) emptyAllowed() bool { return f.Default == `""` }

// optionalGroup returns the key that decides whether a group is in use: a
// mapping without its first required key means nothing and is left out.
func optionalGroup(t reflect.Type) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.Required {
			return f, true
		}
	}
	return field{}, false
}
