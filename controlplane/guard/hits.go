package guard

import (
	"fmt"
	"log/slog"
	"time"
)

// What is dropped is told at once and then once in quiet, a rule at a time, and not
// more than tellings rules in one look: a flood must not fill the list of events.
const (
	quiet    = time.Minute
	tellings = 4
)

// hit is what was last told of a rule.
type hit struct {
	packets uint64
	at      time.Time
}

// hits tells what was dropped.
func (k *Keeper) hits(now time.Time) {
	counts := k.program.Counts()
	left := tellings
	for _, c := range counts.Rules {
		was := k.told[c.Name]
		if c.Packets < was.packets {
			was = hit{} // the rule was away for a while
		}
		if !c.Drops || c.Packets == was.packets || left == 0 || !was.at.IsZero() && now.Sub(was.at) < quiet {
			continue
		}
		left--
		verb := "dropped"
		if counts.DryRun {
			verb = "would be dropped (dry run)"
		}
		k.tell(slog.LevelWarn, "", fmt.Sprintf("%s: %s %s", c.Name, packets(c.Packets-was.packets), verb))
		k.told[c.Name] = hit{c.Packets, now}
	}
}

func packets(n uint64) string {
	if n == 1 {
		return "1 packet"
	}
	return fmt.Sprintf("%d packets", n)
}
