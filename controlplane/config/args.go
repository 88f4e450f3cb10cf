package config

import (
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// FromBackends makes the configuration of `catherd run --listen ADDRESS URL...`:
// one pool named default whose routes are learned. An empty listen means the
// default. Problems name the argument instead of a line. The AJP secret comes
// from CATHERD_AJP_SECRET.
func FromBackends(listen string, urls []string) (*Config, Problems) {
	return fromBackends(listen, urls, os.Getenv)
}

func fromBackends(listen string, urls []string, getenv func(string) string) (*Config, Problems) {
	src := &source{name: "arguments", args: []string{}}
	line := func(name, text string) *yaml.Node {
		src.args = append(src.args, name)
		src.lines = append(src.lines, strings.Map(visible, text))
		// Arguments are taken literally: no variables, which the shell has put in.
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Line: len(src.lines), Column: 1,
			Value: strings.ReplaceAll(text, "${", "$${")}
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	word := func(text string, at *yaml.Node) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: at.Line, Column: 1}
	}
	if listen != "" {
		value := line("--listen", listen)
		root.Content = append(root.Content, word("listen", value), value)
	}
	if len(urls) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: len(src.lines) + 1, Column: 1}
		for i, url := range urls {
			list.Content = append(list.Content, line("backend "+strconv.Itoa(i+1), url))
		}
		root.Content = append(root.Content, word("backends", list), list)
	}
	return decode(src, root, getenv, Options{})
}
