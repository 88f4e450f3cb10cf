package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/config"
)

func schemaCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON schema of the configuration",
		// The list of commands has to fit a screen.
		Hidden: true,
		Long: "Prints the JSON schema of the configuration. With it, an editor explains and\n" +
			"completes keys; put this line on top of catherd.yaml:\n" +
			"  # yaml-language-server: $schema=./catherd.schema.json",
		Example: "  catherd schema > catherd.schema.json",
		Args:    between(0, 0),
		RunE: verb(e, func(_ context.Context, e *env, _ []string) error {
			_, err := e.stdout.Write(config.Schema())
			return err
		}),
	}
}
