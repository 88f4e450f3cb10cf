// Package overrides keeps what an operator has asked of a member (ready,
// drain, stop, or another weight) on top of what the configuration file says: by whom, why and
// until when.
//
// Where things are: override.go has the pure core (a list in, a list out, the
// time as a value), file.go keeps a list in a file.
//
// The controller is the only caller. It asks Put for every action, Expire on a
// timer set by NextExpiry, and Save after every change. compile reads the list.
//
// What it must never do: decide whether a member exists, or write anything
// into the configuration file. The file stays the truth; an override is shown
// beside it and goes away.
//
// What bites:
//
//   - A "ready" on a member that the file calls ready is no override but the
//     end of one, so that nothing stays behind.
//   - State and weight of a member are two entries, each with its own owner and
//     end: a drain must not take the weight back that somebody else has set.
//   - An override outlives a restart on purpose: a member that was stopped for
//     a repair must not get requests because the balancer was updated.
//   - The names of pool and member are kept, not the address: a drained
//     tomcat1 that moves to another host is still drained. Where the name is made
//     of the address, the controller asks Rename when the member moves.
package overrides
