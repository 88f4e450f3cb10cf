package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/compile"
	"github.com/catherd/catherd/controlplane/config"
)

func configCommand(e *env) *cobra.Command {
	var diff bool
	c := &cobra.Command{
		Use:   "config",
		Short: "show the running configuration",
		Long: "Shows the running configuration in its long form: every value and where it came\n" +
			"from. Secrets are never shown. catherd help config explains the keys.",
		Example: "  catherd config --diff",
		Args:    between(0, 0),
	}
	c.Flags().BoolVar(&diff, "diff", false, "show how the file differs from what runs")
	c.RunE = verb(e, func(ctx context.Context, e *env, _ []string) error {
		if diff {
			return configDiff(ctx, e)
		}
		return configShow(ctx, e)
	})
	return c
}

func configShow(ctx context.Context, e *env) error {
	c, err := dial(e)
	if err != nil {
		return err
	}
	data, err := c.Config(ctx)
	if err != nil {
		return err
	}
	return e.facts(struct {
		Config string `json:"config"`
	}{string(data)}, string(data))
}

// configDiff compares the file on the disk with what runs.
func configDiff(ctx context.Context, e *env) error {
	c, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	if s.ConfigPath == "" {
		return failed("what runs was started without a file, so there is nothing to compare")
	}
	data, err := c.Config(ctx)
	if err != nil {
		return err
	}
	running, problems := config.Load("running configuration", data, e.getenv, config.Options{})
	if running == nil {
		_ = problems.Format(e.stderr, e.color())
		return failed("understand the configuration from %s: perhaps another version runs there", c.Socket())
	}
	file, problems := config.LoadFile(s.ConfigPath)
	if file == nil {
		_ = problems.Format(e.stderr, e.color())
		return silent(exitUsage)
	}
	changes := differ(running, file)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s", s.ConfigPath, plural(len(changes), "change"), changeLines(changes))
	return e.facts(struct {
		Path    string           `json:"path"`
		Changes []compile.Change `json:"changes"`
	}{s.ConfigPath, changes}, b.String())
}

// differ compares values as they are shown. The content of a secret is not
// known here, so that a changed one does not show.
func differ(running, file *config.Config) []compile.Change {
	texts := func(c *config.Config) map[string]string {
		m := map[string]string{}
		for _, v := range c.Values() {
			m[v.Path] = v.Text
		}
		return m
	}
	old, new := texts(running), texts(file)
	changes := []compile.Change{}
	for _, v := range file.Values() {
		if was, had := old[v.Path]; !had || was != v.Text {
			changes = append(changes, compile.Change{Path: v.Path, Old: was, New: v.Text})
		}
	}
	for _, v := range running.Values() {
		if _, has := new[v.Path]; !has {
			changes = append(changes, compile.Change{Path: v.Path, Old: v.Text})
		}
	}
	return changes
}

func changeLines(changes []compile.Change) string {
	t := table{indent: "  "}
	for _, c := range changes {
		switch {
		case c.Old == "":
			t.row(c.Path, "+ "+c.New)
		case c.New == "":
			t.row(c.Path, "- "+c.Old)
		default:
			t.row(c.Path, c.Old+" -> "+c.New)
		}
	}
	return t.String()
}

func plural(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}
