package bpf

import (
	"github.com/catherd/catherd/bpf/events"
	"github.com/catherd/catherd/bpf/guard"
	"github.com/catherd/catherd/bpf/internal/kern"
	"github.com/catherd/catherd/bpf/lookup"
	"github.com/catherd/catherd/bpf/steer"
)

// Feature is one program and whether it can run here: its name, what it is for,
// and, when it cannot, what is missing and the cure.
type Feature = kern.Feature

// Probe tries every program on this kernel, as this process, and attaches
// nothing. It takes some hundredths of a second.
func Probe() []Feature {
	return []Feature{
		events.Probe(),
		guard.Probe(),
		lookup.Probe(),
		steer.Probe(),
	}
}
