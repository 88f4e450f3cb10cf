package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func completionCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "completion SHELL",
		Short: "print the completion of a shell",
		// The list of commands has to fit a screen.
		Hidden: true,
		Long: "Prints the completion for bash, zsh or fish. Members are completed with those of\n" +
			"the running process.",
		Example:   "  source <(catherd completion bash)",
		Args:      between(1, 1),
		ValidArgs: []string{"bash", "zsh", "fish"},
	}
	c.RunE = verb(e, func(_ context.Context, e *env, args []string) error {
		switch root := c.Root(); args[0] {
		case "bash":
			return root.GenBashCompletionV2(e.stdout, true)
		case "zsh":
			return root.GenZshCompletion(e.stdout)
		case "fish":
			return root.GenFishCompletion(e.stdout, true)
		}
		return misused("completion: shell %q is none of bash, zsh, fish", args[0])
	})
	return c
}

// completeMembers offers the members of the running process with their state.
// Nothing is offered when nobody answers within a moment.
func completeMembers(e *env) cobra.CompletionFunc { return offerMembers(e, false) }

// completeAsked offers those as well that are not there while an operator's
// word waits for them.
func completeAsked(e *env) cobra.CompletionFunc { return offerMembers(e, true) }

func offerMembers(e *env, waiting bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		_, s, err := ask(ctx, e)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, p := range s.Pools {
			for _, m := range p.Members {
				word := m.Name
				if _, _, err := find(s, word); err != nil {
					word = p.Name + "/" + m.Name
				}
				out = append(out, cobra.CompletionWithDesc(word, fmt.Sprintf("%s, %s", m.State, m.Why)))
			}
		}
		if waiting {
			for _, a := range absent(s) {
				out = append(out, cobra.CompletionWithDesc(a.pool+"/"+a.member, "not there; something is asked of it"))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
