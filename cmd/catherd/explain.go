package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/compile"
)

func explainCommand(e *env) *cobra.Command {
	var host, from string
	var cookies []string
	c := &cobra.Command{
		Use:   "explain METHOD PATH",
		Short: "tell where a request would go, and why",
		Long: "Tells which route, pool and member a request would get, and why. Nothing is\n" +
			"sent and nothing is counted.",
		Example: "  catherd explain GET /app/cart --cookie JSESSIONID=0F3A.tomcat1",
		Args:    between(2, 2),
	}
	c.Flags().StringVar(&host, "host", "", "the `NAME` in the Host field")
	c.Flags().StringArrayVar(&cookies, "cookie", nil, "a Cookie field (`NAME=VALUE`), may be repeated")
	c.Flags().StringVar(&from, "client", "", "the client's `ADDRESS`, for balance: hash")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error {
		return explain(ctx, e, url.Values{
			"method": {strings.ToUpper(args[0])}, "path": {args[1]}, "host": {host}, "cookie": cookies, "client": {from},
		})
	})
	return c
}

func explain(ctx context.Context, e *env, q url.Values) error {
	if !strings.HasPrefix(q.Get("path"), "/") {
		return misused("explain: path %q does not begin with a slash", q.Get("path"))
	}
	c, err := dial(e)
	if err != nil {
		return err
	}
	defer c.close()
	data, err := c.get(ctx, "/api/v1/explain", q)
	if err != nil {
		return err
	}
	var x compile.Explanation
	if err := json.Unmarshal(data, &x); err != nil {
		return failed("understand the explanation from %s: %v", c.socket, err)
	}
	return e.facts(x, strings.Join(x.Text, "\n")+"\n")
}
