package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
)

func reloadCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "apply the changed configuration file",
		Long: "Has the running process read its file again, shows what changed and waits for\n" +
			"the result. With a mistake in the file nothing is changed.",
		Example: "  catherd reload",
		Args:    between(0, 0),
		RunE:    verb(e, reload),
	}
}

func reload(ctx context.Context, e *env, _ []string) error {
	c, err := dial(e)
	if err != nil {
		return err
	}
	r, err := c.Reload(ctx)
	if err != nil {
		return err
	}
	if e.json() {
		if err := e.facts(r, ""); err != nil {
			return err
		}
	} else if !e.quiet {
		_ = r.Problems.Format(e.stderr, e.color())
	}
	if !r.Applied {
		return reloadRefused(e, &r)
	}
	if !e.json() && !e.quiet {
		fmt.Fprintf(e.stdout, "%s: %s\n%s", r.Path, plural(len(r.Changes), "change"), changeLines(r.Changes))
		fmt.Fprintf(e.stdout, "applied as version %d in %.0f ms\n", r.TableVersion, r.Took*1000)
	}
	return nil
}

// reloadRefused says why nothing was applied. Mistakes in the file are the
// user's (2), anything else is a failure (1).
func reloadRefused(e *env, r *admin.ReloadResult) error {
	code := exitFailed
	if r.Problems.HasErrors() {
		code = exitUsage
	}
	if e.json() || e.quiet {
		return silent(code)
	}
	text := r.What
	if r.Cure != "" && code == exitFailed {
		text += ": " + r.Cure
	}
	return &failure{code, fmt.Sprintf("reload refused: %s; config %s runs on", text, r.Digest)}
}
