package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
)

func checkCommand(e *env) *cobra.Command {
	var o checkFlags
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "find all mistakes of a configuration file",
		Long: "Reports all mistakes in one run, each with its place and its cure. Without FILE\n" +
			"it checks ./catherd.yaml, else /etc/catherd/catherd.yaml.",
		Example: "  catherd check --strict catherd.yaml",
		Args:    between(0, 1),
	}
	c.Flags().BoolVar(&o.expand, "expand", false, "print the long form: every value and where it came from")
	c.Flags().BoolVar(&o.strict, "strict", false, "fail on warnings as well")
	c.Flags().BoolVar(&o.probe, "probe", false, "then examine every member, as catherd probe does")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return check(ctx, e, args, o) })
	return c
}

// checkFlags are the flags of check.
type checkFlags struct{ expand, strict, probe bool }

// checkFact is the JSON of check.
type checkFact struct {
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Digest   string          `json:"digest,omitempty"`
	Problems config.Problems `json:"problems"`
	Error    string          `json:"error,omitempty"` // what cannot be carried out
	Config   string          `json:"config,omitempty"`
	Members  []patientFact   `json:"members,omitempty"` // with --probe
}

func check(ctx context.Context, e *env, args []string, o checkFlags) error {
	name := e.config
	if len(args) > 0 {
		name = args[0]
	}
	if name == "" {
		name = usual()
	}
	if name == "" {
		return misused("check: neither ./catherd.yaml nor /etc/catherd/catherd.yaml exists: name the file")
	}
	cfg, problems := config.LoadFile(name)
	f := checkFact{File: name, Problems: problems}
	if f.Problems == nil {
		f.Problems = config.Problems{}
	}
	f.OK = cfg != nil && !problems.HasErrors() && (!o.strict || !problems.HasWarnings())
	text := ""
	if cfg != nil {
		f.Digest = cfg.Digest()
		if _, _, err := compile.Build(compile.Inputs{Now: time.Now(), Config: cfg, Digest: f.Digest}, nil); err != nil {
			f.OK, f.Error = false, err.Error()
		}
		if o.expand {
			f.Config = string(config.Expand(cfg))
			text = f.Config
		} else if f.OK {
			text = summary(name, cfg, f.Digest)
		}
	}
	if !e.json() && !e.quiet {
		_ = problems.Format(e.stderr, e.color())
		if f.Error != "" {
			fmt.Fprintf(e.stderr, "%s: %s\n", name, f.Error)
		}
	}
	well := true
	if o.probe && f.OK {
		var lines string
		well, f.Members, lines = examine(ctx, append(patients(cfg), discovered(ctx, e, name, cfg)...))
		text += lines
	}
	if err := e.facts(f, text); err != nil {
		return err
	}
	switch {
	case !f.OK:
		return silent(exitUsage)
	case !well:
		return silent(exitFailed)
	}
	return nil
}

func summary(name string, cfg *config.Config, digest string) string {
	members := 0
	for i := range cfg.Pools {
		members += len(cfg.Pools[i].Members)
	}
	return fmt.Sprintf("%s ok: %s, %s, %s   digest %s\n", name,
		plural(len(cfg.Routes), "route"), plural(len(cfg.Pools), "pool"), plural(members, "member"), digest)
}
