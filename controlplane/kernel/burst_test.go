package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catherd/catherd/bpf/events"
	"github.com/catherd/catherd/controlplane/scenario"
)

var words = map[string]events.Kind{
	"reset": events.Reset, "refused": events.Refused, "unreachable": events.Unreachable, "synagain": events.SYNAgain,
	"timedout": events.TimedOut, "closed": events.Closed, "lost": events.Lost,
}

// TestBursts plays testdata/*.txt. Commands:
//
//	begin
//	    nothing is known
//	open N
//	    that many connections to the member exist
//	wait DURATION
//	    time passes
//	batch [KIND[*N][/GAP]] ...
//	    events, each GAP (100us) after the one before
func TestBursts(t *testing.T) {
	scenario.Run(t, "testdata/*.txt", func(t *testing.T) func([]string) string {
		var b Bursts
		now, open := time.Hour, 0
		member := netip.MustParseAddrPort("10.0.0.7:8009")
		return func(w []string) string {
			switch w[0] {
			case "begin":
				b, now = Bursts{}, time.Hour
			case "open":
				open, _ = strconv.Atoi(w[1])
			case "wait":
				now += span(t, w[1])
			case "batch":
				var batch []events.Event
				for _, word := range w[1:] {
					word, gap, _ := strings.Cut(word, "/")
					word, times, _ := strings.Cut(word, "*")
					kind, ok := words[word]
					n := 1
					if times != "" {
						n, _ = strconv.Atoi(times)
					}
					if !ok || n < 1 {
						t.Fatalf("event %q", word)
					}
					step := 100 * time.Microsecond
					if gap != "" {
						step = span(t, gap)
					}
					for i := range n {
						now += step
						e := events.Event{Kind: kind, Member: member, At: now}
						switch kind {
						case events.TimedOut, events.SYNAgain:
							e.Times = i + 1
						case events.Lost:
							e.Error = syscall.ETIMEDOUT
						case events.Unreachable:
							e.Error = syscall.EHOSTUNREACH
						}
						batch = append(batch, e)
					}
				}
				var out []string
				for _, s := range b.Take(batch, func(netip.AddrPort) int { return open }) {
					line := [...]string{"ends", "refusal", "unanswered"}[s.Cause]
					if s.Avoid {
						line += ", avoid"
					}
					out = append(out, fmt.Sprintf("%s (%d): %s", line, s.Count, s.Text))
				}
				if len(out) == 0 {
					return "nothing"
				}
				return strings.Join(out, "\n")
			default:
				t.Fatalf("unknown command %q", w[0])
			}
			return ""
		}
	})
}

func span(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is remembered is bounded, whatever comes.
func TestBurstsAreBounded(t *testing.T) {
	var b Bursts
	a, other := netip.MustParseAddrPort("10.0.0.7:8009"), netip.MustParseAddrPort("10.0.0.8:8009")
	signs := 0
	for i := range 20_000 {
		e := events.Event{Kind: events.Closed, Member: a, At: time.Hour + time.Duration(i)*100*time.Microsecond}
		signs += len(b.Take([]events.Event{e}, func(netip.AddrPort) int { return 1000 }))
	}
	if n := len(b.of[a].ends); n > keepEnds {
		t.Errorf("%d ends remembered", n)
	}
	// Two seconds of ten thousand closes each: no sign, they are not half of all.
	if signs != 0 {
		t.Errorf("%d signs", signs)
	}
	b.Take([]events.Event{{Kind: events.Reset, Member: other, At: time.Hour}}, func(netip.AddrPort) int { return 1 })
	b.Keep([]netip.AddrPort{other})
	if len(b.of) != 1 || b.of[other] == nil {
		t.Errorf("%d addresses remembered", len(b.of))
	}
	// A storm of resets that are no news makes ever fewer signs.
	signs = 0
	for i := range 20_000 {
		e := events.Event{Kind: events.Reset, Member: other, At: 2*time.Hour + time.Duration(i)*5*time.Millisecond}
		signs += len(b.Take([]events.Event{e}, func(netip.AddrPort) int { return 1000 }))
	}
	if signs < 8 || signs > 20 {
		t.Errorf("%d signs in 100 s", signs)
	}
}
