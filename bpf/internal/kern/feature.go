package kern

import (
	"errors"
)

// Feature is one program and whether it can run here.
type Feature struct {
	Name    string // "guard", "events", ...
	What    string // what it is for, in one sentence
	Can     bool
	Missing string // what is missing, "" when it can run
	Cure    string // what to do about it
}

// FeatureOf turns the outcome of a trial into a Feature. caps are the
// capabilities that the program needs, and since the first kernel with all of it.
func FeatureOf(name, what, caps, since string, err error) Feature {
	f := Feature{Name: name, What: what, Can: err == nil}
	if err == nil {
		return f
	}
	f.Missing = err.Error()
	switch {
	case errors.Is(err, ErrPermission):
		f.Cure = "run as root or give the process " + caps
	case errors.Is(err, ErrUnsupported):
		f.Cure = "a kernel from " + since + " on, built with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT and CONFIG_DEBUG_INFO_BTF"
	default:
		f.Cure = "none is known; Catherd works without it"
	}
	return f
}
