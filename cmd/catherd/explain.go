package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/compile"
)

func explainCommand(e *env) *cobra.Command {
	var q compile.Question
	c := &cobra.Command{
		Use:   "explain METHOD PATH",
		Short: "tell where a request would go, and why",
		Long: "Tells which route, pool and member a request would get, and why. Nothing is\n" +
			"sent and nothing is counted.",
		Example: "  catherd explain GET /app/cart --cookie JSESSIONID=0F3A.tomcat1",
		Args:    between(2, 2),
	}
	c.Flags().StringVar(&q.Host, "host", "", "the `NAME` in the Host field")
	c.Flags().StringArrayVar(&q.Cookies, "cookie", nil, "a Cookie field (`NAME=VALUE`), may be repeated")
	c.Flags().StringVar(&q.Client, "client", "", "the client's `ADDRESS`, for balance: hash")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error {
		q.Method, q.Path = strings.ToUpper(args[0]), args[1]
		return explain(ctx, e, q)
	})
	return c
}

func explain(ctx context.Context, e *env, q compile.Question) error {
	if !strings.HasPrefix(q.Path, "/") {
		return misused("explain: path %q does not begin with a slash", q.Path)
	}
	for _, pair := range q.Cookies {
		if !strings.Contains(pair, "=") {
			return misused("explain: cookie %q has no value: write --cookie JSESSIONID=0F3A.tomcat1", pair)
		}
	}
	c, err := dial(e)
	if err != nil {
		return err
	}
	x, err := c.Explain(ctx, q)
	if err != nil {
		return err
	}
	return e.facts(x, strings.Join(x.Text, "\n")+"\n")
}
