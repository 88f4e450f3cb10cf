package tribes

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/scenario"
)

// TestFindings plays testdata/findings/*.txt. The commands are those of
// TestView, which make the nodes of one group; their events are not printed
// here. And:
//
//	member POOL/NAME ADDR [receiver=ADDR:PORT] [since=DURATION] [ever] [down=WORDS_WITH_UNDERSCORES]
//	    a member; routable since then (10m) unless it is down
//	facts [problem=WORDS_WITH_UNDERSCORES] [lost]
//	    of the socket; it is joined since the start otherwise. lost: not joined
//	findings
//	    prints severity, code and subject, then what, cause and cure
//	short
//	    prints severity, code and subject only
func TestFindings(t *testing.T) {
	scenario.Run(t, "testdata/findings/*.txt", func(t *testing.T) func([]string) string {
		w := &viewWorld{t: t, start: day, tomcats: map[string]*tomcat{}}
		w.now = w.start
		d := &findingsWorld{viewWorld: w, facts: Facts{Joined: true, Since: w.start}}
		return d.do
	})
}

type findingsWorld struct {
	*viewWorld
	members []MemberSight
	facts   Facts
}

func (w *findingsWorld) do(words []string) string {
	switch words[0] {
	case "member":
		pool, _, _ := strings.Cut(words[1], "/")
		m := MemberSight{Name: words[1], Pool: pool, Group: "228.0.0.4:45564", Host: netip.MustParseAddr(words[2]), Routable: true, Ever: true, Since: w.now.Add(-10 * time.Minute)}
		for k, v := range pairs(words[3:]) {
			switch k {
			case "receiver":
				m.Receiver = w.addr(v)
			case "since":
				m.Since = w.now.Add(-w.duration(v))
			case "down":
				m.Routable, m.Ever, m.Problem = false, false, strings.ReplaceAll(v, "_", " ")
			case "ever":
				m.Ever = true
			case "elsewhere":
				m.Group = ""
			default:
				w.t.Fatalf("unknown key %q", k)
			}
		}
		w.members = append(w.members, m)
		return ""
	case "facts":
		for k, v := range pairs(words[1:]) {
			switch k {
			case "problem":
				w.facts.Problem = strings.ReplaceAll(v, "_", " ")
			case "lost":
				w.facts.Joined = false
			}
		}
		return ""
	case "findings", "short":
		return w.findings(words[0] == "short")
	default:
		w.viewWorld.do(words)
		return ""
	}
}

func (w *findingsWorld) findings(short bool) string {
	v := w.view
	g := GroupSight{Group: "228.0.0.4:45564", Domain: v.set.Domain, DropAfter: v.set.DropAfter, Facts: w.facts, Status: v.Status(), Nodes: v.Nodes(), Others: v.Others()}
	s := Situation{Now: w.now, Groups: []GroupSight{g}, Members: w.members, Local: v.set.Local}
	var out strings.Builder
	for _, f := range Findings(s) {
		fmt.Fprintf(&out, "%s %s %s\n", f.Severity, f.Code, f.Subject)
		if !short {
			fmt.Fprintf(&out, "  what  %s\n  cause %s\n  cure  %s\n", f.What, f.Cause, f.Cure)
		}
		if f.What == "" || f.Cause == "" || f.Cure == "" || f.Subject == "" || f.Group == "" {
			w.t.Errorf("finding with a gap: %+v", f)
		}
	}
	if out.Len() == 0 {
		return "none"
	}
	return out.String()
}
