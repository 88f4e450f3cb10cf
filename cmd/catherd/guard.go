package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/guard"
)

// guardOptions lets the kernel judge packets, unless the environment says that it shall
// do nothing.
func guardOptions(getenv func(string) string) *guard.Options {
	if getenv("KERNEL") == "off" {
		return nil
	}
	return &guard.Options{}
}

func guardCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "guard",
		Short: "show and change what the kernel drops",
		Long: "Shows the guarded interfaces and every rule with what it met: those of the file,\n" +
			"those that operators made, and what the guard knows by itself. Only packets to the\n" +
			"addresses and ports that Catherd serves are looked at (catherd help guard).",
		Example: "  catherd guard\n  catherd guard deny 192.0.2.0/24 --for 10m --reason scanner",
		Args:    between(0, 0),
		RunE:    verb(e, showGuard),
	}
	c.AddCommand(
		guardChange(e, guard.AddDeny, "drop what comes from an address or network",
			"Drops what comes from the address or network, until the rule is removed or --for is\n"+
				"over. Who is allowed always passes. A rule that would drop your own address, or\n"+
				"everybody, is taken back after 30 s unless you confirm it: catherd guard confirm."),
		guardChange(e, guard.AddAllow, "let an address or network always pass",
			"Lets the address or network pass, whatever denies or limits it, until the rule is\n"+
				"removed or --for is over."),
		guardChange(e, guard.Remove, "take a rule back that an operator made",
			"Takes a rule back that an operator made. Those of the file are changed there."),
		&cobra.Command{
			Use:     "confirm",
			Short:   "keep a change that waits for it",
			Long:    "Keeps the changes that would be taken back otherwise.",
			Example: "  catherd guard confirm",
			Args:    between(0, 0),
			RunE: verb(e, func(ctx context.Context, e *env, _ []string) error {
				return changeGuard(ctx, e, guard.Change{Verb: guard.Confirm})
			}),
		},
	)
	for _, sub := range c.Commands() {
		sub.DisableFlagsInUseLine = true
		sub.InitDefaultHelpFlag()
		sub.Flags().Lookup("help").Hidden = true
	}
	return c
}

