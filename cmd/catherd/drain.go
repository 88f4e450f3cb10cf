package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
	"github.com/catherd/catherd/controlplane/overrides"
)

// change is what drain, stop and ready are asked for.
type change struct {
	state  overrides.State
	period time.Duration
	reason string
	wait   bool
	quiet  time.Duration // with wait: how long no session may have been seen
	// deadline ends the waiting, not the change; 0: it takes what it takes.
	deadline time.Duration
}

// stateWords is what the commands drain, stop and ready say; they differ in nothing
// else, but that only drain and stop have an end worth waiting for.
var stateWords = map[overrides.State]struct{ short, long, example, effect, still, done string }{
	overrides.Drain: {
		short: "give a member no new sessions",
		long: "The member keeps the sessions it has and gets no new ones. With --wait the\n" +
			"command ends when the member has no request in flight and none of a session\n" +
			"has come for a while: then it is safe to stop, and the exit code is 0. Whatever\n" +
			"else ends the waiting, --deadline for one, gives 1 and leaves the drain alone.",
		example: "  catherd drain tomcat1 --reason \"deploy 4.2\" --wait --deadline 30m",
		effect:  "takes no new sessions", still: "still drains", done: "drained",
	},
	overrides.Stop: {
		short: "give a member nothing at all",
		long: "The member gets no request any more; its sessions move to other members.\n" +
			"Requests in flight are finished; --wait waits for that. The Tomcat itself is\n" +
			"not stopped.",
		example: "  catherd stop app/tomcat1 --for 30m",
		effect:  "takes nothing", still: "still takes nothing", done: "nothing in flight",
	},
	overrides.Ready: {
		short:   "use a member again",
		long:    "Takes back a drain or a stop, also one of the file.",
		example: "  catherd ready tomcat1",
		effect:  "takes everything",
	},
}

// changeCommand is the command that is named for the state it asks for.
func changeCommand(e *env, state overrides.State) *cobra.Command {
	f, words := change{state: state}, stateWords[state]
	c := &cobra.Command{
		Use:   string(state) + " MEMBER",
		Short: words.short, Long: words.long, Example: words.example,
		Args:              between(1, 1),
		ValidArgsFunction: completeAsked(e),
	}
	c.Flags().DurationVar(&f.period, "for", 0, "take it back after this `TIME`, such as 30m")
	c.Flags().StringVar(&f.reason, "reason", "", "`TEXT` that status shows")
	if state != overrides.Ready {
		c.Flags().BoolVar(&f.wait, "wait", false, "wait until it is safe to stop the member")
		c.Flags().DurationVar(&f.deadline, "deadline", 0, "with --wait: wait no longer than this `TIME`")
	}
	if state == overrides.Drain {
		c.Flags().DurationVar(&f.quiet, "quiet-for", 5*time.Minute, "with --wait: `TIME` without a request of a session")
	}
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return set(ctx, e, f, args[0]) })
	return c
}

// set changes a member's state and, when asked to, waits for its effect.
func set(ctx context.Context, e *env, f change, word string) error {
	switch {
	case f.period < 0 || f.quiet < 0 || f.deadline < 0:
		return misused("%s: a time is negative", f.state)
	case f.deadline > 0 && !f.wait:
		return misused("%s: --deadline is of use with --wait; --for ends the %s itself", f.state, f.state)
	}
	c, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	pool, name, err := findAsked(s, word)
	if err != nil {
		return err
	}
	r, err := c.SetMember(ctx, admin.Action{Pool: pool, Member: name, State: f.state, Reason: f.reason, For: f.period})
	if err != nil {
		return err
	}
	// With --wait there is one JSON document, at the end.
	if !f.wait || !e.json() {
		if err := e.facts(r, fmt.Sprintf("%s %s\n", name, effect(&r))); err != nil {
			return err
		}
	}
	e.warn(&r)
	if !f.wait {
		return nil
	}
	w := &waiting{change: f, pool: pool, name: name}
	if r.Override != nil {
		w.until = r.Override.Until
	}
	return await(ctx, e, c, w, &r)
}

// effect says what the member takes now.
func effect(r *admin.ActionResult) string {
	o := r.Override
	switch {
	case o == nil && r.State == "":
		return "is not there, and nothing is asked of it any more"
	case r.State == "":
		return stateWords[o.State].effect + " when it comes back" + ending(o)
	case o == nil:
		return fmt.Sprintf("is as the file says: %s (%s)", r.State, r.Why)
	}
	return stateWords[o.State].effect + ending(o)
}

// ending says until when, why and by whom.
func ending(o *overrides.Override) (text string) {
	if !o.Until.IsZero() {
		text = " until " + o.Until.Local().Format("15:04:05")
	}
	if o.Reason != "" {
		return fmt.Sprintf("%s (%s, by %s)", text, o.Reason, o.Owner)
	}
	return fmt.Sprintf("%s (by %s)", text, o.Owner)
}

// warn prints what an action has found worth a warning.
func (e *env) warn(r *admin.ActionResult) {
	if r.Warning != "" && !e.quiet && !e.json() {
		fmt.Fprintln(e.stderr, "warning:", r.Warning)
	}
}
