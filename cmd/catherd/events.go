package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
)

func eventsCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "events",
		Short:   "show what happened lately",
		Long:    "Shows the newest 256 events of the running process, the oldest first.",
		Example: "  catherd events",
		Args:    between(0, 0),
		RunE:    verb(e, events),
	}
}

func events(ctx context.Context, e *env, _ []string) error {
	c, err := dial(e)
	if err != nil {
		return err
	}
	var list struct {
		Events []admin.Event `json:"events"`
	}
	if list.Events, err = c.Events(ctx, 0); err != nil {
		return err
	}
	var b strings.Builder
	for _, ev := range list.Events {
		fmt.Fprintf(&b, "%s  %s\n", ev.At.Local().Format("2006-01-02 15:04:05"), eventText(ev))
	}
	return e.facts(list, b.String())
}

// eventText is an event without its time.
func eventText(ev admin.Event) string {
	var about []string
	switch {
	case ev.Member != "":
		about = append(about, ev.Pool+"/"+ev.Member)
	case ev.Pool != "":
		about = append(about, ev.Pool)
	}
	if ev.From != "" && ev.To != "" {
		about = append(about, ev.From+" -> "+ev.To)
	}
	if ev.Text != "" {
		about = append(about, ev.Text)
	}
	if ev.Owner != "" && !strings.Contains(ev.Text, ev.Owner) {
		about = append(about, "by "+ev.Owner)
	}
	return strings.TrimRight(fmt.Sprintf("%-14s  %s", ev.Kind, strings.Join(about, "  ")), " ")
}
