package steering

import (
	"fmt"

	"github.com/catherd/catherd/controlplane/kernel"
)

// Kernel is the line of the steering on the board of the kernel's programs. It is at
// work when one address is steered; what became of the others then is in Status.
func (s *Steering) Kernel() kernel.Status {
	list := s.Status()
	var at kernel.Status
	open, waiting := 0, 0
	for _, a := range list {
		if a.State != Steered {
			continue
		}
		where := fmt.Sprintf("%s (%s, %d listeners)", a.Address, a.Policy, len(a.Listeners))
		if at.Program == "" {
			at = kernel.At(kernel.Steering, a.Since)
			at.Counts = map[string]uint64{}
		}
		at.Where = append(at.Where, where)
		at.Counts["chosen"] += a.Chosen
		at.Counts["migrated"] += a.Migrated
		at.Counts["left"] += a.Left
		for _, l := range a.Listeners {
			open, waiting = open+l.Open, waiting+l.Waiting
		}
	}
	if at.Program != "" {
		at.Has = map[string]uint64{"open": uint64(max(open, 0)), "waiting": uint64(waiting)}
		return at
	}
	if len(list) == 0 {
		return kernel.Idle(kernel.Steering, "no address is open")
	}
	switch a := list[0]; a.State {
	case Off:
		return kernel.NotWanted(kernel.Steering, a.Why)
	case Refused:
		x := kernel.Idle(kernel.Steering, a.Why)
		x.State, x.Cure = kernel.Missing, a.Cure
		return x
	default:
		return kernel.Idle(kernel.Steering, a.Why)
	}
}
