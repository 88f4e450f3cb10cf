package kernel

import (
	"time"

	"github.com/catherd/catherd/bpf"
)

// State is what became of a program.
type State string

// The states of a program.
const (
	Attached State = "attached" // at work
	Off      State = "off"      // not wanted: by the file, or by KERNEL=off
	Unused   State = "unused"   // wanted, and there is nothing for it to do
	Missing  State = "missing"  // wanted, and the kernel or the permissions do not allow it
	Possible State = "possible" // it could run here; nothing is running that uses it
)

// The programs, as status, metrics and messages name them.
const (
	Events   = "events"
	Steering = "steering"
	Guard    = "guard"
	Lookup   = "lookup"
)

// purposes says what a program is for.
var purposes = map[string]string{
	Events:   "learns of dead members from the kernel, before a request does",
	Steering: "spreads new connections over the listeners",
	Guard:    "drops floods and denied sources at the interface",
	Lookup:   "serves prefixes of addresses and ranges of ports with one listener",
}

// Status is one program and what became of it.
type Status struct {
	Program string    `json:"program"`
	Purpose string    `json:"purpose"`
	State   State     `json:"state"`
	Since   time.Time `json:"since,omitzero"`    // of Attached
	Where   []string  `json:"where,omitempty"`   // what it is attached to, in words
	Missing string    `json:"missing,omitempty"` // why it is not at work
	Cure    string    `json:"cure,omitempty"`    // what to do about it
	// Counts is what it did since then, by words such as "told" and "lost". They rise.
	Counts map[string]uint64 `json:"counts,omitempty"`
	// Drops is what packets it has dropped, by reason.
	Drops map[string]uint64 `json:"drops,omitempty"`
	// Has is what it holds at present, such as members, rules or listeners.
	Has map[string]uint64 `json:"has,omitempty"`
}

// At begins the status of a program that is at work.
func At(program string, since time.Time, where ...string) Status {
	return Status{Program: program, Purpose: purposes[program], State: Attached, Since: since, Where: where}
}

// NotWanted is the status of a program that is off; why says by what.
func NotWanted(program, why string) Status {
	return Status{Program: program, Purpose: purposes[program], State: Off, Missing: why}
}

// Idle is the status of a program that has nothing to do; why says for want of what.
func Idle(program, why string) Status {
	return Status{Program: program, Purpose: purposes[program], State: Unused, Missing: why}
}

// Refused is the status of a program that could not be attached. probe is that of
// its package, which knows the cure; err counts when the trial succeeds.
func Refused(program string, err error, probe func() bpf.Feature) Status {
	s := Status{Program: program, Purpose: purposes[program], State: Missing, Missing: err.Error()}
	if f := probe(); !f.Can {
		s.Missing, s.Cure = f.Missing, f.Cure
	}
	if s.Cure == "" {
		s.Cure = "none is known; Catherd works without it"
	}
	return s
}

// Tried is the status of a program that nothing uses yet, by its trial.
func Tried(f bpf.Feature) Status {
	s := Status{Program: f.Name, Purpose: f.What, State: Possible}
	if f.Name == "steer" {
		s.Program = Steering
	}
	if !f.Can {
		s.State, s.Missing, s.Cure = Missing, f.Missing, f.Cure
	}
	return s
}

// Mode is a word of the file: how much a program is wanted.
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // where it can run
	Require Mode = "require" // or Catherd does not start
	Never   Mode = "never"
)

// ModeOf is the mode that the file asks for, unless KERNEL=off in the environment
// has everything run without programs in the kernel; why says what decided on Never.
func ModeOf(word string, getenv func(string) string) (m Mode, why string) {
	switch {
	case getenv != nil && getenv("KERNEL") == "off":
		return Never, "KERNEL=off in the environment"
	case Mode(word) == Never:
		return Never, "never in the file"
	case word == "":
		return Auto, ""
	}
	return Mode(word), ""
}
