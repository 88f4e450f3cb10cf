package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
)

func membersCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "members",
		Short: "list every member",
		Long: "Lists every member with its address, its route, its state and where it comes from:\n" +
			"a line of the file, or what was heard.",
		Example: "  catherd members -o json",
		Args:    between(0, 0),
		RunE:    verb(e, members),
	}
}

// memberFact is one member in the JSON of members.
type memberFact struct {
	Pool string `json:"pool"`
	admin.MemberStatus
}

func members(ctx context.Context, e *env, _ []string) error {
	_, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	list := []memberFact{}
	t := table{}
	t.row("POOL", "MEMBER", "URL", "ROUTE", "ROLE", ">WEIGHT", "STATE", "FROM", "WHY")
	for _, p := range s.Pools {
		for _, m := range p.Members {
			list = append(list, memberFact{p.Name, m})
			route := m.Route
			switch {
			case route == "":
				route = "(not known yet)"
			case m.RouteLearned:
				route += " (learned)"
			}
			t.row(p.Name, m.Name, m.URL, route, m.Role, fmt.Sprint(m.Weight), string(m.State), m.Origin, m.Why)
		}
	}
	return e.facts(struct {
		Members []memberFact `json:"members"`
	}{list}, t.String())
}

// facts prints what was asked for, in the form that was asked for.
func (e *env) facts(v any, text string) error {
	if e.quiet {
		return nil
	}
	if !e.json() {
		_, err := fmt.Fprint(e.stdout, text)
		return err
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s\n", data)
	return err
}
