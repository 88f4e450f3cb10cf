package main

import (
	"fmt"
	"io"
	"slices"
)

// row is one party's line of the table.
type row struct {
	name    string
	samples []sample
}

// median of a copy of v; the mean of the two middle ones if there is no middle.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return (s[m-1] + s[m]) / 2
}

func (r row) column(of func(sample) float64) []float64 {
	v := make([]float64, len(r.samples))
	for i, s := range r.samples {
		v[i] = of(s)
	}
	return v
}

func rateOf(s sample) float64 { return s.rate }
func cpuOf(s sample) float64  { return s.cpu }

// ratio is the median over the rounds of our CPU per request divided by theirs
// in the same round. Taking it round by round keeps the machine's drift out.
// Empty if there is nobody to compare with.
func (r row) ratio(other *row) string {
	if other == nil || r.name == direct {
		return "-"
	}
	var v []float64
	for i, s := range r.samples {
		if i < len(other.samples) && other.samples[i].cpu > 0 {
			v = append(v, s.cpu/other.samples[i].cpu)
		}
	}
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(v))
}

func find(rows []row, name string) *row {
	for i := range rows {
		if rows[i].name == name {
			return &rows[i]
		}
	}
	return nil
}

func printTable(out io.Writer, rows []row, size int) {
	haproxy, modJK := find(rows, "haproxy"), find(rows, "mod_jk")
	// Below this size a MiB would be made of heads.
	perMiB := size >= 64<<10
	fmt.Fprintf(out, "\n%-14s %10s %28s %10s %10s %8s", "", "requests/s", "CPU µs/request (min-max)", "/haproxy", "/mod_jk", "failed")
	if perMiB {
		fmt.Fprintf(out, " %12s", "CPU µs/MiB")
	}
	fmt.Fprintln(out)
	for _, r := range rows {
		cpu := r.column(cpuOf)
		cost := "-"
		if r.name != direct {
			cost = fmt.Sprintf("%.1f (%.1f-%.1f)", median(cpu), slices.Min(cpu), slices.Max(cpu))
		}
		var failed int64
		for _, s := range r.samples {
			failed += s.failed
		}
		fmt.Fprintf(out, "%-14s %10.0f %28s %10s %10s %8d", r.name, median(r.column(rateOf)), cost, r.ratio(haproxy), r.ratio(modJK), failed)
		if perMiB {
			each := "-"
			if r.name != direct {
				each = fmt.Sprintf("%.0f", median(cpu)*(1<<20)/float64(size))
			}
			fmt.Fprintf(out, " %12s", each)
		}
		fmt.Fprintln(out)
	}
	warn(out, rows)
}

// warn says what makes the table worth less.
func warn(out io.Writer, rows []row) {
	var fastest *row
	for i, r := range rows {
		for _, s := range r.samples {
			if s.failed > 0 {
				fmt.Fprintf(out, "warning: %s gave wrong answers; its line is no result\n", r.name)
				break
			}
		}
		if r.name != direct && (fastest == nil || median(r.column(rateOf)) > median(fastest.column(rateOf))) {
			fastest = &rows[i]
		}
	}
	d := find(rows, direct)
	if d == nil || fastest == nil {
		return
	}
	if bare, through := median(d.column(rateOf)), median(fastest.column(rateOf)); bare < 2*through {
		fmt.Fprintf(out, "note: without a proxy the same load gets %.1f times the requests of %s; below 2 the requests/s column says little, the CPU column stands\n", bare/through, fastest.name)
	}
}
