package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/controlplane/admin"
)

func heardCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "heard",
		Short: "show what is heard of the cluster",
		Long: "Shows every node of the groups that are listened to, when it was last heard, and\n" +
			"which member it is. For one that is nobody's there is the line to paste into the\n" +
			"file. Connectors that announce themselves and other sources of members follow.",
		Example: "  catherd heard -o json",
		Args:    between(0, 0),
		RunE:    verb(e, heard),
	}
}

// heardFact is the JSON of heard.
type heardFact struct {
	Groups   []admin.GroupStatus  `json:"groups"`
	Beacons  []admin.BeaconStatus `json:"beacons"`
	Sources  []admin.SourceStatus `json:"sources"`
	Findings []admin.Finding      `json:"findings"`
}

func heard(ctx context.Context, e *env, _ []string) error {
	_, s, err := ask(ctx, e)
	if err != nil {
		return err
	}
	return e.facts(heardFact{s.Groups, s.Beacons, s.Sources, s.Findings}, heardText(s))
}

func heardText(s *admin.Status) string {
	if len(s.Groups)+len(s.Beacons)+len(s.Sources) == 0 {
		return "nothing is listened to: write tribes: and the group of McastService into the file (catherd help tribes)\n"
	}
	now := clock(s)
	var b strings.Builder
	for i := range s.Groups {
		g := &s.Groups[i]
		fmt.Fprintf(&b, "tribes %s  %s  %s\n", g.Group, joined(g, now), heardCounts(g))
		b.WriteString(nodeLines(g.Nodes))
	}
	if len(s.Beacons) > 0 {
		b.WriteString("beacons\n" + beaconLines(s.Beacons))
	}
	if len(s.Sources) > 0 {
		b.WriteString("sources\n" + sourceLines(s.Sources, now))
	}
	return b.String() + findingLines(s.Findings)
}

// clock is the time of the running process when it answered.
func clock(s *admin.Status) time.Time {
	return s.Started.Add(time.Duration(s.Uptime * float64(time.Second)))
}

// joined says how a group is listened to.
func joined(g *admin.GroupStatus, now time.Time) string {
	switch {
	case !g.Joined:
		return "not listened to: " + g.Problem
	case g.Problem != "":
		return "on " + g.Interface + ", but " + g.Problem
	case !g.DeafSince.IsZero():
		return "on " + g.Interface + ", nobody has been heard for " + age(now.Sub(g.DeafSince).Seconds())
	}
	return "on " + g.Interface
}

// heardCounts is what status and heard say of a group as a whole.
func heardCounts(g *admin.GroupStatus) string {
	text := fmt.Sprintf("%d heard, %d matched", len(g.Nodes), g.Matched)
	for _, more := range []struct {
		n    int
		what string
	}{{g.Waiting, "waiting"}, {g.Nobody, "nobody's"}, {g.Others, "of other domains"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// nodeLines is one line for each node, and what can be done about those without
// a member below them.
func nodeLines(nodes []admin.NodeStatus) string {
	if len(nodes) == 0 {
		return ""
	}
	var t hinted
	t.row("HEARD", "ID", "RECEIVER", "STATE", "MEMBER")
	for i := range nodes {
		n := &nodes[i]
		whose, hints := n.Name(), []string(nil)
		switch {
		case n.Unmatched != nil:
			whose, hints = unmatched(n.Unmatched)
		case !n.Sure:
			whose = "perhaps " + strings.Join(append([]string{whose}, n.Also...), " or ")
		case len(n.Also) > 0:
			whose += ", " + strings.Join(n.Also, ", ")
		}
		receiver := n.Receiver
		if n.Rewritten {
			receiver += " (says " + n.Advertised + ")"
		}
		state := n.State
		if n.Once {
			state += ", once"
		}
		t.row(moment(n.Ago), n.ID, receiver, state, whose)
		t.hint(hints...)
	}
	return t.String()
}

// unmatched says why something has no member, and what to do.
func unmatched(u *admin.Unmatched) (whose string, hints []string) {
	if u.Pool != "" {
		return "- pool " + u.Pool + " waits", []string{u.Why}
	}
	hints = append(hints, u.Why)
	if u.Line != "" {
		hints = append(hints, "add under "+u.Under+":", "  "+u.Line)
	}
	return "- nobody", hints
}

func beaconLines(list []admin.BeaconStatus) string {
	var t hinted
	t.row("HEARD", "CONNECTOR", ">FREE", ">BUSY", "MEMBER")
	for i := range list {
		b := &list[i]
		whose, hints := b.Pool+"/"+b.Member, []string(nil)
		if b.Member == "" {
			whose = "-"
			if b.Unmatched != nil {
				whose, hints = unmatched(b.Unmatched)
			}
		}
		t.row(moment(b.Ago), b.Connector, threads(b.Ready), threads(b.Busy), whose)
		t.hint(hints...)
	}
	return t.String()
}

// threads shows a number that Tomcat may not know.
func threads(n int) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}

func sourceLines(list []admin.SourceStatus, now time.Time) string {
	var t hinted
	t.row("GOOD", "POOL", "SOURCE")
	for _, s := range list {
		t.row(since(now, s.Good), s.Pool, s.Name)
		if s.Problem != "" {
			t.hint(s.Problem)
		}
	}
	return t.String()
}

// findingLines is what is wrong with the cluster, the word for how much first.
func findingLines(list []admin.Finding) string {
	var b strings.Builder
	for _, f := range list {
		text := f.What
		if !strings.Contains(text, f.Subject) && f.Subject != f.Group {
			text = f.Subject + ": " + text
		}
		fmt.Fprintf(&b, "%-8s  %s\n", f.Severity, text)
		if f.Cause != "" {
			fmt.Fprintf(&b, "%-8s  why: %s\n", "", f.Cause)
		}
		fmt.Fprintf(&b, "%-8s  do:  %s\n", "", f.Cure)
	}
	return b.String()
}

// moment shows how long ago something was, with tenths while they matter.
func moment(seconds float64) string {
	if seconds < 10 {
		return fmt.Sprintf("%.1f s ago", seconds)
	}
	return age(seconds) + " ago"
}

// hinted is a table whose rows may have lines of text below them.
type hinted struct {
	table
	hints map[int][]string
}

// hint puts lines below the newest row.
func (h *hinted) hint(lines ...string) {
	if h.hints == nil {
		h.hints = map[int][]string{}
	}
	h.hints[len(h.rows)-1] = lines
}

// String is the table and its hints.
func (h *hinted) String() string {
	h.indent = "  "
	var b strings.Builder
	for i, line := range strings.SplitAfter(h.table.String(), "\n") {
		b.WriteString(line)
		for _, hint := range h.hints[i] {
			b.WriteString("      " + hint + "\n")
		}
	}
	return b.String()
}
