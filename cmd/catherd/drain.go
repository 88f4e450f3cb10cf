package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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
	quiet  time.Duration // how long no session may have been seen
}

func (f *change) flags(c *cobra.Command) {
	c.Flags().DurationVar(&f.period, "for", 0, "take it back after this `TIME`, such as 30m")
	c.Flags().StringVar(&f.reason, "reason", "", "`TEXT` that status shows")
}

func drainCommand(e *env) *cobra.Command {
	f := change{state: overrides.Drain}
	c := &cobra.Command{
		Use:   "drain MEMBER",
		Short: "give a member no new sessions",
		Long: "The member keeps the sessions it has and gets no new ones. With --wait the\n" +
			"command ends when the member has no request in flight and none of a session\n" +
			"has come for a while: then it is safe to stop.",
		Example:           "  catherd drain tomcat1 --reason \"deploy 4.2\" --wait",
		Args:              between(1, 1),
		ValidArgsFunction: completeMembers(e),
	}
	f.flags(c)
	c.Flags().BoolVar(&f.wait, "wait", false, "wait until it is safe to stop the member")
	c.Flags().DurationVar(&f.quiet, "quiet-for", 5*time.Minute, "with --wait: `TIME` without a request of a session")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return set(ctx, e, f, args[0]) })
	return c
}

func stopCommand(e *env) *cobra.Command {
	f := change{state: overrides.Stop}
	c := &cobra.Command{
		Use:               "stop MEMBER",
		Short:             "give a member nothing at all",
		Long:              "The member gets no request any more; its sessions move to other members.\nRequests in flight are finished. The Tomcat itself is not stopped.",
		Example:           "  catherd stop app/tomcat1 --for 30m",
		Args:              between(1, 1),
		ValidArgsFunction: completeMembers(e),
	}
	f.flags(c)
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return set(ctx, e, f, args[0]) })
	return c
}

func readyCommand(e *env) *cobra.Command {
	f := change{state: overrides.Ready}
	c := &cobra.Command{
		Use:               "ready MEMBER",
		Short:             "use a member again",
		Long:              "Takes back a drain or a stop, also one of the file.",
		Example:           "  catherd ready tomcat1",
		Args:              between(1, 1),
		ValidArgsFunction: completeMembers(e),
	}
	f.flags(c)
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error { return set(ctx, e, f, args[0]) })
	return c
}

// set changes a member's state and, when asked to, waits for its effect.
func set(ctx context.Context, e *env, f change, word string) error {
	if f.period < 0 || f.quiet < 0 {
		return misused("%s: a time is negative", f.state)
	}
	c, err := dial(e)
	if err != nil {
		return err
	}
	defer c.close()
	s, _, err := c.status(ctx)
	if err != nil {
		return err
	}
	pool, name, err := find(s, word)
	if err != nil {
		return err
	}
	body := map[string]string{"reason": f.reason}
	if f.period > 0 {
		body["for"] = f.period.String()
	}
	path := "/api/v1/members/" + url.PathEscape(pool) + "/" + url.PathEscape(name) + "/" + string(f.state)
	data, _, err := c.do(ctx, http.MethodPost, path, body, http.StatusOK)
	if err != nil {
		return err
	}
	var r admin.ActionResult
	if err := json.Unmarshal(data, &r); err != nil {
		return failed("understand the answer of %s: %v", c.socket, err)
	}
	if err := e.facts(r, fmt.Sprintf("%s %s\n", name, effect(&r))); err != nil {
		return err
	}
	if r.Warning != "" && !e.quiet && !e.json() {
		fmt.Fprintln(e.stderr, "warning:", r.Warning)
	}
	if f.wait {
		return await(ctx, e, c, f, pool, name)
	}
	return nil
}

// effect says what the member takes now.
func effect(r *admin.ActionResult) string {
	what := map[overrides.State]string{
		overrides.Ready: "takes everything", overrides.Drain: "takes no new sessions", overrides.Stop: "takes nothing",
	}
	o := r.Override
	if o == nil {
		return fmt.Sprintf("is as the file says: %s (%s)", r.State, r.Why)
	}
	text := what[o.State]
	if !o.Until.IsZero() {
		text += " until " + o.Until.Local().Format("15:04:05")
	}
	if o.Reason != "" {
		return fmt.Sprintf("%s (%s, by %s)", text, o.Reason, o.Owner)
	}
	return fmt.Sprintf("%s (by %s)", text, o.Owner)
}
