package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference returns the reference of the language in Markdown, made from the
// declaration: one section for each mapping, in the order of the declaration.
func Reference() []byte {
	var b strings.Builder
	b.WriteString("# Configuration reference\n\n" +
		"Every key of catherd.yaml. A list of one may be written as a single value. A group with a short form may be\n" +
		"written as that value alone. Durations need a unit (us, ms, s, m, h) and so do sizes (B, KiB, MiB, GiB; kB, MB,\n" +
		"GB). `${NAME}` in a value is replaced by a variable of the environment, `$${` stands for `${`. `catherd check\n" +
		"--expand FILE` prints all of it with the values in force.\n")
	section(&b, reflect.TypeFor[Config](), "", "The top level")
	return []byte(b.String())
}

func section(b *strings.Builder, t reflect.Type, path, title string) {
	fmt.Fprintf(b, "\n## %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title)
	for _, f := range fieldsOf(t) {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Key, cell(f.kind()), cell(f.shownDefault()), cell(f.describe()))
	}
	for _, f := range fieldsOf(t) {
		inner, sub := f.Type, join(path, f.Key)
		switch {
		case f.isGroup():
		case f.isList() && f.elem().isGroup():
			inner = f.Type.Elem()
			if f.Name != "" {
				sub += "." + strings.ToUpper(f.Name)
			} else {
				sub += "[]"
			}
		default:
			continue
		}
		section(b, inner, sub, "`"+sub+"`")
	}
}

// cell makes a text fit into a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func (f field) shownDefault() string {
	switch {
	case f.Required:
		return "required"
	case f.Default == "" && f.isList():
		return "`[]`"
	case f.Default == "":
		return ""
	}
	return "`" + f.Default + "`"
}

// kind says in words what a value is.
func (f field) kind() string {
	if f.Word != "" {
		word := f.Word
		f.Word = ""
		return f.kind() + ", or `" + word + "`"
	}
	switch {
	case f.isGroup():
		switch {
		case f.Short != "" && f.None != "":
			return "mapping, its `" + f.Short + "`, or `none`"
		case f.Short != "":
			return "mapping, or its `" + f.Short + "`"
		}
		return "mapping"
	case f.Type == typeStatuses:
		return "statuses or ranges"
	case f.isList() && f.Name != "":
		return "mapping of " + f.Name + "s by name"
	case f.isList():
		if f.elem().isGroup() {
			return "list of mappings"
		}
		return "list: " + f.elem().kind()
	case f.Type == typeAddress:
		return "`" + strings.Join(f.schemes(), "://`, `") + "://` and host:port"
	case f.Type == typePrefix:
		return "address or network"
	case f.Type == typeDuration:
		return "duration"
	case f.Unit == "bytes":
		return "size"
	case f.Unit == "percent":
		return "percent"
	case f.Type.Kind() == reflect.Int:
		return "number"
	case f.Type.Kind() == reflect.Bool:
		return "`true` or `false`"
	case len(f.Enum) > 0:
		return "`" + strings.Join(f.Enum, "`, `") + "`"
	}
	switch f.Is {
	case "listen", "listen|none":
		return "address to listen on"
	case "hostport":
		return "host:port"
	case "hostpattern":
		return "host name"
	case "pattern":
		return "path pattern"
	case "srv":
		return "SRV name"
	case "hashon":
		return "what to hash"
	case "token":
		return "name"
	}
	return f.Is
}
