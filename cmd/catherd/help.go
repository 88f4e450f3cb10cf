package main

import (
	"context"
	"embed"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/config"
)

//go:embed docs/*.md
var docs embed.FS

// topics are what `catherd help` explains besides the commands, in the order
// of the list.
var topics = []struct{ name, short string }{
	{"config", "every key of the configuration"},
	{"sticky", "how a session finds its Tomcat, and what happens when it is gone"},
	{"drain", "how to take a Tomcat out without losing sessions"},
	{"tribes", "how Tomcats are heard and found, and what silence means"},
	{"secret", "the AJP secret, and the two kinds of 403"},
	{"connector", "what can be wrong between Catherd and a Tomcat"},
	{"migrate-by-hand", "from mod_jk or mod_proxy to catherd.yaml"},
	{"metrics", "what /metrics has and what to watch"},
	{"guard", "what the kernel drops before it costs anything"},
	{"engine", "what serves connections"},
	{"upgrade", "another process in the place of the running one"},
	{"kernel", "what helps in the kernel, what is missing, and the cure"},
	{"limits", "what this version does not do"},
}

func helpCommand(e *env) *cobra.Command {
	var b strings.Builder
	b.WriteString("Explains a topic or shows the help of a command.\n\n")
	t := table{indent: "  "}
	for _, topic := range topics {
		t.row(topic.name, topic.short)
	}
	b.WriteString(strings.TrimRight(t.String(), "\n"))
	c := &cobra.Command{
		Use:     "help [TOPIC|COMMAND]",
		Short:   "explain a topic",
		Long:    b.String(),
		Example: "  catherd help sticky",
		Args:    between(0, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var out []cobra.Completion
			for _, t := range topics {
				out = append(out, cobra.CompletionWithDesc(t.name, t.short))
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.RunE = verb(e, func(_ context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		if text, ok := topicText(args[0]); ok {
			_, err := e.stdout.Write(text)
			return err
		}
		for _, other := range c.Root().Commands() {
			if other.Name() == args[0] {
				return other.Help()
			}
		}
		return misused("there is no topic and no command %q: catherd help lists the topics", args[0])
	})
	return c
}

// topicText is the Markdown of a topic.
func topicText(name string) ([]byte, bool) {
	if name == "config" {
		return config.Reference(), true
	}
	text, err := docs.ReadFile("docs/" + name + ".md")
	return text, err == nil
}