// guardChange is a verb that changes the rules.
func guardChange(e *env, what guard.Verb, short, long string) *cobra.Command {
	var period, within time.Duration
	var reason string
	c := &cobra.Command{
		Use: string(what) + " PREFIX", Short: short, Long: long,
		Example: "  catherd guard " + string(what) + " 192.0.2.0/24",
		Args:    between(1, 1),
	}
	if what != guard.Remove {
		c.Flags().DurationVar(&period, "for", 0, "take it back after this `TIME`, such as 10m")
	}
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` that the guard shows")
	c.Flags().DurationVar(&within, "confirm-within", 0, "take it back unless it is confirmed in this `TIME`")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error {
		p, err := guard.ParsePrefix(args[0])
		switch {
		case err != nil:
			return misused("guard %s: %v", what, err)
		case period < 0 || within < 0:
			return misused("guard %s: a time is negative", what)
		}
		return changeGuard(ctx, e, guard.Change{
			Verb: what, Prefix: p, Reason: reason, For: period, ConfirmWithin: within, From: cameFrom(e),
		})
	})
	return c
}

func changeGuard(ctx context.Context, e *env, c guard.Change) error {
	client, err := dial(e)
	if err != nil {
		return err
	}
	r, err := client.ChangeGuard(ctx, c)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(r.Done + "\n")
	if !r.ConfirmBy.IsZero() {
		if r.Danger != "" {
			fmt.Fprintf(&b, "careful: %s\n", r.Danger)
		}
		fmt.Fprintf(&b, "taken back at %s unless you say: catherd guard confirm\n", r.ConfirmBy.Local().Format("15:04:05"))
	}
	if err := e.facts(r, b.String()); err != nil {
		return err
	}
	if r.Warning != "" && !e.quiet && !e.json() {
		fmt.Fprintf(e.stderr, "catherd: %s\n", r.Warning)
	}
	return nil
}

func showGuard(ctx context.Context, e *env, _ []string) error {
	client, err := dial(e)
	if err != nil {
		return err
	}
	s, err := client.Guard(ctx)
	if err != nil {
		return err
	}
	return e.facts(s, guardText(&s))
}

// guardText is the guard and its rules.
func guardText(s *guard.Status) string {
	var b strings.Builder
	b.WriteString("guard " + string(s.State))
	switch {
	case s.Why != "":
		b.WriteString(": " + s.Why)
	case s.State == guard.Unused:
		b.WriteString(": neither guard nor tribes of the file ask for it, and no operator")
	case !s.Since.IsZero():
		b.WriteString(" since " + s.Since.Local().Format("2006-01-02 15:04:05"))
	}
	b.WriteString("\n")
	if s.Cure != "" {
		b.WriteString("  " + s.Cure + "\n")
	}
	if s.DryRun {
		b.WriteString("dry run: nothing is dropped\n")
	}
	for _, i := range s.Interfaces {
		if i.Problem != "" {
			fmt.Fprintf(&b, "on %s  not guarded: %s\n", i.Name, i.Problem)
			continue
		}
		fmt.Fprintf(&b, "on %s  by %s\n", i.Name, i.Mode)
	}
	if c := s.Confirm; c != nil {
		fmt.Fprintf(&b, "taken back at %s unless confirmed: the newest change of %s", c.By.Local().Format("15:04:05"), c.Owner)
		if c.Danger != "" {
			b.WriteString(" (" + c.Danger + ")")
		}
		b.WriteString("\n")
	}
	b.WriteString(ruleLines(s.Rules))
	return b.String()
}

func ruleLines(rules []guard.RuleStatus) string {
	if len(rules) == 0 {
		return ""
	}
	t := table{}
	t.row("RULE", ">PACKETS", ">BYTES", "FROM")
	for _, r := range rules {
		name, met, size, from := r.Rule, strconv.FormatUint(r.Packets, 10), strconv.FormatUint(r.Bytes, 10), r.From
		if r.Prefix.IsValid() {
			name += " " + r.Prefix.String()
		}
		if r.Rule == string(guard.Allow) {
			met, size = "-", "-" // counted together, as "allowed"
		}
		if r.Owner != "" {
			from = r.Owner
			if !r.Until.IsZero() {
				from += ", until " + r.Until.Local().Format("2006-01-02 15:04:05")
			}
			if r.Reason != "" {
				from += ": " + r.Reason
			}
		}
		t.row(name, met, size, from)
	}
	return t.String()
}

// cameFrom is the address that whoever types is connected from, as sshd tells it
// (sshd(8), SSH_CONNECTION); not valid for somebody who sits in front of the machine.
// sudo keeps it from its command, so the processes above are asked as well.
func cameFrom(e *env) netip.Addr {
	if a := firstAddr(e.getenv("SSH_CONNECTION")); a.IsValid() {
		return a
	}
	pid := os.Getppid()
	for range 16 {
		if pid <= 1 {
			break
		}
		dir := "/proc/" + strconv.Itoa(pid) + "/"
		environ, _ := os.ReadFile(dir + "environ") // not ours to read: nobody else's business
		for _, kv := range bytes.Split(environ, []byte{0}) {
			if v, ok := bytes.CutPrefix(kv, []byte("SSH_CONNECTION=")); ok {
				if a := firstAddr(string(v)); a.IsValid() {
					return a
				}
			}
		}
		pid = parentOf(dir)
	}
	return netip.Addr{}
}

// parentOf reads the parent of a process (proc_pid_stat(5)); 0 when it has none.
func parentOf(dir string) int {
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(string(fields[1]))
	return n
}

func firstAddr(text string) netip.Addr {
	word, _, _ := strings.Cut(text, " ")
	a, err := netip.ParseAddr(word)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
