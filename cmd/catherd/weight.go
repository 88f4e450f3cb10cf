package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/overrides"
)

// weightCommand is the command that gives a member another share of new work.
func weightCommand(e *env) *cobra.Command {
	var (
		period time.Duration
		reason string
		reset  bool
	)
	c := &cobra.Command{
		Use:   "weight MEMBER N",
		Short: "give a member more or less of the new work",
		Long: "The member gets N shares of new sessions, in relation to the weights of the\n" +
			"others; sessions stay where they are. N is 1 to 10000. The weight of the file\n" +
			"comes back with --reset, or by itself after --for.",
		Example:           "  catherd weight tomcat1 3 --for 30m --reason \"new machine\"\n  catherd weight tomcat1 --reset",
		Args:              between(1, 2),
		ValidArgsFunction: completeAsked(e),
	}
	c.Flags().DurationVar(&period, "for", 0, "take it back after this `TIME`, such as 30m")
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` that status shows")
	c.Flags().BoolVar(&reset, "reset", false, "the weight of the file again")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error {
		a := admin.Action{Reason: reason, For: period}
		switch {
		case period < 0:
			return misused("weight: a time is negative")
		case reset && (len(args) > 1 || period > 0):
			return misused("weight: with --reset there is neither a weight nor --for")
		case !reset && len(args) < 2:
			return misused("weight: something is missing: the weight, or --reset")
		case !reset:
			n, err := strconv.Atoi(args[1])
			switch {
			case err != nil:
				return misused("weight: %q is no whole number", args[1])
			case n == 0:
				return misused("weight 0 does not stop a member: catherd drain %s gives it no new sessions", args[0])
			case overrides.CheckWeight(n) != nil:
				return misused("%v", overrides.CheckWeight(n))
			}
			a.Weight = n
		}
		return weigh(ctx, e, a, args[0])
	})
	return c
}

// weigh asks for the weight that the action names.
func weigh(ctx context.Context, e *env, a admin.Action, word string) error {
	c, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	if a.Pool, a.Member, err = findAsked(s, word); err != nil {
		return err
	}
	r, err := c.SetMember(ctx, a)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("has weight %d, as the file says", r.Weight)
	if r.State == "" {
		text = "is not there, and no weight is asked for it any more"
	}
	if o := r.WeightBy; o != nil {
		text = fmt.Sprintf("has weight %d", r.Weight) + ending(o)
	}
	if err := e.facts(r, fmt.Sprintf("%s %s\n", a.Member, text)); err != nil {
		return err
	}
	e.warn(&r)
	return nil
}
