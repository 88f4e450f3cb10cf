package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/overrides"
)

// Stamped by the linker, see the Makefile.
var (
	version  = "unversioned"
	revision = "unknown"
)

func main() { os.Exit(execute(context.Background(), system(), os.Args[1:])) }

// execute carries out one command line and returns the exit code.
func execute(ctx context.Context, e *env, args []string) int {
	root := commands(e)
	root.SetArgs(args)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(e.stderr, "catherd:", strings.TrimPrefix(err.Error(), "catherd: "))
		if code == exitUsage && !isFailure(err) {
			fmt.Fprintf(e.stderr, "catherd: %s --help shows how it is used\n", cmd.CommandPath())
		}
	}
	return code
}

// verb makes a cobra function of a verb. Errors without a code are failures of
// the operation.
func verb(e *env, f func(context.Context, *env, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if e.output != "text" && e.output != "json" {
			return misused("-o %q: write text or json", e.output)
		}
		return coded(f(cmd.Context(), e, args))
	}
}

// commands is the whole tree.
func commands(e *env) *cobra.Command {
	cobra.EnableCommandSorting = false // the order of the list below says more
	root := &cobra.Command{
		Use:           "catherd",
		Short:         "A load balancer for Tomcat clusters",
		Long:          "A load balancer for Tomcat clusters, and plain words about what it is doing.",
		Example:       "  catherd run --listen :8080 ajp://127.0.0.1:8009 ajp://127.0.0.1:9009",
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(badFlag)
	f := root.PersistentFlags()
	f.StringVarP(&e.config, "config", "c", "", "configuration `FILE`")
	f.StringVar(&e.socket, "socket", "", "admin socket of the running process (`PATH`)")
	f.StringVarP(&e.output, "output", "o", "text", "text or json (`FORM`)")
	f.BoolVarP(&e.quiet, "quiet", "q", false, "say nothing, the exit code tells")
	f.BoolVar(&e.noColor, "no-color", false, "no colours")
	root.AddCommand(
		runCommand(e), checkCommand(e), probeCommand(e), discoverCommand(e), schemaCommand(e),
		statusCommand(e), membersCommand(e), heardCommand(e), eventsCommand(e), kernelCommand(e), configCommand(e), explainCommand(e),
		changeCommand(e, overrides.Drain), changeCommand(e, overrides.Stop), changeCommand(e, overrides.Ready), weightCommand(e),
		guardCommand(e),
		reloadCommand(e), upgradeCommand(e),
		versionCommand(e), completionCommand(e), helpCommand(e),
	)
	// The library's own help and completion are off: help knows topics, and
	// theirs would not fit the screen.
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.CompletionOptions.DisableDefaultCmd = true
	for _, c := range root.Commands() {
		c.DisableFlagsInUseLine = true
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Hidden = true
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	return root
}

// unknownCommand refuses a word that is no command, and names one that is close.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q: did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// badFlag says in our words what the command line parser says of a duration.
func badFlag(_ *cobra.Command, err error) error {
	var bad interface {
		error
		GetValue() string
	}
	if errors.As(err, &bad) && strings.Contains(err.Error(), "duration") {
		return fmt.Errorf("%q is no duration: write it like 30s, 10m or 2h", bad.GetValue())
	}
	return err
}

// between accepts that many arguments.
func between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s: something is missing: %s", c.Name(), c.UseLine())
		case len(args) > most:
			return fmt.Errorf("%s: %q is one argument too many: %s", c.Name(), args[most], c.UseLine())
		}
		return nil
	}
}

// helpTemplate fits every command into 24 lines and ends with an example.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}
{{end}}{{if .HasParent}}
  {{.UseLine}}
{{with .LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{.}}
{{end}}{{else}}
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}  everywhere: -c FILE  --socket PATH  -o text|json  -q  --no-color
{{end}}{{if .HasParent}}
{{end}}{{.Example}}
`
