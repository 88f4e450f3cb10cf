package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// toJSON sees a YAML tree as an editor does.
func toJSON(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			m[node.Content[i].Value] = toJSON(node.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range node.Content {
			list = append(list, toJSON(item))
		}
		return list
	}
	switch node.Tag {
	case "!!int":
		if _, err := strconv.ParseInt(node.Value, 10, 64); err == nil {
			return json.Number(node.Value)
		}
	case "!!float":
		if _, err := strconv.ParseFloat(node.Value, 64); err == nil {
			return json.Number(node.Value)
		}
	case "!!bool":
		return node.Value == "true"
	case "!!null":
		return nil
	}
	return node.Value
}

func TestSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	schema := compiledSchema(t)
	for _, name := range append(corpus(t, "valid", 15), corpus(t, "warned", 20)...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, root, ps := parse(name, data)
		if root == nil {
			t.Fatal(ps)
		}
		if err := schema.Validate(toJSON(root)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Files whose mistake is one of form are refused by the schema as well. What a
// schema cannot see is listed: YAML itself, two values that do not fit, the
// size of a number inside a text.
func TestSchemaRefusesMistakesOfForm(t *testing.T) {
	schema := compiledSchema(t)
	form := []string{"key-", "type-", "word-", "cookie-name", "path-no-slash", "route-star", "route-bare", "route-query", "url-no-scheme",
		"url-scheme", "url-path", "url-user", "url-no-host", "status-range", "network-word", "receiver-no-port", "pool-name", "pools-empty",
		"limit-below", "weight-zero", "limit-attempts", "limit-int-overflow", "env-open", "listen-url", "listen-host-only", "secret-list"}
	blind := []string{"key-list-as-key", "type-version-text", "pool-name-on"}
	refused := 0
	for _, name := range corpus(t, "invalid", 70) {
		base := strings.TrimSuffix(filepath.Base(name), ".yaml")
		if !slices.ContainsFunc(form, func(p string) bool { return strings.HasPrefix(base, p) }) || slices.Contains(blind, base) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, root, _ := parse(name, data)
		if root == nil {
			continue // not even a mapping
		}
		if schema.Validate(toJSON(root)) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
		refused++
	}
	if refused < 60 {
		t.Errorf("only %d files were compared", refused)
	}
}

// Every declaration is complete, and its default obeys it.
func TestDeclaration(t *testing.T) {
	seen := 0
	var check func(typ reflect.Type, path string)
	check = func(typ reflect.Type, path string) {
		newDecoder(newSource("", ""), nil, Options{}).defaults(reflect.New(typ).Elem()) // panics on a bad default
		for _, f := range fieldsOf(typ) {
			seen++
			sub := join(path, f.Key)
			if !strings.HasSuffix(f.Doc, ".") || len(f.Doc) < 10 {
				t.Errorf("%s: doc %q is not a sentence", sub, f.Doc)
			}
			if f.Key != strings.ToLower(f.Key) || strings.Contains(f.Key, "-") {
				t.Errorf("%s: keys are lower case with underscores", sub)
			}
			if f.Required && f.Example == "" {
				t.Errorf("%s: a required key needs an example", sub)
			}
			inner := f.Type
			if f.isList() {
				inner = inner.Elem()
			}
			switch {
			case inner == typeAddress, inner == typePrefix, f.Type == typeStatuses:
			case inner.Kind() == reflect.Struct:
				check(inner, sub)
			case inner.Kind() == reflect.Int, inner.Kind() == reflect.Int64:
				if f.Min == "" || f.Max == "" {
					t.Errorf("%s: a number needs min and max", sub)
				}
			case inner.Kind() == reflect.String && len(f.Enum) == 0:
				if forms[f.Is].check == nil {
					t.Errorf("%s: unknown form %q", sub, f.Is)
				}
			}
			for _, word := range f.Enum {
				if slices.Contains([]string{"on", "yes", "no"}, word) {
					t.Errorf("%s: %q is a truth value for some YAML readers", sub, word)
				}
			}
		}
	}
	check(reflect.TypeFor[Config](), "")
	if seen < 80 {
		t.Errorf("only %d keys were seen", seen)
	}
}

func TestReferenceHasEveryKeyAndSentence(t *testing.T) {
	text := string(Reference())
	var check func(typ reflect.Type)
	check = func(typ reflect.Type) {
		for _, f := range fieldsOf(typ) {
			if !strings.Contains(text, "| `"+f.Key+"` |") || !strings.Contains(text, cell(f.Doc)) {
				t.Errorf("%s is missing", f.Key)
			}
			inner := f.Type
			if f.isList() {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && inner != typeAddress && inner != typePrefix {
				check(inner)
			}
		}
	}
	check(reflect.TypeFor[Config]())
	if !bytes.Equal(Reference(), Reference()) || !bytes.Equal(Schema(), Schema()) {
		t.Error("two calls differ")
	}
}
