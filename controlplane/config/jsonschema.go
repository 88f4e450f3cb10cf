package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// SchemaID names the schema; nothing has to be reachable there.
const SchemaID = "https://github.com/catherd/catherd/catherd.schema.json"

// object is a JSON object.
type object = map[string]any

// Schema returns the JSON schema (draft 2020-12) of the language, made from
// the declaration. It knows keys, types, words and forms; what takes two
// values to see, or the size of a number inside a text, only Load knows.
func Schema() []byte {
	s := schemaMaker{defs: object{
		"variable": object{
			"description": "A value with a variable of the environment in it.",
			"type":        "string", "pattern": `\$\{[A-Za-z_][A-Za-z0-9_]*\}`,
		},
	}}
	root := s.group(reflect.TypeFor[Config]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaID
	root["title"] = "Configuration of Catherd"
	root["anyOf"] = []any{object{"required": []string{"backends"}}, object{"required": []string{"pools"}}}
	root["$defs"] = s.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // maps of texts and numbers only
	}
	return b.Bytes()
}

type schemaMaker struct{ defs object }

// group is the schema of a mapping with known keys.
func (s *schemaMaker) group(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		p := s.value(f)
		p["description"] = f.describe()
		if f.Default != "" {
			var v any
			if err := yaml.Load([]byte(f.Default), &v); err != nil {
				panic("default of " + f.Key + ": " + err.Error())
			}
			p["default"] = v
		}
		properties[f.Key] = p
		if f.Required {
			required = append(required, f.Key)
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// ref puts a group among the definitions and points to it.
func (s *schemaMaker) ref(t reflect.Type) object {
	name := strings.ToLower(t.Name())
	if _, known := s.defs[name]; !known {
		s.defs[name] = object{} // against endless recursion
		s.defs[name] = s.group(t)
	}
	return object{"$ref": "#/$defs/" + name}
}

// value is the schema of everything that may stand behind a key.
func (s *schemaMaker) value(f field) object {
	switch {
	case f.isGroup():
		forms := []any{s.ref(f.Type)}
		if f.Short != "" {
			inner, _ := fieldByKey(f.Type, f.Short)
			forms = append(forms, s.value(inner))
		}
		if f.None != "" {
			forms = append(forms, object{"const": "none"})
		}
		return anyOf(forms)
	case f.Type == typeStatuses:
		one := object{"anyOf": []any{
			object{"type": "integer", "minimum": 100, "maximum": 599},
			object{"type": "string", "pattern": statusPattern},
			object{"$ref": "#/$defs/variable"},
		}}
		return anyOf([]any{one, object{"type": "array", "items": one}})
	case f.isList() && f.Name != "":
		return object{"type": "object", "minProperties": 1,
			"propertyNames":        object{"pattern": namePattern},
			"additionalProperties": s.value(f.elem())}
	case f.isList():
		e := s.value(f.elem())
		list := object{"type": "array", "items": e}
		if f.elem().isGroup() && f.Short == "" {
			return list
		}
		return anyOf([]any{e, list})
	}
	return f.scalarSchema()
}

// orWord adds the word that may stand for a number.
func (f field) orWord(forms []any) []any {
	if f.Word != "" {
		forms = append(forms, object{"const": f.Word})
	}
	return forms
}

func anyOf(forms []any) object {
	if len(forms) == 1 {
		return forms[0].(object)
	}
	return object{"anyOf": forms}
}

// scalarSchema is the schema of one plain value, or of a variable in its place.
func (f field) scalarSchema() object {
	variable := object{"$ref": "#/$defs/variable"}
	text := func(pattern string) object {
		if f.emptyAllowed() {
			pattern = "^$|" + pattern
		}
		return object{"type": "string", "pattern": pattern}
	}
	zero := object{"const": 0}
	switch {
	case f.Type == typeAddress:
		return anyOf([]any{text(`^(` + strings.Join(f.schemes(), "|") + `)://[^\s/@?#:][^\s/@?#]*/?$`), variable})
	case f.Type == typePrefix:
		return anyOf([]any{text(`^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`), variable})
	case f.Type == typeDuration:
		forms := []any{text("^0$|" + durationPattern), variable}
		if strings.HasPrefix(f.Min, "0") {
			forms = append(forms, zero)
		}
		return anyOf(f.orWord(forms))
	case f.Unit == "bytes":
		forms := []any{text("^0$|" + sizePattern), variable}
		if f.Bare {
			least, _, _ := parseSize(f.Min, false)
			most, _, _ := parseSize(f.Max, false)
			forms[0] = text("^[0-9]+$|" + sizePattern)
			forms = append(forms, object{"type": "integer", "minimum": least, "maximum": most})
		} else if f.Min == "0" {
			forms = append(forms, zero)
		}
		return anyOf(forms)
	case f.Unit == "percent":
		return anyOf(f.orWord([]any{text(percentPattern), variable}))
	case f.Type.Kind() == reflect.Int:
		least, _ := strconv.Atoi(f.Min)
		most, _ := strconv.Atoi(f.Max)
		return anyOf([]any{object{"type": "integer", "minimum": least, "maximum": most}, variable})
	case f.Type.Kind() == reflect.Bool:
		return anyOf([]any{object{"type": "boolean"}, variable})
	case len(f.Enum) > 0:
		words := []any{}
		for _, word := range f.Enum {
			words = append(words, word)
			if n, err := strconv.ParseFloat(word, 64); err == nil && f.Is == "number" {
				words = append(words, n)
			}
		}
		if f.emptyAllowed() {
			words = append(words, "")
		}
		return anyOf([]any{object{"enum": words}, variable})
	}
	forms := []any{text(forms[f.Is].pattern), variable}
	switch f.Is {
	case "listen", "listen|none", "file", "text", "body", "token", "route", "name":
		forms = append(forms, object{"type": "number"})
	}
	return anyOf(forms)
}

// describe is the sentence of a field with its limits and its status.
func (f field) describe() string {
	text := f.Doc
	switch {
	case f.Min != "" && f.Min == f.Max:
		text += " Only " + f.Min + "."
	case f.Min != "":
		text += " From " + f.Min + " to " + f.Max + "."
	}
	if f.Later {
		text += " Accepted, not acted on by this version."
	}
	return text
}
