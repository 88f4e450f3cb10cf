package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

func upgradeCommand(e *env) *cobra.Command {
	var binary string
	c := &cobra.Command{
		Use:   "upgrade [--binary FILE]",
		Short: "let a new process take over, without a lost connection",
		Long: "Has the running process start its successor, with the same arguments: the file\n" +
			"it was started from as it is now, or another one. It returns when the new process\n" +
			"serves; the old one finishes what it has. If the new one does not serve, nothing\n" +
			"changes, and the exit code is 1.",
		Example: "  catherd upgrade\n  catherd upgrade --binary ./catherd-next",
		Args:    between(0, 0),
		RunE: verb(e, func(ctx context.Context, e *env, _ []string) error {
			return upgrade(ctx, e, binary)
		}),
	}
	c.Flags().StringVar(&binary, "binary", "", "the program to start (`FILE`)")
	return c
}

func upgrade(ctx context.Context, e *env, binary string) error {
	c, err := dial(e)
	if err != nil {
		return err
	}
	if binary != "" {
		if binary, err = filepath.Abs(binary); err != nil {
			return failed("find %q: %v", binary, err)
		}
	}
	r, err := c.Upgrade(ctx, binary)
	switch {
	case err != nil:
		return err
	case e.json():
		return e.facts(r, "")
	case !e.quiet:
		fmt.Fprintf(e.stdout, "%s serves (pid %d) in the place of %s (pid %d), after %.0f ms\n", r.Version, r.PID, r.Old, r.OldPID, r.Took*1000)
		if r.Left > 0 {
			fmt.Fprintf(e.stdout, "pid %d finishes %s\n", r.OldPID, plural(int(r.Left), "connection"))
		}
	}
	return nil
}
