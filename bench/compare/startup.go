package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// compareStart starts and stops everybody again and again.
func compareStart(ctx context.Context, f *farm, out, errs io.Writer) error {
	took := map[string][]float64{}
	for range f.o.rounds {
		for _, name := range f.o.parties {
			if name == direct {
				continue
			}
			p, err := f.openOne(ctx, name)
			if ctx.Err() != nil {
				return errors.New("stopped before the end")
			}
			if err != nil {
				fmt.Fprintln(errs, err)
				continue
			}
			took[name] = append(took[name], float64(p.peer.Ready.Microseconds())/1000)
			p.peer.Stop()
		}
	}
	fmt.Fprintf(out, "\n%-14s %s\n", "", "start to first good answer, ms (min-max)")
	for _, name := range f.o.parties {
		v := took[name]
		switch {
		case name == direct:
		case len(v) == 0:
			fmt.Fprintf(out, "not measured: %s\n", name)
		default:
			fmt.Fprintf(out, "%-14s %.0f (%.0f-%.0f)", name, median(v), slices.Min(v), slices.Max(v))
			if len(v) < f.o.rounds {
				fmt.Fprintf(out, ", %d of %d starts went wrong", f.o.rounds-len(v), f.o.rounds)
			}
			fmt.Fprintln(out)
		}
	}
	return nil
}
