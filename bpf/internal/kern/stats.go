package kern

import (
	"time"

	"github.com/cilium/ebpf"
)

// Cost is how often a program ran and how long in all. Both stay 0 as long as
// the kernel's statistics are off (bpf.CountRuns).
type Cost struct {
	Name string
	Runs uint64
	Time time.Duration
}

// CostOf reads the statistics of programs. One that cannot be read is left out.
func CostOf(programs ...*ebpf.Program) (costs []Cost) {
	for _, p := range programs {
		info, err := p.Info()
		if err != nil {
			continue
		}
		stats, err := p.Stats()
		if err != nil {
			continue
		}
		costs = append(costs, Cost{info.Name, stats.RunCount, stats.Runtime})
	}
	return costs
}
