package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/catherd/catherd/bpf"
	"github.com/catherd/catherd/controlplane/config"
	"github.com/catherd/catherd/controlplane/kernel"
)

func kernelCommand(e *env) *cobra.Command {
	var count time.Duration
	c := &cobra.Command{
		Use:   "kernel [clean]",
		Short: "show what helps in the kernel, or what is missing",
		Long: "Shows each program that Catherd runs in the kernel: since when it is attached and\n" +
			"what it did, or what is missing and the cure. Without a running process it tries\n" +
			"what could run here. clean takes every trace of Catherd out of the kernel, also\n" +
			"what another process holds: nothing is steered or dropped then.",
		Example:   "  catherd kernel --count 5s",
		Args:      between(0, 1),
		ValidArgs: []string{"clean"},
	}
	c.Flags().DurationVar(&count, "count", 0, "let the kernel count runs for that long (`DURATION`)")
	c.RunE = verb(e, func(ctx context.Context, e *env, args []string) error {
		switch {
		case len(args) == 0:
			return kernelShow(ctx, e, count)
		case args[0] == "clean":
			return kernelClean(e)
		}
		return misused("catherd kernel %s: there is only clean", args[0])
	})
	return c
}

// kernelFact is the JSON of kernel.
type kernelFact struct {
	Running  bool            `json:"running"` // a process was asked; else what could run here
	Programs []kernel.Status `json:"programs"`
	Loaded   []loaded        `json:"loaded"`           // in the kernel, whoever holds them
	Unseen   string          `json:"unseen,omitempty"` // why Loaded says nothing
}

// loaded is a program in the kernel.
type loaded struct {
	Name   string    `json:"name"`
	ID     uint32    `json:"id"`
	Kind   string    `json:"kind"`
	Loaded time.Time `json:"loaded,omitzero"`
	Where  []string  `json:"where"`
	Runs   uint64    `json:"runs"`    // as long as they are counted
	MeanNs float64   `json:"mean_ns"` // of those
}

func kernelShow(ctx context.Context, e *env, count time.Duration) error {
	var f kernelFact
	if _, s, err := ask(ctx, e); err == nil {
		f.Running, f.Programs = true, s.Kernel
	} else if e.socket != "" || e.config != "" {
		return err // that one was asked for
	}
	if !f.Running {
		for _, p := range bpf.Probe() {
			f.Programs = append(f.Programs, kernel.Tried(p))
		}
	}
	var err error
	if f.Loaded, err = inventory(ctx, count); err != nil {
		f.Unseen = err.Error()
	}
	return e.facts(f, kernelText(&f))
}

// inventory lists what is in the kernel. With a duration runs are those of that time.
func inventory(ctx context.Context, count time.Duration) ([]loaded, error) {
	before := map[uint32]bpf.Program{}
	if count > 0 {
		counting, err := bpf.CountRuns()
		if err != nil {
			return nil, err
		}
		defer counting.Close()
		list, err := bpf.Inventory()
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			before[p.ID] = p
		}
		over := time.NewTimer(count)
		defer over.Stop()
		select {
		case <-over.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	list, err := bpf.Inventory()
	if err != nil {
		return nil, err
	}
	out := make([]loaded, 0, len(list))
	for _, p := range list {
		l := loaded{Name: p.Name, ID: p.ID, Kind: p.Kind, Loaded: p.Loaded, Where: p.Where, Runs: p.Runs - before[p.ID].Runs}
		if l.Where == nil {
			l.Where = []string{}
		}
		if l.Runs > 0 {
			l.MeanNs = float64(p.Time-before[p.ID].Time) / float64(l.Runs)
		}
		out = append(out, l)
	}
	return out, nil
}

func kernelText(f *kernelFact) string {
	var b strings.Builder
	if !f.Running {
		b.WriteString("no running process was found; this is what could run here\n")
	}
	var t hinted
	t.row("PROGRAM", "STATE", "SINCE", "WHAT IT DID")
	for i := range f.Programs {
		p := &f.Programs[i]
		since := "-"
		if !p.Since.IsZero() {
			since = p.Since.Local().Format("2006-01-02 15:04:05")
		}
		t.row(p.Program, string(p.State), since, kernelCounts(p))
		var hints []string
		if p.Missing != "" {
			hints = append(hints, p.Missing)
		}
		if p.Cure != "" {
			hints = append(hints, "do: "+p.Cure)
		}
		if p.State != kernel.Attached {
			hints = append(hints, "it "+p.Purpose)
		}
		t.hint(hints...)
	}
	b.WriteString(t.String())
	switch {
	case f.Unseen != "":
		fmt.Fprintf(&b, "in the kernel: not shown: %s\n", f.Unseen)
	case len(f.Loaded) == 0:
		b.WriteString("in the kernel: nothing of Catherd's\n")
	default:
		b.WriteString("in the kernel\n")
		var t hinted
		t.row(">ID", "NAME", "KIND", "LOADED", ">RUNS", ">MEAN", "WHERE")
		for _, l := range f.Loaded {
			runs, mean := "-", "-"
			if l.Runs > 0 {
				runs, mean = fmt.Sprint(l.Runs), fmt.Sprintf("%.0f ns", l.MeanNs)
			}
			t.row(fmt.Sprint(l.ID), l.Name, l.Kind, l.Loaded.Local().Format("2006-01-02 15:04:05"), runs, mean, strings.Join(l.Where, ", "))
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// kernelCounts is what a program holds and did, in words.
func kernelCounts(p *kernel.Status) string {
	var parts []string
	for _, m := range []struct {
		more string
		n    map[string]uint64
	}{{"", p.Has}, {"", p.Counts}, {"dropped ", p.Drops}} {
		for _, what := range slices.Sorted(maps.Keys(m.n)) {
			parts = append(parts, fmt.Sprintf("%s%s %d", m.more, what, m.n[what]))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// cleanFact is the JSON of kernel clean.
type cleanFact struct {
	Left []loaded `json:"left"`
}

func kernelClean(e *env) error {
	left, err := bpf.Clean(pinsOf(e))
	if err != nil {
		if errors.Is(err, bpf.ErrPermission) {
			return failed("%v: run it as root", err)
		}
		return failed("%v", err)
	}
	f := cleanFact{Left: []loaded{}}
	text := "nothing of Catherd's is left in the kernel\n"
	if len(left) > 0 {
		text = "these stay until the process that holds them ends:\n"
	}
	for _, p := range left {
		f.Left = append(f.Left, loaded{Name: p.Name, ID: p.ID, Kind: p.Kind, Loaded: p.Loaded, Where: p.Where})
		text += fmt.Sprintf("  %d %s\n", p.ID, p.Name)
	}
	return e.facts(f, text)
}

// pinsOf is the directory of pins that the file names, or the usual one.
func pinsOf(e *env) string {
	if e.config != "" {
		if cfg, _ := config.LoadFile(e.config); cfg != nil {
			return cfg.Kernel.Pins
		}
	}
	return "/sys/fs/bpf/catherd"
}
