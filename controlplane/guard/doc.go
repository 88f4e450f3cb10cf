// Package guard keeps the kernel's guard as the configuration and the operators want
// it: which rules hold, on which interfaces, until when, and what they dropped.
//
//	wish.go    Wish: what a configuration asks for; the rules that come of it
//	rule.go    Rule: what an operator adds or takes away while the process runs
//	file.go    the file in which those outlive the process
//	danger.go  which change would shut an operator, or everybody, out
//	places.go  which interfaces are guarded
//	keeper.go  Keeper: the rules at work; Set, Run, Close
//	change.go  Keeper.Change, confirmation and taking back
//	hits.go    what was dropped, told as events but not too often
//	status.go  Status: the same facts for status and metrics
//
// The controller makes one Keeper, gives it a Wish with every configuration that is
// taken into use, and has Run look after interfaces and ends of rules. The program
// itself and its counters are package bpf/guard.
//
// It must never leave a worse set of rules at work than the one before a change that
// could not be carried out, never drop who is in an allow list or may ask the admin
// side, and never stop the process because the kernel refuses, unless it was required.
//
// What bites:
//
//   - Rules hold on every guarded interface. One that is guarded for a group of
//     tribes judges connections as well when there are rules for those.
//   - Peers of the admin side are in admin.allow and always pass, so only an operator
//     at the command line can shut himself out: by the address he came from.
//   - A change that waits for confirmation takes later ones with it when it is taken
//     back, and is never written to the file before it is confirmed.
//   - Natively attached XDP makes some drivers begin anew, so an interface that is
//     guarded for a group alone is guarded by tcx where the kernel has it.
package guard
