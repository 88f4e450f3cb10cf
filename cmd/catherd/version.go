package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "tell which program this is",
		Example: "  catherd version",
		Args:    between(0, 0),
		RunE: verb(e, func(_ context.Context, e *env, _ []string) error {
			v := struct {
				Version  string `json:"version"`
				Revision string `json:"revision"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{version, revision, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return e.facts(v, fmt.Sprintf("catherd %s (%s) %s %s\n", v.Version, v.Revision, v.Go, v.Platform))
		}),
	}
}
