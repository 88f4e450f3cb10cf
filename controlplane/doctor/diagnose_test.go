package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catherd/catherd/controlplane/scenario"
)

// Every finding in its own words. The first word of a command is the protocol,
// the others say what was configured and what was seen: see seen below.
func TestDiagnose(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		return func(words []string) string {
			s := Subject{Protocol: words[0], Addr: "tomcat1:8009"}.complete()
			var g signs
			if s.Protocol == AJP {
				g.ping.outcome = answered
			}
			g.plain = answer{outcome: answered, status: 200, end: true, reuse: true}
			for _, w := range words[1:] {
				key, value, _ := strings.Cut(w, "=")
				if !configured(t, &s, key, value) {
					seen(t, &g, key, value)
				}
			}
			var b strings.Builder
			for _, f := range diagnose(&s, &g) {
				fmt.Fprintf(&b, "%s %s", f.Severity, f.ID)
				if f.Attribute != "" {
					b.WriteString(" (" + f.Attribute + ")")
				}
				b.WriteByte('\n')
				wrap(&b, f.Seen+" "+f.Cause+" "+f.Cure, "  ", 100)
			}
			if b.Len() == 0 {
				return "nothing"
			}
			return b.String()
		}
	})
}

// configured understands the words of the configuration.
func configured(t *testing.T, s *Subject, key, value string) bool {
	switch key {
	case "path":
		s.Path = value
	case "host":
		s.Host = value
	case "body":
		s.Body = value
	case "secret":
		s.Secret = "set"
	case "packet":
		s.Packet = number(t, value)
	case "max":
		s.Max = number(t, value)
	case "keep_for":
		s.KeepFor = duration(t, value)
	default:
		return false
	}
	return true
}

// seen understands the words of what was seen: outcomes by their names,
// answers as status/reuse, limits as served/tried.
func seen(t *testing.T, g *signs, key, value string) {
	left, right, _ := strings.Cut(value, "/")
	ask := func() answer {
		if _, err := strconv.Atoi(left); err != nil {
			return answer{outcome: outcome(left), heard: []byte(right), fault: "answered in " + string(sniff([]byte(right)))}
		}
		return answer{outcome: answered, status: number(t, left), end: true, reuse: right != "0"}
	}
	switch key {
	case "reach":
		g.reach.fault = connectFault(value)
	case "other":
		g.reach.other = strings.Split(value, ",")
	case "ping":
		g.ping.outcome, g.ping.heard, g.ping.took = outcome(left), []byte(right), 1700*time.Millisecond
	case "tls":
		g.tls = secure{outcome: outcome(left), heard: []byte(right), text: string(left)}
	case "plain":
		g.plain = ask()
	case "page":
		g.plain.body = []byte(value)
	case "location":
		g.plain.location = value
	case "needs-tls":
		g.plain.needsTLS = true
	case "ajp-port":
		g.plain.ajpPort = true
	case "refused":
		g.refused = strings.Split(value, ",")
	case "bare":
		g.bare = ask()
	case "elsewhere":
		g.elsewhere = ask()
	case "fits":
		g.fits = number(t, value)
	case "largest":
		g.largest = number(t, value)
	case "asked":
		g.asked = number(t, value)
	case "crowd":
		g.crowd = limit{served: number(t, left), tried: number(t, right)}
	case "threads":
		g.threads = limit{served: number(t, left), tried: number(t, right)}
	case "idle":
		g.idle = idle{watched: duration(t, left), shut: right == "shut", deaf: right == "deaf"}
	case "fresh":
		g.fresh = idle{watched: duration(t, left), shut: right == "shut"}
	case "keep-alive":
		g.keepAlive = duration(t, value)
	default:
		t.Errorf("word %q is not known", key)
	}
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Error(err)
	}
	return d
}
